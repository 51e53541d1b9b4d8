import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { DEPLOYMENTS, JOBS, PODS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { type Moto, REGION, startMoto } from '../servers/moto/index.ts';
import { eventually } from '../support/eventually.ts';
import { CHART, fixture } from '../support/helm.ts';
import { inventory } from '../support/inventory.ts';
import { IDLE_IMAGE, type RealCluster, startRealCluster } from '../support/node/index.ts';
import { aScaler, type Loose } from '../support/operator.ts';

const namespace = 'shop';
/** Containers on a busy machine take their time to start and to end. */
const A_WHILE = 90_000;

let real: RealCluster;
let client: KubeClient;
let moto: Moto;
/** The endpoint of moto for pods. */
let aws: string;
/** Namespaced and cluster-wide objects before anything was installed. */
let before: string[];
/** Of the machine; kubelet and kube-proxy would change them. */
let settings: string[];

beforeAll(async () => {
  settings = await kernelSettings();
  real = await startRealCluster();
  client = createKubeClient(real.cluster.connection, { clock: systemClock, log: silentLogger });
  moto = await startMoto();
  aws = await real.reachable(moto.url);
  await real.cluster.kubectl(['create', 'namespace', namespace]);
  await real.cluster.kubectl(['create', 'namespace', 'keda']);
  before = await inventory(client);
}, 300_000);
afterAll(async () => {
  await client?.close();
  await moto?.stop();
  await real?.stop();
}, 120_000);

const kubectl = (...args: string[]) => real.cluster.kubectl(args);
const pods = (labelSelector: string, where = namespace) =>
  client.listAll<Loose>(PODS, { namespace: where, labelSelector });
const jobs = () => client.listAll<Loose>(JOBS, { namespace, labelSelector: 'scaledjob.keda.sh/name=batch' });
const isReady = (object: string) => kubectl('wait', object, '-n', namespace, '--for=condition=Ready', '--timeout=50s');
const operatorLog = () => kubectl('logs', '-n', 'keda', 'deployment/keda-operator', '--tail=-1');

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
    const values = ['-f', fixture('sqs-post'), '-f', '-'];
    await real.cluster.helm(['install', 'keda', CHART, '-n', 'keda', ...values, '--wait', '--timeout=90s'], {
      timeoutMs: 120_000,
      input: JSON.stringify(valuesHere()),
    });
    expect(await kubectl('get', 'pods', '-n', 'keda')).toMatch(/keda-operator-\S+ +1\/1 +Running +0 /);
    const [pod] = await pods('app=keda-operator', 'keda');
    expect(pod?.spec.nodeName).toBe(real.name);
    expect(pod?.status.containerStatuses[0].imageID).toMatch(/^sha256:/);
    expect(await operatorLog()).toMatch(/operator is ready/);
    expect(await inventory(client)).toContain('secrets keda/kedaorg-certs');
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

  it('scales a Deployment with a queue from nothing to two containers that run, and back', async () => {
    reportOnFailure();
    const queue = await moto.createQueue('story');
    await real.cluster.apply(
      [
        {
          apiVersion: 'keda.sh/v1alpha1',
          kind: 'TriggerAuthentication',
          metadata: { name: 'aws' },
          spec: { podIdentity: { provider: 'aws' } },
        },
        aRealDeployment('web'),
        aScaler('web', [triggerOn(queue)], { maxReplicaCount: 2 }),
      ],
      ['-n', namespace],
    );
    await isReady('so/web');
    expect(await pods('app=web')).toEqual([]);
    await moto.send(queue, 10);
    await eventually(async () => {
      const statuses = (await pods('app=web')).map(({ status }) => status.containerStatuses?.[0]);
      expect(statuses).toHaveLength(2);
      for (const status of statuses) expect(status).toMatchObject({ ready: true, state: { running: {} } });
      const running = await real.containers();
      for (const { containerID } of statuses) expect(running).toContain(containerID.replace('containerd://', ''));
    }, A_WHILE);
    const hpa = await kubectl('get', 'hpa', '-n', namespace, 'keda-hpa-web', '-o', 'json');
    expect(JSON.parse(hpa).status.desiredReplicas).toBe(2);
    await moto.purge(queue);
    await eventually(async () => expect(await pods('app=web')).toEqual([]), A_WHILE);
    expect((await client.get<Loose>(DEPLOYMENTS, 'web', { namespace })).spec.replicas).toBe(0);
  });

  it('lets its webhooks judge what people write, through their Service', async () => {
    reportOnFailure();
    await expect(
      real.cluster.apply([aScaler('rival', [triggerOn('rivals')], { scaleTargetRef: { name: 'web' } }, { namespace })]),
    ).rejects.toThrow(/denied the request.*web/s);
  });

  it('runs the Jobs of a ScaledJob to their end', async () => {
    reportOnFailure();
    const queue = await moto.createQueue('batch');
    await moto.send(queue, 15);
    await real.cluster.apply([aScaledJob('batch', queue)], ['-n', namespace]);
    await eventually(async () => expect((await jobs()).length).toBe(3), A_WHILE);
    await moto.purge(queue);
    await eventually(async () => {
      const all = await jobs();
      expect(all.length).toBeGreaterThanOrEqual(3);
      for (const { status } of all) expect(status.succeeded).toBe(1);
    }, A_WHILE);
  });

  it('leaves nothing behind in the cluster', async () => {
    reportOnFailure();
    await kubectl('delete', 'so,sj,ta', '--all', '-n', namespace, '--timeout=60s');
    expect(await client.find(SCALED_OBJECTS, 'web', { namespace })).toBeUndefined();
    // The garbage collector takes them away, which needs the kind of their owner to be there for another moment.
    await eventually(async () => expect(await jobs()).toEqual([]), A_WHILE);
    await kubectl('delete', 'deployment', 'web', '-n', namespace, '--timeout=60s');
    await real.cluster.helm(['uninstall', 'keda', '-n', 'keda', '--wait', '--timeout=90s'], { timeoutMs: 120_000 });
    await eventually(async () => expect(await inventory(client)).toEqual(before), A_WHILE);
    await eventually(async () => expect(await real.containers()).toEqual([]), A_WHILE);
  });
});

