import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { DEPLOYMENTS, JOBS, PODS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { PROJECT } from '../../src/cli/local-cluster.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { eventually } from '../support/eventually.ts';
import { fixture } from '../support/helm.ts';
import { type MetricSource, startMetricSource } from '../support/metric-source.ts';
import { IDLE_IMAGE, type RealCluster, startRealCluster } from '../support/node/index.ts';
import { aScaler, type Loose } from '../support/operator.ts';

const namespace = 'shop';
/** Containers on a busy machine take their time to start and to end. */
const A_WHILE = 90_000;

let real: RealCluster;
let client: KubeClient;
let source: MetricSource;
/** The same trigger as pods reach it. */
let trigger: object;
/** Namespaced and cluster-wide objects before anything was installed. */
let before: string[];
/** Of the machine; kubelet and kube-proxy would change them. */
let settings: string[];

beforeAll(async () => {
  settings = await kernelSettings();
  real = await startRealCluster();
  client = createKubeClient(real.cluster.connection, { clock: systemClock, log: silentLogger });
  source = await startMetricSource();
  trigger = source.trigger({ metadata: { url: await real.reachable(source.url) } });
  await real.cluster.kubectl(['create', 'namespace', namespace]);
  await real.cluster.kubectl(['create', 'namespace', 'keda']);
  before = await everything();
}, 300_000);
afterAll(async () => {
  await client?.close();
  await source?.stop();
  await real?.stop();
}, 120_000);

const kubectl = (...args: string[]) => real.cluster.kubectl(args);
const pods = (labelSelector: string, where = namespace) =>
  client.listAll<Loose>(PODS, { namespace: where, labelSelector });
const operatorLog = () => kubectl('logs', '-n', 'keda', 'deployment/keda-operator', '--tail=-1');

/** What the API server holds, of every kind that can be listed; what it writes by itself and what only tells of pods aside. */
async function everything(): Promise<string[]> {
  const kinds = (await kubectl('api-resources', '--verbs=list,delete', '-o', 'name')).trim().split('\n');
  const passing = /^(events|leases|endpoints|endpointslices|pods\.metrics|csinodes|ipaddresses|podtemplates)/;
  const names = await kubectl(
    ...['get', kinds.filter((kind) => !passing.test(kind)).join(','), '-A', '--ignore-not-found', '--no-headers'],
    ...['-o', 'custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name'],
  );
  return names
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' '))
    .sort();
}

const kernelSettings = () =>
  Promise.all(
    ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops', 'net/ipv4/ip_forward'].map(
      (name) => readFile(path.join('/proc/sys', name), 'utf8'),
    ),
  );

function reportOnFailure(): void {
  onTestFailed(async () => {
    const told = await Promise.all([
      kubectl('get', 'pods', '-A', '-o', 'wide'),
      kubectl('get', 'events', '-A', '--sort-by=.lastTimestamp'),
      operatorLog().catch((error: Error) => error.message),
      real.logTails(),
    ]);
    process.stderr.write(`${told.join('\n')}\n`);
  });
}

