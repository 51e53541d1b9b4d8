import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../../../test/support/controllers-cluster.ts';
import { CONTROLLER_REVISIONS, PODS, STATEFUL_SETS } from '../kinds.ts';
import type { StatefulSet } from './types.ts';

let cluster: TestCluster;
afterEach(() => cluster.stop());

const create = (spec: object = {}) =>
  cluster.create(STATEFUL_SETS, {
    metadata: { name: 'db' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'v1' }] } },
      ...spec,
    },
  });
const change = async (spec: object) => {
  await cluster.api.patch(STATEFUL_SETS, 'db', 'default', { type: 'merge', patch: { spec } });
  await cluster.settle();
};
const v2 = { template: { spec: { containers: [{ name: 'c', image: 'v2' }] } } };
const read = () => cluster.get<StatefulSet>(STATEFUL_SETS, 'db')!;
const names = () => cluster.pods().map((p) => `${p.metadata.name}${p.metadata.deletionTimestamp ? ' leaving' : ''}`);
const images = () => cluster.pods().map((p) => p.spec.containers[0]?.image);

describe('a StatefulSet', () => {
  beforeEach(async () => {
    cluster = await startTestCluster();
  });

  it('makes its pods one by one, each when the one before is ready', async () => {
    await create();
    expect(names()).toEqual(['db-0']);
    await cluster.run(cluster.pods()[0]!, false);
    expect(names()).toEqual(['db-0']);
    await cluster.run(cluster.pods()[0]!);
    expect(names()).toEqual(['db-0', 'db-1']);
    expect(cluster.pods()[1]).toMatchObject({
      metadata: { labels: { 'statefulset.kubernetes.io/pod-name': 'db-1', 'apps.kubernetes.io/pod-index': '1' } },
      spec: { hostname: 'db-1', subdomain: 'db' },
    });
  });

  it('makes and removes them all at once when Parallel', async () => {
    await create({ podManagementPolicy: 'Parallel' });
    expect(names()).toEqual(['db-0', 'db-1', 'db-2']);
    for (const pod of cluster.pods()) await cluster.run(pod);
    await change({ replicas: 0 });
    expect(names()).toEqual(['db-0 leaving', 'db-1 leaving', 'db-2 leaving']);
  });

  it('scales down from the highest number, one by one', async () => {
    await create();
    for (const i of [0, 1, 2]) await cluster.run(cluster.pods()[i]!);
    await change({ replicas: 1 });
    expect(names()).toEqual(['db-0', 'db-1', 'db-2 leaving']);
    await cluster.gone(cluster.pods()[2]!);
    expect(names()).toEqual(['db-0', 'db-1 leaving']);
    await cluster.gone(cluster.pods()[1]!);
    expect(names()).toEqual(['db-0']);
  });

  it('makes a pod that has ended anew under its name', async () => {
    await create({ replicas: 1 });
    const { uid } = cluster.pods()[0]!.metadata;
    await cluster.end(cluster.pods()[0]!, 1);
    expect(names()).toEqual(['db-0']);
    expect(cluster.pods()[0]!.metadata.uid).not.toBe(uid);
  });
});

describe('a StatefulSet on a node', () => {
  beforeEach(async () => {
    cluster = await startTestCluster({ node: true });
  });

  it('rolls a new template out from the highest number down', async () => {
    await create();
    expect(read().status).toMatchObject({ replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 });
    const deleted: string[] = [];
    const stop = cluster.api.watch(PODS, (e) => e.type === 'DELETED' && deleted.push(e.object.metadata.name));
    await change(v2);
    stop();
    expect(deleted).toEqual(['db-2', 'db-1', 'db-0']);
    expect(images()).toEqual(['v2', 'v2', 'v2']);
    expect(read().status?.currentRevision).toBe(read().status?.updateRevision);
    expect(cluster.api.list(CONTROLLER_REVISIONS)).toHaveLength(2);
  });

  it('leaves those below the partition as they are, also when they are made anew', async () => {
    await create({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    await change(v2);
    expect(images()).toEqual(['v1', 'v1', 'v2']);
    await cluster.api.delete(PODS, 'db-0', 'default');
    await cluster.settle();
    expect(images()).toEqual(['v1', 'v1', 'v2']);
    expect(read().status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
  });

  it('with OnDelete updates only pods that somebody deletes', async () => {
    await create({ updateStrategy: { type: 'OnDelete' } });
    await change(v2);
    expect(images()).toEqual(['v1', 'v1', 'v1']);
    await cluster.api.delete(PODS, 'db-1', 'default');
    await cluster.settle();
    expect(images()).toEqual(['v1', 'v2', 'v1']);
  });

  it('scales through its scale subresource', async () => {
    await create();
    const patch = { spec: { replicas: 5 } };
    await cluster.api.patch(STATEFUL_SETS, 'db', 'default', { type: 'merge', patch }, 'scale');
    await cluster.settle();
    expect(names()).toEqual(['db-0', 'db-1', 'db-2', 'db-3', 'db-4']);
  });
});
