import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../../test/support/controllers-cluster.ts';
import { ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES } from './kinds.ts';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startTestCluster();
});
afterEach(() => cluster.stop());

const service = (spec: object = {}) =>
  cluster.create(SERVICES, {
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...spec },
  });
const pod = (name: string) =>
  cluster.create(PODS, {
    metadata: { name, labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i', ports: [{ name: 'web', containerPort: 8080 }] }] },
  });
const find = (name: string) => cluster.pods().find((p) => p.metadata.name === name)!;
const subsets = () => (cluster.get(ENDPOINTS, 'web') as { subsets?: Subset[] } | undefined)?.subsets ?? [];
interface Subset {
  addresses?: { targetRef: { name: string } }[];
  notReadyAddresses?: { targetRef: { name: string } }[];
  ports: object[];
}
const addresses = () =>
  subsets().map((s) => [
    s.addresses?.map((a) => a.targetRef.name) ?? [],
    s.notReadyAddresses?.map((a) => a.targetRef.name) ?? [],
  ]);
const slices = () =>
  cluster.api.list<never>(ENDPOINT_SLICES) as unknown as {
    endpoints: { targetRef: { name: string }; conditions: object }[];
    ports: object[];
  }[];

describe('the endpoints of a Service', () => {
  it('are its ready pods, by target port', async () => {
    await service();
    await pod('a');
    await pod('b');
    await cluster.run(find('a'));
    await cluster.run(find('b'), false);
    expect(addresses()).toEqual([[['a'], ['b']]]);
    expect(subsets()[0]?.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }]);
    expect(slices()).toHaveLength(1);
    expect(slices()[0]?.endpoints.map((e) => [e.targetRef.name, e.conditions])).toEqual([
      ['a', { ready: true, serving: true, terminating: false }],
      ['b', { ready: false, serving: false, terminating: false }],
    ]);
    await cluster.end(find('a'), 0);
    await cluster.run(find('b'));
    expect(addresses()).toEqual([[['b'], []]]);
  });

  it('go with the Service', async () => {
    await service();
    await pod('a');
    await cluster.run(find('a'));
    await cluster.api.delete(SERVICES, 'web', 'default', { propagationPolicy: 'Background' });
    await cluster.settle();
    expect(cluster.get(ENDPOINTS, 'web')).toBeUndefined();
    expect(slices()).toEqual([]);
  });

  it('are left to others without a selector', async () => {
    await service({ selector: null });
    expect(cluster.get(ENDPOINTS, 'web')).toBeUndefined();
  });
});
