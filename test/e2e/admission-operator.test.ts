import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { type LocalCluster, startLocalCluster } from '../../src/cli/local-cluster.ts';
import { type Operator, startOperator } from '../../src/cli/operator/operator.ts';
import { readSettings } from '../../src/cli/operator/settings.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { eventually } from '../support/eventually.ts';

const clock = systemClock;
const log = silentLogger;
const env = { POD_NAMESPACE: 'keda' };
const namespace = 'default';

let cluster: LocalCluster;
let operator: Operator;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await startLocalCluster({ clock, log, port: 0 });
  undo.push(() => cluster.stop());
  const client = createKubeClient(cluster.connection, { clock, log });
  undo.push(() => client.close());
  operator = await startOperator({
    client,
    settings: readSettings(env),
    clock,
    log,
    env,
    metricsApi: { host: '127.0.0.1', port: 0, service: 'keda-metrics-apiserver', reachableAt: 'localhost' },
    webhooks: {
      host: '127.0.0.1',
      port: 0,
      service: 'keda-admission-webhooks',
      configuration: 'keda-admission',
      reachableAt: 'localhost',
    },
  });
  undo.push(() => operator.stop());
  await operator.ready;
  await operator.webhooks?.registered;
});
afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

const scaledObject = (name: string) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name, namespace },
  spec: {
    scaleTargetRef: { name: 'worker' },
    triggers: [{ type: 'kubernetes-workload', metadata: { podSelector: 'a=b', value: '1' } }],
  },
});

it('an operator with webhooks gets its own writes through, and its HPA is no rival', async () => {
  const { client } = cluster;
  const labels = { app: 'worker' };
  await client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'worker', namespace },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'worker:1' }] } },
    },
  });
  await client.create(SCALED_OBJECTS, scaledObject('web'));
  await eventually(() => client.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web', { namespace }), 10_000);
  const live = await client.get<KubeObject & { spec: object }>(SCALED_OBJECTS, 'web', { namespace });
  expect(live.metadata.finalizers).toEqual(['finalizer.keda.sh']);

  await client.patch(SCALED_OBJECTS, 'web', { spec: { maxReplicaCount: 7 } }, { type: 'merge', namespace });
  await expect(client.create(SCALED_OBJECTS, scaledObject('other'))).rejects.toThrow(
    "is already managed by the ScaledObject 'web'",
  );

  await client.delete(SCALED_OBJECTS, 'web', { namespace });
  await eventually(async () => (await client.find(SCALED_OBJECTS, 'web', { namespace })) === undefined, 10_000);
});
