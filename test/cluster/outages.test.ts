import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import {
  DEPLOYMENTS,
  EVENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  SCALED_JOBS,
  SCALED_OBJECTS,
} from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger, silentLogger } from '../../src/base/log.ts';
import { type Operator, startOperator } from '../../src/cli/operator/operator.ts';
import { readSettings } from '../../src/cli/operator/settings.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createStore } from '../../src/kube/store.ts';
import { serviceNames } from '../../src/servers/certificates/issue.ts';
import { type ControlPlane, RUNS_FOR, startControlPlane } from '../support/cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { type MetricSource, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type Loose } from '../support/operator.ts';

const clock = systemClock;
const namespace = 'shop';
/** How long something is away: longer than a Lease lives, and than every retry takes at first. */
const AWAY_MS = 60_000;

/** ScaledObjects by what they are doing when the outage comes. */
const NAMES = ['busy', 'idle', 'cooling', 'falling', 'formula'] as const;
type Name = (typeof NAMES)[number];

interface Replica {
  operator: Operator;
  client: KubeClient;
  logs: string[];
}

let cluster: ControlPlane;
let client: KubeClient;
let sources: Record<Name | 'batch', MetricSource>;
const replicas: Replica[] = [];
/** Every count that spec.replicas had, by Deployment. */
const counts = new Map<string, number[]>();
const stops: (() => void)[] = [];

const get = (type: typeof DEPLOYMENTS, name: string) => client.get<Loose>(type, name, { namespace });

beforeAll(async () => {
  cluster = await startControlPlane({ crds: ['config/crd/all.yaml'] });
  client = createKubeClient(cluster.connection, { clock, log: silentLogger });
  for (const name of ['keda', namespace]) await cluster.kubectl(['create', 'namespace', name]);
  await cluster.kubectl(['create', 'clusterrolebinding', 'operator', '--clusterrole=cluster-admin', '--user=operator']);
  for (const identity of ['one', 'two']) await startReplica(identity);
  await Promise.all(replicas.map(({ operator }) => operator.ready));
  const names = [...NAMES, 'batch'] as const;
  const started = await Promise.all(names.map(() => startMetricSource()));
  sources = Object.fromEntries(names.map((name, i) => [name, started[i]])) as typeof sources;
});
afterAll(async () => {
  for (const stop of stops) stop();
  for (const { operator, client: own } of replicas) {
    await operator.stop();
    await own.close();
  }
  await client?.close();
  await cluster?.stop();
  await Promise.all(Object.values(sources ?? {}).map((source) => source.stop()));
});

async function startReplica(identity: string): Promise<void> {
  const logs: string[] = [];
  const log = createLogger({ level: 'info', write: (line) => logs.push(line) });
  const own = createKubeClient(cluster.connectionFor({ name: 'operator' }), { clock, log });
  const env = { POD_NAMESPACE: 'keda', POD_NAME: identity };
  const operator = await startOperator({
    client: own,
    settings: readSettings(env),
    clock,
    log,
    env,
    // The first one answers the HPA, and gets from the other what that owns.
    metricsApi: {
      host: '127.0.0.1',
      port: 0,
      service: 'keda-metrics-apiserver',
      reachableAt: 'localhost',
      register: replicas.length === 0,
    },
    certificates: {
      from: { kind: 'secret', name: 'kedaorg-certs' },
      names: [...serviceNames('keda-metrics-apiserver', 'keda'), 'localhost'],
    },
    replicas: { identity, peers: { host: '127.0.0.1', port: 0, reachableAt: '127.0.0.1' } },
  });
  replicas.push({ operator, client: own, logs });
}

function follow(name: string): void {
  const seen: number[] = [];
  counts.set(name, seen);
  const store = createStore({
    client,
    type: DEPLOYMENTS,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    project: (raw: Loose) => ({ metadata: { name: raw.metadata.name }, replicas: Number(raw.spec.replicas) }),
    clock,
    log: silentLogger,
  });
  store.onChange(({ object }) => {
    if (seen.at(-1) !== object.replicas) seen.push(object.replicas);
  });
  stops.push(() => store.stop());
}

const jobs = () => client.listAll<Loose>(JOBS, { namespace, labelSelector: 'scaledjob.keda.sh/name=batch' });
const now = async () => ({
  replicas: Object.fromEntries([...counts].map(([name, seen]) => [name, [...seen]])),
  hpas: (await client.listAll<Loose>(HORIZONTAL_POD_AUTOSCALERS, { namespace }))
    .map(({ metadata, spec }) => [metadata.uid, JSON.stringify(spec)])
    .sort(),
  jobs: (await jobs()).map(({ metadata }) => metadata.uid).sort(),
  scaling: (await client.listAll<Loose>(EVENTS, { namespace }))
    .map(({ reason, regarding }) => `${regarding.name} ${reason}`)
    .filter((text) => /KEDAScaleTarget|KEDAJobs|Paused|Fallback/.test(text))
    .sort(),
});

const conditionsOf = async (type: typeof DEPLOYMENTS, name: string) => {
  const { status } = await get(type, name);
  return Object.fromEntries(
    (status?.conditions ?? []).map((each: { type: string; status: string }) => [each.type, each.status]),
  );
};

