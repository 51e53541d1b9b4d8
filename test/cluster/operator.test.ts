import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import {
  API_SERVICES,
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  NAMESPACES,
  SCALED_JOBS,
  SCALED_OBJECTS,
} from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger, silentLogger } from '../../src/base/log.ts';
import type { KubeObject, ResourceType } from '../../src/base/object.ts';
import { type Operator, startOperator } from '../../src/cli/operator/operator.ts';
import { readSettings } from '../../src/cli/operator/settings.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createStore, type Store } from '../../src/kube/store.ts';
import { type ControlPlane, RUNS_FOR, startControlPlane } from '../support/cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC, type MetricSource, startMetricSource } from '../support/metric-source.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests look at fields of many kinds
type Loose = KubeObject & { spec?: any; status?: any };

const clock = systemClock;
const namespace = 'shop';

let cluster: ControlPlane;
/** The test's own. */
let client: KubeClient;
let operatorClient: KubeClient;
let operator: Operator;
/** What the operator asked to be written, as `PATCH /apis/…`. */
const writes: string[] = [];
/** What it logged, one JSON text a line. */
const logs: string[] = [];

beforeAll(async () => {
  cluster = await startControlPlane({ crds: ['config/crd/all.yaml'] });
  client = createKubeClient(cluster.connection, { clock, log: silentLogger });
  for (const name of ['keda', namespace]) await cluster.kubectl(['create', 'namespace', name]);
  const log = createLogger({ level: 'info', write: (line) => logs.push(line) });
  // Not one of system:masters: for a moment after its start, the API server knows no roles and refuses everybody else.
  await cluster.kubectl(['create', 'clusterrolebinding', 'operator', '--clusterrole=cluster-admin', '--user=operator']);
  operatorClient = createKubeClient(cluster.connectionFor({ name: 'operator' }), {
    clock,
    log,
    observe({ method, path }) {
      // Reviews are questions that Kubernetes has people put as creations.
      if (method !== 'GET' && !path.includes('reviews')) writes.push(`${method} ${path}`);
    },
  });
  const env = { POD_NAMESPACE: 'keda' };
  operator = await startOperator({
    client: operatorClient,
    settings: readSettings(env),
    clock,
    log,
    env,
    metricsApi: { host: '127.0.0.1', port: 0, service: 'keda-metrics-apiserver', reachableAt: 'localhost' },
  });
  await operator.ready;
});
afterAll(async () => {
  await operator?.stop();
  await operatorClient?.close();
  await client?.close();
  await cluster?.stop();
});

let source: MetricSource;
beforeEach(async () => {
  onTestFailed(() => {
    process.stderr.write(`${logs.slice(-20).join('\n')}\n`);
  });
  source = await startMetricSource();
});
afterEach(async () => {
  await source.stop();
});

const get = (type: ResourceType, name: string) => client.get<Loose>(type, name, { namespace });
const condition = async (type: ResourceType, name: string, wanted: string) => {
  const { status } = await get(type, name);
  const found = status?.conditions?.find((each: { type: string }) => each.type === wanted);
  return found && `${found.status}/${found.reason}`;
};

/** Every value that spec.replicas has from now on. */
function follow(name: string): { replicas: number[]; store: Store<{ metadata: { name: string }; replicas: number }> } {
  const store = createStore({
    client,
    type: DEPLOYMENTS,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    project: (raw: Loose) => ({ metadata: { name: raw.metadata.name }, replicas: Number(raw.spec.replicas) }),
    clock,
    log: silentLogger,
  });
  const replicas: number[] = [];
  store.onChange(({ object }) => replicas.push(object.replicas));
  return { replicas, store };
}

const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'app', image: 'example.com/app:1' }] },
    },
  },
});