it('a real node leaves nothing behind on the machine', async () => {
  expect(await real.traces()).not.toEqual([]);
  await real.stop();
  expect(await real.traces()).toEqual([]);
  expect(await kernelSettings()).toEqual(settings);
});

/** The image that is on the node, what the webhook of EKS adds for an IAM role, and what a hardened cluster asks for. */
function valuesHere() {
  const mountPath = '/var/run/secrets/eks.amazonaws.com/serviceaccount';
  const token = { path: 'token', audience: 'sts.amazonaws.com', expirationSeconds: 86_400 };
  return {
    image: { pullPolicy: 'Never' },
    crds: { keep: false },
    env: [
      { name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::123456789012:role/keda-operator' },
      { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${mountPath}/token` },
      { name: 'AWS_REGION', value: REGION },
      { name: 'AWS_ENDPOINT_URL_STS', value: aws },
    ],
    volumes: {
      keda: {
        extraVolumes: [{ name: 'aws-iam-token', projected: { sources: [{ serviceAccountToken: token }] } }],
        extraVolumeMounts: [{ name: 'aws-iam-token', mountPath, readOnly: true }],
      },
    },
    securityContext: {
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
  };
}

/** One replica for each 5 messages. */
const triggerOn = (queueURL: string) => ({
  type: 'aws-sqs-queue',
  metadata: { queueURL, queueLength: '5', awsRegion: REGION, awsEndpoint: aws },
  authenticationRef: { name: 'aws' },
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

function aScaledJob(name: string, queue: string) {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name },
    spec: {
      pollingInterval: 1,
      maxReplicaCount: 3,
      successfulJobsHistoryLimit: 10,
      triggers: [triggerOn(queue)],
      jobTargetRef: { template: { spec: { restartPolicy: 'Never', containers: [container(['8'])] } } },
    },
  };
}
