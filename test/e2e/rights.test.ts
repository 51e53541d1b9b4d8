import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { DEPLOYMENTS, JOBS, REPLICA_SETS, SCALED_JOBS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { applyManifests } from '../../src/cli/manifests.ts';
import type { KubeConnection, PemSource } from '../../src/kube/config.ts';
import { PERMISSIONS } from '../../tools/rbac-rules.ts';
import { eventually } from '../support/eventually.ts';
import { type MetricSource, startMetricSource } from '../support/metric-source.ts';
import type { Loose } from '../support/operator.ts';
import { accessOf, describeAccess, isAllowed } from '../support/rights.ts';
import { startTestCluster, type TestCluster } from '../support/test-cluster.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const ACCOUNT = 'system:serviceaccount:keda:keda-operator';
const namespace = 'default';
/** By default nobody may ask for tokens, and Secrets of the own namespace are among those of all. */
const GRANTED = PERMISSIONS.filter(({ when }) => when !== 'tokens-everywhere' && when !== 'secrets-own');

interface Line {
  msg: string;
  method?: string;
  path?: string;
  status?: number;
}

let home: string;
let cluster: TestCluster;
let source: MetricSource;
let child: ChildProcess;
const lines: Line[] = [];

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'windlass-rights-'));
  cluster = await startTestCluster({ clock: systemClock, log: silentLogger, hpaSyncPeriodMs: 1_000 });
  source = await startMetricSource(0);
  const bundle = parseAllDocuments(await readFile(path.join(ROOT, 'config/bundle/windlass.yaml'), 'utf8')).map(
    (document) => document.toJS() as Loose,
  );
  const deployment = bundle.find(({ kind }) => kind === 'Deployment');
  // The operator runs here, beside what is installed for it.
  await apply(
    bundle
      .filter((object) => object !== deployment)
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
  const kubeconfig = path.join(home, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(cluster.connection), { mode: 0o600 });
  const instead: Record<string, string> = {
    '--zap-log-level': 'debug',
    '--zap-encoder': 'json',
    '--secure-port': '0',
    '--webhooks-port': '0',
    '--health-probe-bind-address': '0',
    '--metrics-service-bind-address': '127.0.0.1:0',
    '--cert-dir': path.join(home, 'certs'),
  };
  const args: string[] = deployment?.spec.template.spec.containers[0].args.map((arg: string) => {
    const [flag = '', value] = arg.split('=');
    return value === undefined ? arg : `${flag}=${instead[flag] ?? value}`;
  });
  const own = ['--kubeconfig', kubeconfig, '--metrics-api-host', '127.0.0.1', '--explain-bind-address', '0'];
  child = spawn(process.execPath, [path.join(ROOT, 'bin/windlass.js'), ...args, ...own], {
    env: { PATH: process.env.PATH, HOME: home, POD_NAMESPACE: 'keda' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      try {
        lines.push(JSON.parse(line));
      } catch {
        lines.push({ msg: line });
      }
    });
  }
});
afterAll(async () => {
  if (child && child.exitCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
  await source?.stop();
  await cluster?.stop();
  await rm(home, { recursive: true, force: true });
});

const apply = (text: string) => applyManifests(cluster.client, text, namespace);

/** The operator's service account, in the name of somebody who may speak for it. */
function kubeconfigOf({ server, ca, user }: KubeConnection): string {
  const data = (pem: PemSource | undefined) =>
    pem && 'data' in pem ? Buffer.from(pem.data).toString('base64') : undefined;
  const person = {
    token: user.token,
    'client-certificate-data': data(user.clientCertificate),
    'client-key-data': data(user.clientKey),
    as: ACCOUNT,
    'as-groups': ['system:serviceaccounts', 'system:serviceaccounts:keda', 'system:authenticated'],
  };
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': data(ca) } }],
    users: [{ name: 'u', user: person }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  });
}

const workload = (kind: string, name: string) => `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name} }
spec:
  replicas: 0
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: main
          image: example.com/${name}
          env:
            - { name: TOKEN, valueFrom: { secretKeyRef: { name: api, key: token } } }
            - { name: PLACE, valueFrom: { configMapKeyRef: { name: place, key: where } } }
---`;