describe('the Helm chart on a real node, with the values file of a post of 2022', () => {
  it('brings the operator up from its own image', async () => {
    reportOnFailure();
    await real.cluster.helm(
      [
        ...['install', 'keda', path.join(PROJECT, 'charts/windlass'), '-n', 'keda', '-f', fixture('sqs-post')],
        // The image is on the node, and in no registry that a test could ask.
        ...[
          '--set',
          'image.pullPolicy=Never',
          '--set',
          'crds.keep=false',
          '--set-json',
          `securityContext=${READ_ONLY}`,
        ],
        ...['--wait', '--timeout=90s'],
      ],
      { timeoutMs: 120_000 },
    );
    expect(await kubectl('get', 'pods', '-n', 'keda')).toMatch(/keda-operator-\S+ +1\/1 +Running +0 /);
    const [pod] = await pods('app=keda-operator', 'keda');
    expect(pod?.spec.nodeName).toBe(real.name);
    expect(pod?.status.containerStatuses[0].imageID).toMatch(/^sha256:/);
    expect(await operatorLog()).toMatch(/operator is ready/);
    expect(await everything()).toContain('Secret keda kedaorg-certs');
  });

  it('lets the API server ask it for metrics through its Service', async () => {
    reportOnFailure();
    await eventually(async () => {
      const available = '{.status.conditions[?(@.type=="Available")].status}';
      const name = 'v1beta1.external.metrics.k8s.io';
      expect(await kubectl('get', 'apiservice', name, '-o', `jsonpath=${available}`)).toBe('True');
    }, A_WHILE);
    expect(JSON.parse(await kubectl('get', '--raw', '/apis/external.metrics.k8s.io/v1beta1'))).toMatchObject({
      kind: 'APIResourceList',
    });
  });

  it('scales a Deployment from nothing to two containers that run, and back', async () => {
    reportOnFailure();
    await real.cluster.apply(
      [
        aRealDeployment('web'),
        aScaler('web', [trigger], { minReplicaCount: 0, maxReplicaCount: 2, cooldownPeriod: 1 }),
      ],
      ['-n', namespace],
    );
    await source.asks(2);
    expect(await pods('app=web')).toEqual([]);
    source.answer = 20;
    await eventually(async () => {
      const statuses = (await pods('app=web')).map(({ status }) => status.containerStatuses?.[0]);
      expect(statuses).toHaveLength(2);
      for (const status of statuses) expect(status).toMatchObject({ ready: true, state: { running: {} } });
      const running = await real.containers();
      for (const { containerID } of statuses) expect(running).toContain(containerID.replace('containerd://', ''));
    }, A_WHILE);
    const hpa = await kubectl('get', 'hpa', '-n', namespace, 'keda-hpa-web', '-o', 'json');
    expect(JSON.parse(hpa).status.desiredReplicas).toBe(2);
    source.answer = 0;
    await eventually(async () => expect(await pods('app=web')).toEqual([]), A_WHILE);
    expect((await client.get<Loose>(DEPLOYMENTS, 'web', { namespace })).spec.replicas).toBe(0);
  });

  it('lets its webhooks judge what people write, through their Service', async () => {
    reportOnFailure();
    await expect(
      real.cluster.apply([aScaler('rival', [trigger], { scaleTargetRef: { name: 'web' } }, { namespace })]),
    ).rejects.toThrow(/denied the request.*web/s);
  });

  it('runs the Jobs of a ScaledJob to their end', async () => {
    reportOnFailure();
    source.answer = 30;
    await real.cluster.apply([aScaledJob('batch')], ['-n', namespace]);
    const jobs = () => client.listAll<Loose>(JOBS, { namespace, labelSelector: 'scaledjob.keda.sh/name=batch' });
    await eventually(async () => expect((await jobs()).length).toBe(3), A_WHILE);
    source.answer = 0;
    await eventually(async () => {
      const all = await jobs();
      expect(all.length).toBeGreaterThanOrEqual(3);
      for (const { status } of all) expect(status.succeeded).toBe(1);
    }, A_WHILE);
  });

  it('leaves nothing behind in the cluster', async () => {
    reportOnFailure();
    await kubectl('delete', 'so,sj', '--all', '-n', namespace, '--timeout=60s');
    expect(await client.find(SCALED_OBJECTS, 'web', { namespace })).toBeUndefined();
    await kubectl('delete', 'deployment', 'web', '-n', namespace, '--timeout=60s');
    await real.cluster.helm(['uninstall', 'keda', '-n', 'keda', '--wait', '--timeout=90s'], { timeoutMs: 120_000 });
    await eventually(async () => expect(await everything()).toEqual(before), A_WHILE);
    await eventually(async () => expect(await real.containers()).toEqual([]), A_WHILE);
  });
});

it('a real node leaves nothing behind on the machine', async () => {
  expect(await real.traces()).not.toEqual([]);
  await real.stop();
  expect(await real.traces()).toEqual([]);
  expect(await kernelSettings()).toEqual(settings);
});

const READ_ONLY = JSON.stringify({
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
});

const container = (args: string[] = []) => ({ name: 'main', image: IDLE_IMAGE, imagePullPolicy: 'Never', args });

function aRealDeployment(name: string) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 5, containers: [container()] } },
    },
  };
}

function aScaledJob(name: string) {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name },
    spec: {
      pollingInterval: 1,
      maxReplicaCount: 3,
      successfulJobsHistoryLimit: 10,
      triggers: [trigger],
      jobTargetRef: { template: { spec: { restartPolicy: 'Never', containers: [container(['8'])] } } },
    },
  };
}
