import { EVENTS, NAMESPACES } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/log.ts';
import type { KubeObject, ResourceType } from '../../src/base/object.ts';
import { parseManifests } from '../../src/cli/manifests.ts';
import { type Operator, type OperatorOptions, startOperator } from '../../src/cli/operator/operator.ts';
import { readSettings } from '../../src/cli/operator/settings.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createDiscovery, type Discovery } from '../../src/kube/discovery.ts';
import type { Program } from '../../src/sandbox/kubelet/index.ts';
import { eventually } from './eventually.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

/** Any object, its spec and status read as the test likes. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at fields of many kinds
export type Loose = KubeObject & { spec?: any; status?: any; [field: string]: any };

export interface WorldOptions {
  /** Milliseconds between rounds of the autoscaler; a second, so that tests are quick. */
  hpaSyncPeriodMs?: number;
  programs?: Record<string, Program>;
  /** Default true; without it the test starts the operator itself. */
  operator?: boolean;
  kubeconfig?: string;
  env?: Record<string, string>;
  /** What the operator is started with beyond the usual. */
  more?: Partial<OperatorOptions>;
}

/** A cluster with an operator beside it. */
export interface World {
  cluster: TestCluster;
  /** The test's own client. */
  client: KubeClient;
  /** Everything that the operator asked to be written, as `PATCH /apis/…`. */
  writes: string[];
  /** What the operator logged, one JSON text a line. */
  logs: string[];
  /** Ends the operator, if one runs. */
  stopOperator(): Promise<void>;
  /** Starts an operator in this process, with a client and a memory of its own; the one before it ends. */
  startOperator(): Promise<void>;
  /** The operator that runs. */
  readonly operator: Operator;
  /** A namespace of the test's own; gone with everything in it when the test calls `end`. */
  namespace(): Promise<TestNamespace>;
  stop(): Promise<void>;
}

export interface TestNamespace {
  name: string;
  /** Applies YAML, or objects. */
  apply(...manifests: (string | object)[]): Promise<void>;
  get(type: ResourceType, name: string): Promise<Loose>;
  find(type: ResourceType, name: string): Promise<Loose | undefined>;
  list(type: ResourceType, labelSelector?: string): Promise<Loose[]>;
  patch(type: ResourceType, name: string, patch: object, subresource?: string): Promise<void>;
  /** Sets annotations of a ScaledObject or ScaledJob below `autoscaling.keda.sh/`; null removes one. */
  annotate(type: ResourceType, name: string, annotations: Record<string, string | null>): Promise<void>;
  delete(type: ResourceType, name: string): Promise<void>;
  /** Until there is no such object. */
  gone(type: ResourceType, name: string, ms?: number): Promise<void>;
  /** Events of the object of that name, oldest first, as `reason: note`, with how often each was counted. */
  events(name: string): Promise<{ type: string; reason: string; note: string; count: number }[]>;
  /** `status/reason` of a condition; undefined when it is not there. */
  condition(type: ResourceType, name: string, condition: string): Promise<string | undefined>;
  /** Until a condition is `status/reason`. */
  becomes(type: ResourceType, name: string, condition: string, wanted: string, ms?: number): Promise<void>;
  /**
   * Counts of spec.replicas in the order they were set: from the moment `apply` made the workload, so that nothing is
   * missed that the operator does before the test goes on; of other workloads from the moment of the call.
   */
  replicasOf(type: ResourceType, name: string): number[];
  /** What an external metrics request through the API server answers: values by name, or the error's text. */
  externalMetric(scaledObject: string, metric: string): Promise<string>;
  /** Deletes the namespace and waits until it is gone. */
  end(): Promise<void>;
}

let worlds = 0;

