import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRETS } from '../../src/api/resources.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { PEER_ANNOTATION } from '../../src/cli/operator/replicas.ts';
import { LEASES } from '../../src/kube/lease.ts';
import { eventually } from '../support/eventually.ts';
import { createMetricsClient, type MetricsClient } from '../support/metrics-client.ts';
import { createLoad, LOAD_NAMESPACE, type Load } from '../support/replica-load.ts';
import { OPERATOR_NAMESPACE, type ReplicaWorld, startReplicaWorld } from '../support/replicas.ts';

/** Two operators as processes; the client has what KEDA's users have: the Secret of the certificates and port 9666. */
describe('raw metrics', () => {
  const OBJECTS = 12;
  /** What dashboards know metrics-api by, for triggers without a name. */
  const TRIGGER = 'metricsAPIScaler';
  let world: ReplicaWorld;
  let load: Load;
  let client: MetricsClient;
  const ref = (name: string) => ({ namespace: LOAD_NAMESPACE, name, metricName: TRIGGER });

  beforeAll(async () => {
    world = await startReplicaWorld({ RAW_METRICS_GRPC_PROTOCOL: 'enabled' });
    load = await createLoad(world, { objects: OBJECTS, pollingInterval: 1, jobs: true });
    await Promise.all(['r1', 'r2'].map((name) => world.start(name)));
    const leases = await world.client.listAll<KubeObject>(LEASES, { namespace: OPERATOR_NAMESPACE });
    const one = leases.find(({ metadata }) => metadata.annotations?.[PEER_ANNOTATION]);
    const secret = await world.client.get<KubeObject & { data: Record<string, string> }>(SECRETS, 'kedaorg-certs', {
      namespace: OPERATOR_NAMESPACE,
    });
    const pem = (key: string) => Buffer.from(secret.data[key] ?? '', 'base64').toString();
    client = createMetricsClient({
      address: one?.metadata.annotations?.[PEER_ANNOTATION] ?? '',
      ca: pem('ca.crt'),
      cert: pem('tls.crt'),
      key: pem('tls.key'),
      name: `keda-operator.${OPERATOR_NAMESPACE}.svc.cluster.local`,
    });
  });
  afterAll(async () => {
    client?.close();
    await world?.stop();
    await load?.stop();
  });

  it('reach a subscriber at one replica from the owners of all objects, ScaledJobs among them', async () => {
    load.queue = 2;
    const names = [...Array.from({ length: OBJECTS }, (_, index) => `so-${index}`), 'sj-0'];
    const members = await world.members();
    const owners = new Set([...load.uids.values()].map((uid) => world.owner(uid, members)));
    expect(owners).toEqual(new Set(['r1', 'r2']));
    const stream = client.stream('test');
    for (const name of names) expect((await client.subscribe('test', ref(name))).wasSubscribed).toBe(false);
    const heard = () => new Set(stream.metrics.map(({ metadata }) => metadata.name));
    await eventually(() => {
      const missing = names.filter((name) => !heard().has(name));
      if (missing.length > 0) throw new Error(`nothing of ${missing}`);
    }, 30_000);
    const of = (wanted: string) => stream.metrics.find(({ metadata }) => metadata.name === wanted);
    expect(of('so-0')).toMatchObject({ value: 5, isActive: true, metadata: ref('so-0') });
    expect(of('sj-0')).toMatchObject({ value: 2, isActive: true });
    expect(Math.abs((of('so-0')?.timestamp.seconds ?? 0) * 1_000 - Date.now())).toBeLessThan(600_000);
    for (const name of names) expect((await client.unsubscribe('test', ref(name))).wasSubscribed).toBe(true);
    await eventually(() => stream.ended !== undefined);
    expect(stream.ended).toBe('OK');
  });

  it('come with what the HPA gets, for whoever asks as KEDA’s metrics server does', async () => {
    const name = 's0-metric-api-depth';
    for (const object of ['so-0', 'so-1', 'so-2', 'so-3']) {
      const { items } = await client.getMetrics({ namespace: LOAD_NAMESPACE, name: object, metricName: name });
      expect(items).toMatchObject([{ metricName: name, value: { string: '5' } }]);
    }
    await expect(client.getMetrics({ namespace: 'load', name: 'so-x', metricName: name })).rejects.toThrow(
      'there is no ScaledObject load/so-x',
    );
  });
});