const EVERYTHING = () => `
apiVersion: v1
kind: Secret
metadata: { name: api }
stringData: { token: s3cret }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: place }
data: { where: here }
---${workload('Deployment', 'web')}${workload('ReplicaSet', 'raw')}
apiVersion: v1
kind: Secret
metadata: { name: shared, namespace: keda }
stringData: { token: s3cret }
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: { name: near }
spec: { secretTargetRef: [{ parameter: token, name: api, key: token }] }
---
apiVersion: keda.sh/v1alpha1
kind: ClusterTriggerAuthentication
metadata: { name: far }
spec: { secretTargetRef: [{ parameter: token, name: shared, key: token }] }
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: web }
spec:
  scaleTargetRef: { name: web }
  pollingInterval: 1
  cooldownPeriod: 1
  fallback: { failureThreshold: 1, replicas: 2, behavior: currentReplicas }
  triggers:
    - type: metrics-api
      metadata: { url: "${source.url}", valueLocation: depth, targetValue: "10", authMode: bearer }
      authenticationRef: { name: near }
    - type: kubernetes-workload
      metadata: { podSelector: "app=nobody", value: "1" }
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: raw }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: ReplicaSet, name: raw }
  pollingInterval: 1
  triggers:
    - type: cron
      metadata: { timezone: Etc/UTC, start: "0 0 * * *", end: "59 23 * * *", desiredReplicas: "2" }
---
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: { name: batch }
spec:
  pollingInterval: 1
  jobTargetRef:
    template:
      spec: { restartPolicy: Never, containers: [{ name: main, image: example.com/batch }] }
  triggers:
    - type: metrics-api
      metadata: { url: "${source.url}", valueLocation: depth, targetValue: "10", authMode: bearer }
      authenticationRef: { name: far, kind: ClusterTriggerAuthentication }
`;

it('the operator asks for nothing that its roles do not allow, from the first object to the last', async () => {
  onTestFailed(() => {
    const told = lines.filter(({ msg }) => msg !== 'kubernetes request').slice(-25);
    process.stderr.write(`${told.map((line) => JSON.stringify(line)).join('\n')}\n`);
  });
  const replicas = async (type: typeof DEPLOYMENTS, name: string) =>
    (await cluster.client.get<Loose>(type, name, { namespace })).spec?.replicas;
  await apply(EVERYTHING());
  await eventually(async () => (await replicas(REPLICA_SETS, 'raw')) > 0, 60_000);
  source.answer = 30;
  await eventually(async () => (await replicas(DEPLOYMENTS, 'web')) > 0, 60_000);
  await eventually(async () => (await cluster.client.listAll(JOBS, { namespace })).length > 0, 60_000);
  source.answer = { status: 500 };
  await source.asks(4);
  source.answer = 0;
  await eventually(async () => (await replicas(DEPLOYMENTS, 'web')) === 0, 60_000);
  for (const [type, name] of [
    [SCALED_OBJECTS, 'web'],
    [SCALED_OBJECTS, 'raw'],
    [SCALED_JOBS, 'batch'],
  ] as const) {
    await cluster.client.delete(type, name, { namespace });
    await eventually(async () => (await cluster.client.find(type, name, { namespace })) === undefined, 60_000);
  }

  const requests = lines.filter(({ msg }) => msg === 'kubernetes request');
  const accesses = requests.flatMap(({ method = '', path: target = '' }) => accessOf(method, target) ?? []);
  expect(accesses.length).toBeGreaterThan(50);
  const beyond = accesses.filter((access) => !isAllowed(access, GRANTED, 'keda'));
  expect([...new Set(beyond.map(describeAccess))]).toEqual([]);
  expect([...new Set(requests.filter(({ status }) => status === 403).map((line) => line.path))]).toEqual([]);
  // All Secrets at once is what the operator never asks for.
  expect(accesses.filter(({ resource, name, verb }) => resource === 'secrets' && verb !== 'create' && !name)).toEqual(
    [],
  );
});

it.each<[boolean, string, string]>([
  [true, 'PATCH', '/apis/apps/v1/namespaces/shop/deployments/web/scale'],
  [true, 'PATCH', '/apis/example.com/v1/namespaces/shop/boats/web/scale'],
  [true, 'PATCH', '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io'],
  [true, 'PUT', '/api/v1/namespaces/keda/secrets/kedaorg-certs'],
  [true, 'GET', '/api/v1/namespaces/shop/secrets?watch=true&fieldSelector=metadata.name%3Dapi'],
  [false, 'PATCH', '/apis/apps/v1/namespaces/shop/deployments/web'],
  [false, 'DELETE', '/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects/web'],
  [false, 'PATCH', '/apis/apiregistration.k8s.io/v1/apiservices/v1.apps'],
  [false, 'PUT', '/api/v1/namespaces/keda/secrets/other'],
  [false, 'POST', '/api/v1/namespaces/shop/secrets'],
  [false, 'POST', '/api/v1/namespaces/shop/serviceaccounts/default/token'],
  [false, 'POST', '/api/v1/namespaces/shop/pods'],
])('allowed by the roles: %s, %s %s', (expected, method, target) => {
  const access = accessOf(method, target);
  expect(access && isAllowed(access, GRANTED, 'keda')).toBe(expected);
});