/** Starts a cluster with the CRDs and, unless told otherwise, an operator in this process. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const clock = systemClock;
  const logs: string[] = [];
  const writes: string[] = [];
  const log = createLogger({ level: 'info', write: (line) => logs.push(line) });
  const cluster = await startTestCluster({
    clock,
    log: log.with({ at: 'sandbox' }),
    kubeconfig: options.kubeconfig,
    programs: options.programs,
    hpaSyncPeriodMs: options.hpaSyncPeriodMs ?? 1_000,
  });
  let running: (() => Promise<void>) | undefined;
  let current: Operator | undefined;
  const stopOperator = async () => {
    const stop = running;
    running = undefined;
    await stop?.();
  };
  const start = async () => {
    await stopOperator();
    const client = createKubeClient(cluster.connection, {
      clock,
      log,
      userAgent: 'windlass-test',
      observe({ method, path }) {
        // Reviews are questions that Kubernetes has people put as creations.
        if (method !== 'GET' && !path.includes('reviews')) writes.push(`${method} ${path}`);
      },
    });
    const env = { POD_NAMESPACE: 'keda', ...options.env };
    const operator = await startOperator({
      client,
      settings: readSettings(env),
      clock,
      log,
      env,
      metricsApi: { host: '127.0.0.1', port: 0, service: 'keda-metrics-apiserver', reachableAt: 'localhost' },
      ...options.more,
    });
    current = operator;
    running = async () => {
      await operator.stop();
      await client.close();
    };
    await operator.ready;
  };
  const world: World = {
    cluster,
    client: cluster.client,
    writes,
    logs,
    stopOperator,
    startOperator: start,
    get operator() {
      if (!current) throw new Error('no operator was started');
      return current;
    },
    namespace: () => createNamespace(cluster, createDiscovery(cluster.client, clock), `test-${++worlds}`),
    async stop() {
      await stopOperator();
      await cluster.stop();
    },
  };
  try {
    if (options.operator !== false) await start();
  } catch (error) {
    await world.stop();
    throw error;
  }
  return world;
}

async function createNamespace(cluster: TestCluster, discovery: Discovery, name: string): Promise<TestNamespace> {
  const { client } = cluster;
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const stops: (() => void)[] = [];
  const at = { namespace: name };
  const histories = new Map<string, number[]>();
  const historyOf = (type: ResourceType, object: string): number[] => {
    const key = `${type.kind}/${object}`;
    const known = histories.get(key);
    if (known) return known;
    const seen: number[] = [];
    histories.set(key, seen);
    stops.push(
      cluster.followReplicas(type, name, object, (replicas) => {
        if (seen.at(-1) !== replicas) seen.push(replicas);
      }),
    );
    return seen;
  };
  const ns: TestNamespace = {
    name,
    async apply(...manifests) {
      for (const manifest of manifests) {
        for (const object of typeof manifest === 'string' ? parseManifests(manifest) : [manifest as KubeObject]) {
          const type = await discovery.resolve(object.apiVersion, object.kind);
          if (!type) throw new Error(`the cluster does not serve ${object.kind} of ${object.apiVersion}`);
          const metadata = { ...object.metadata, ...(type.namespaced ? at : {}) };
          await client.patch(
            type,
            metadata.name,
            { ...object, metadata },
            { type: 'apply', fieldManager: 'test', force: true, ...(type.namespaced ? at : {}) },
          );
          if (type.kind === 'Deployment' || type.kind === 'StatefulSet') {
            const seen = historyOf(type, metadata.name);
            await eventually(() => seen.length > 0);
          }
        }
      }
    },
    get: (type, object) => client.get<Loose>(type, object, at),
    find: (type, object) => client.find<Loose>(type, object, at),
    list: (type, labelSelector) => client.listAll<Loose>(type, { ...at, labelSelector }),
    async patch(type, object, patch, subresource) {
      await client.patch(type, object, patch, { type: 'merge', fieldManager: 'test', ...at, subresource });
    },
    annotate: (type, object, annotations) =>
      ns.patch(type, object, {
        metadata: {
          annotations: Object.fromEntries(
            Object.entries(annotations).map(([key, value]) => [`autoscaling.keda.sh/${key}`, value]),
          ),
        },
      }),
    delete: (type, object) => client.delete(type, object, at),
    async gone(type, object, ms = 10_000) {
      await eventually(async () => {
        const found = await ns.find(type, object);
        if (found) throw new Error(`${type.kind} ${object} is still there: ${JSON.stringify(found.metadata)}`);
      }, ms);
    },
    async events(object) {
      const events = await client.listAll<Loose>(EVENTS, at);
      return events
        .filter(({ regarding }) => regarding?.name === object)
        .sort((a, b) => String(a.eventTime).localeCompare(String(b.eventTime)))
        .map(({ type, reason, note, series }) => ({ type, reason, note, count: series?.count ?? 1 }));
    },
    async condition(type, object, condition) {
      const { status } = await ns.get(type, object);
      const found = status?.conditions?.find((each: { type: string }) => each.type === condition);
      return found && `${found.status}/${found.reason}`;
    },
    async becomes(type, object, condition, wanted, ms = 10_000) {
      await eventually(async () => {
        const now = await ns.condition(type, object, condition);
        if (now === wanted) return;
        const { status } = await ns.get(type, object);
        throw new Error(`${condition} of ${type.kind} ${object} is ${now}, not ${wanted}: ${JSON.stringify(status)}`);
      }, ms);
    },
    replicasOf: historyOf,
    async externalMetric(scaledObject, metric) {
      const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${name}/${metric}`;
      const query = { labelSelector: `scaledobject.keda.sh/name=${scaledObject}` };
      try {
        const { items } = await client.requestJson<{ items: { metricName: string; value: string }[] }>({
          method: 'GET',
          path,
          query,
        });
        return items.map((item) => `${item.metricName}=${item.value}`).join(' ');
      } catch (error) {
        return String(error);
      }
    },
    async end() {
      for (const stop of stops.splice(0)) stop();
      if ((await client.find(NAMESPACES, name)) === undefined) return;
      await client.delete(NAMESPACES, name);
      await eventually(async () => (await client.find(NAMESPACES, name)) === undefined, 90_000);
    },
  };
  return ns;
}

/** A Deployment of simulated pods. */
export function aDeployment(name: string, replicas: number, container: object = {}): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'app', image: 'example.com/simulated:1', ...container }],
        },
      },
    },
  };
}

/** A ScaledObject that scales the Deployment of its own name; polls every second and rests a second after the last work. */
export function aScaler(name: string, triggers: object[], spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name, ...metadata },
    spec: { scaleTargetRef: { name }, pollingInterval: 1, cooldownPeriod: 1, triggers, ...spec },
  };
}