describe('a ScaledObject', () => {
  it('takes a Deployment from 0 to 1, by its HPA to N, and back to 0', async () => {
    const name = 'web';
    await cluster.apply([
      deployment(name),
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name, namespace },
        spec: {
          scaleTargetRef: { name },
          pollingInterval: 1,
          cooldownPeriod: 2,
          advanced: {
            horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
          },
          triggers: [source.trigger()],
        },
      },
    ]);
    await eventually(async () => expect(await condition(SCALED_OBJECTS, name, 'Ready')).toMatch(/^True/), 20_000);
    const { spec } = await get(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${name}`);
    expect(spec).toMatchObject({ minReplicas: 1, scaleTargetRef: { kind: 'Deployment', name } });
    const { replicas, store } = follow(name);
    await store.synced;

    source.answer = 35;
    await eventually(() => replicas.at(-1) === 4, 30_000);
    expect(replicas.slice(0, 2)).toEqual([0, 1]);
    await eventually(async () => (await get(DEPLOYMENTS, name)).status?.readyReplicas === 4, 20_000);
    await eventually(
      async () =>
        expect(await condition(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${name}`, 'ScalingActive')).toBe(
          'True/ValidMetricFound',
        ),
      10_000,
    );

    const raw = await cluster.kubectl([
      'get',
      '--raw',
      `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${METRIC}?labelSelector=scaledobject.keda.sh%2Fname%3D${name}`,
    ]);
    expect(JSON.parse(raw)).toMatchObject({
      kind: 'ExternalMetricValueList',
      items: [{ metricName: METRIC, value: '35' }],
    });
    expect(await cluster.kubectl(['get', 'so', name, '-n', namespace])).toMatch(/ True +True /);

    source.answer = 0;
    await eventually(() => replicas.at(-1) === 0, 30_000);
    const events = await cluster.kubectl([
      'get',
      'events',
      '-n',
      namespace,
      '--field-selector',
      `involvedObject.name=${name}`,
    ]);
    expect(events).toContain('KEDAScaleTargetActivated');
    expect(events).toContain('KEDAScaleTargetDeactivated');
    store.stop();
  });

  it('writes nothing while nothing changes', async () => {
    const name = 'steady';
    source.answer = 25;
    await cluster.apply([
      deployment(name),
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name, namespace },
        spec: { scaleTargetRef: { name }, pollingInterval: 1, triggers: [source.trigger()] },
      },
    ]);
    const { replicas, store } = follow(name);
    await eventually(() => replicas.at(-1) === 3, 30_000);
    await eventually(async () => expect(await condition(SCALED_OBJECTS, name, 'Active')).toMatch(/^True/), 10_000);
    const quiet = async (reads: number) => {
      const before = writes.length;
      const goal = source.asked + reads;
      await eventually(() => source.asked >= goal, 30_000);
      return writes.slice(before);
    };
    // The last words of the change: conditions that follow the HPA's.
    await eventually(async () => (await quiet(4)).length === 0, 30_000);
    expect(await quiet(8)).toEqual([]);
    store.stop();
  });

  it('gives its HPA and its finalizer back when it is deleted', async () => {
    const name = 'leaving';
    await cluster.apply([
      deployment(name),
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name, namespace },
        spec: { scaleTargetRef: { name }, minReplicaCount: 1, triggers: [source.trigger()] },
      },
    ]);
    await eventually(() => get(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${name}`).then(Boolean), 20_000);
    await cluster.kubectl(['delete', 'so', name, '-n', namespace, '--timeout=20s']);
    await eventually(
      async () => (await client.find(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${name}`, { namespace })) === undefined,
      20_000,
    );
  });
});

describe('a ScaledJob', () => {
  it('makes a Job for each piece of work, no more while they run, and keeps the history that it is told', async () => {
    const name = 'thumbnails';
    source.answer = 30;
    await cluster.apply([
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledJob',
        metadata: { name, namespace },
        spec: {
          pollingInterval: 1,
          maxReplicaCount: 10,
          successfulJobsHistoryLimit: 1,
          triggers: [source.trigger()],
          jobTargetRef: {
            template: {
              metadata: { annotations: { [RUNS_FOR]: '6s' } },
              spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/work:1' }] },
            },
          },
        },
      },
    ]);
    const jobs = () => client.listAll<Loose>(JOBS, { namespace, labelSelector: `scaledjob.keda.sh/name=${name}` });
    await eventually(async () => (await jobs()).length > 0, 20_000);
    await eventually(async () => (await jobs()).filter(({ status }) => status?.ready === 1).length === 3, 20_000);
    const asked = source.asked;
    await eventually(() => source.asked > asked, 10_000);
    expect(await jobs()).toHaveLength(3);
    source.answer = 0;
    await eventually(async () => {
      const left = await jobs();
      expect(left).toHaveLength(1);
      expect(left[0]?.status?.succeeded).toBe(1);
    }, 30_000);
    await eventually(async () => expect(await condition(SCALED_JOBS, name, 'Active')).toMatch(/^False/), 10_000);
  });
});

describe('the operator beside the cluster', () => {
  it('is an available part of the aggregated API, and known to discovery', async () => {
    const { status } = await client.get<Loose>(API_SERVICES, 'v1beta1.external.metrics.k8s.io');
    expect(status.conditions).toMatchObject([{ type: 'Available', status: 'True' }]);
    expect(await cluster.kubectl(['api-versions'])).toContain('external.metrics.k8s.io/v1beta1');
  });

  it('keeps a namespace deletable', async () => {
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'brief' } });
    await client.delete(NAMESPACES, 'brief');
    await eventually(async () => (await client.find(NAMESPACES, 'brief')) === undefined, 30_000);
  });

  it('goes on after the API server was away, and scales nothing because of it', async () => {
    const name = 'calm';
    source.answer = 25;
    await cluster.apply([
      deployment(name),
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name, namespace },
        spec: { scaleTargetRef: { name }, pollingInterval: 1, cooldownPeriod: 1, triggers: [source.trigger()] },
      },
    ]);
    const { replicas, store } = follow(name);
    await eventually(() => replicas.at(-1) === 3, 30_000);
    await cluster.stopApiServer();
    const asked = source.asked;
    await eventually(() => source.asked >= asked + 3, 20_000);
    const before = replicas.length;
    await cluster.startApiServer();
    await eventually(
      async () =>
        expect(await condition(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${name}`, 'ScalingActive')).toBe(
          'True/ValidMetricFound',
        ),
      60_000,
    );
    expect(replicas.slice(before)).toEqual([]);
    source.answer = 45;
    await eventually(() => replicas.at(-1) === 5, 60_000);
    store.stop();
  });
});