/** Everything there is to disturb: at work, at rest, in a cooldown, on its fallback, under a formula, and Jobs. */
async function setUp(): Promise<void> {
  const quick = { pollingInterval: 1, cooldownPeriod: 1 };
  sources.busy.answer = 25;
  sources.cooling.answer = 5;
  sources.falling.answer = { status: 503 };
  sources.formula.answer = 15;
  sources.batch.answer = 20;
  const job = {
    metadata: { annotations: { [RUNS_FOR]: '10m' } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/work:1' }] },
  };
  await cluster.apply(
    [
      ...NAMES.map((name) => aDeployment(name, 0)),
      aScaler('busy', [sources.busy.trigger()], quick),
      aScaler('idle', [sources.idle.trigger()], quick),
      aScaler('cooling', [sources.cooling.trigger()], { ...quick, cooldownPeriod: 1800 }),
      aScaler('falling', [sources.falling.trigger()], { ...quick, fallback: { failureThreshold: 1, replicas: 2 } }),
      aScaler('formula', [sources.formula.trigger({ name: 'depth' })], {
        ...quick,
        advanced: { scalingModifiers: { formula: 'depth * 2', target: '10' } },
      }),
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledJob',
        metadata: { name: 'batch' },
        spec: {
          pollingInterval: 1,
          maxReplicaCount: 5,
          triggers: [sources.batch.trigger()],
          jobTargetRef: { template: job },
        },
      },
    ],
    ['-n', namespace],
  );
  for (const name of NAMES) follow(name);
  const last = () => Object.fromEntries([...counts].map(([name, seen]) => [name, seen.at(-1)]));
  await eventually(() => expect(last()).toEqual({ busy: 3, idle: 0, cooling: 1, falling: 2, formula: 3 }), 60_000);
  sources.cooling.answer = 0;
  await eventually(async () => {
    expect(await conditionsOf(SCALED_OBJECTS, 'cooling')).toMatchObject({ Ready: 'True', Active: 'False' });
    expect(await conditionsOf(SCALED_OBJECTS, 'busy')).toMatchObject({ Ready: 'True', Active: 'True' });
    expect(await conditionsOf(SCALED_OBJECTS, 'falling')).toMatchObject({ Fallback: 'True' });
    expect(await conditionsOf(SCALED_JOBS, 'batch')).toMatchObject({ Ready: 'True', Active: 'True' });
    expect(await jobs()).toHaveLength(2);
  }, 30_000);
}

/** Lets the clock run; whatever is away stays away for that long. */
const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('an outage of the cluster', () => {
  beforeAll(setUp);

  const OUTAGES: [string, () => Promise<void>, () => Promise<void>, number][] = [
    ['etcd is away for a minute', () => cluster.stopEtcd(), () => cluster.startEtcd(), AWAY_MS],
    ['the API server is away for a while', () => cluster.stopApiServer(), () => cluster.startApiServer(), AWAY_MS / 4],
  ];

  it.each(OUTAGES)(
    'scales nothing, loses nothing and is over by itself: %s',
    async (_, take, bring, ms) => {
      onTestFailed(async () => {
        for (const { logs } of replicas) process.stderr.write(`${logs.slice(-25).join('\n')}\n`);
        process.stderr.write(await cluster.logTails());
      });
      const before = await now();
      const lines = replicas.map(({ logs }) => logs.length);
      await take();
      // Nobody can renew a Lease, so nobody may write.
      await pass(ms);
      await bring();
      // Whoever owns an object has to be known again, and everything has to be seen again.
      await eventually(async () => {
        for (const name of ['busy', 'falling', 'formula'])
          expect(await conditionsOf(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${name}`)).toMatchObject({
            ScalingActive: 'True',
          });
        // Whoever was told that its Lease is over is a member again.
        for (const { logs } of replicas)
          expect(logs.filter((line) => /"membership changed"/.test(line)).at(-1)).toMatch(
            /"valid":true.*one.*two|"valid":true.*two.*one/,
          );
      }, 60_000);
      await sources.busy.asks(3);
      expect(await now()).toEqual(before);
      // A line when it goes and one when it comes back, for what each watches; not one for each try.
      for (const [i, { logs }] of replicas.entries()) expect(logs.length - (lines[i] ?? 0)).toBeLessThan(150);
    },
    240_000,
  );

  it('leaves everything at work: what changes afterwards takes effect', async () => {
    sources.idle.answer = 5;
    sources.busy.answer = 0;
    sources.falling.answer = 35;
    sources.batch.answer = 30;
    await cluster.apply(
      [aDeployment('late', 0), aScaler('late', [sources.idle.trigger()], { pollingInterval: 1 })],
      ['-n', namespace],
    );
    await eventually(async () => {
      const wanted = { idle: 1, busy: 0, falling: 4, late: 1, cooling: 1, formula: 3 };
      for (const [name, count] of Object.entries(wanted))
        expect([name, (await get(DEPLOYMENTS, name)).spec.replicas]).toEqual([name, count]);
      expect(await jobs()).toHaveLength(3);
      expect(await conditionsOf(SCALED_OBJECTS, 'falling')).toMatchObject({ Ready: 'True', Fallback: 'False' });
    }, 90_000);
  });
});
