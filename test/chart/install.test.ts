import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  API_SERVICES,
  DEPLOYMENTS,
  PODS,
  SCALED_OBJECTS,
  SECRETS,
  TRIGGER_AUTHENTICATIONS,
} from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createDiscovery } from '../../src/kube/discovery.ts';
import { collectionPath } from '../../src/kube/paths.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { eventually } from '../support/eventually.ts';
import { CHART, findHelm, fixture, type Helm } from '../support/helm.ts';
import { inventory } from '../support/inventory.ts';
import type { Loose } from '../support/operator.ts';

const ROOT = path.resolve(CHART, '../..');
const clock = systemClock;
const found = await findHelm();

let home: string;
let kubeconfig: string;
let sandbox: Sandbox;
let client: KubeClient;

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'windlass-chart-'));
  kubeconfig = path.join(home, 'kubeconfig');
  const image = `ghcr.io/windlass-dev/windlass:${JSON.parse(await read('package.json')).version}`;
  sandbox = await startSandbox({
    clock,
    log: silentLogger,
    kubeconfig,
    programs: { [image]: { command: [process.execPath, path.join(ROOT, 'bin/windlass.js')], cwd: ROOT } },
  });
  client = createKubeClient(
    {
      server: sandbox.url,
      namespace: 'default',
      source: 'the sandbox of this test',
      insecureSkipTlsVerify: false,
      user: { token: sandbox.token },
      ...(sandbox.ca === undefined ? {} : { ca: { data: sandbox.ca } }),
    },
    { clock, log: silentLogger },
  );
  await client.requestJson({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'keda' } },
  });
});
afterAll(async () => {
  await client?.close();
  await sandbox?.stop();
  await rm(home, { recursive: true, force: true });
});

const read = (file: string): Promise<string> => readFile(path.join(ROOT, file), 'utf8');

/** Ports that are free now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

describe.skipIf(found === undefined)('an API server', () => {
  const helm = found as Helm;
  const discovery = () => createDiscovery(client, clock);
  /** Kinds of operators that a cluster may lack. */
  const FOREIGN = ['monitoring.coreos.com/v1', 'cert-manager.io/v1', 'cilium.io/v2'];

  it.each<[string, string[], object]>([
    ['the defaults', [], {}],
    ["KEDA's defaults", ['--values', fixture('keda-defaults')], {}],
    ['flat values', ['--values', fixture('sqs-post')], {}],
    [
      'much that is off by default',
      [],
      {
        watchNamespace: 'default',
        'podDisruptionBudget.operator': { minAvailable: 1 },
        networkPolicy: { enabled: true, flavor: 'kubernetes' },
        'rbac.aggregateToDefaultRoles': true,
        'prometheus.operator.enabled': true,
        'prometheus.metricServer': { enabled: true, port: 9022 },
        'prometheus.webhooks.enabled': true,
        'upgradeStrategy.operator': { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        'operator.livenessProbe': { periodSeconds: 5 },
        'operator.extraContainers': [{ name: 'side', image: 'example.com/side' }],
        'operator.hostUsers': false,
        hostAliases: [{ ip: '10.0.0.1', hostnames: ['broker'] }],
        topologySpreadConstraints: {
          operator: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
        },
        'volumes.keda': {
          extraVolumes: [{ name: 'x', emptyDir: {} }],
          extraVolumeMounts: [{ name: 'x', mountPath: '/x' }],
        },
        grpcTLSCertsSecret: 'g',
        hashiCorpVaultTLS: 'v',
      },
    ],
  ])('takes every object as it is, without an unknown field: %s', async (_what, args, values) => {
    const { objects } = await helm.render(args, values);
    const problems: string[] = [];
    for (const object of objects) {
      if (FOREIGN.includes(object.apiVersion)) continue;
      const type = await discovery().resolve(object.apiVersion, object.kind);
      if (!type) {
        problems.push(`${object.kind} is not served`);
        continue;
      }
      await client
        .requestJson({
          method: 'POST',
          path: collectionPath(type, object.metadata.namespace),
          query: { dryRun: 'All', fieldValidation: 'Strict' },
          body: object,
        })
        .catch((error) => problems.push(`${object.kind} ${object.metadata.name}: ${error.message}`));
    }
    expect(problems).toEqual([]);
  });

  it('gets a running operator from helm, keeps it through an upgrade, and is rid of it after', async () => {
    const [secure, webhooks, health, peers] = await freePorts(4);
    const values = {
      'crds.keep': false,
      'service.portHttpsTarget': secure,
      'webhooks.port': String(webhooks),
      'operator.healthProbePort': health,
      'operator.metricsServiceTargetPort': peers,
      'operator.livenessProbe': { initialDelaySeconds: 1 },
      'operator.readinessProbe': { initialDelaySeconds: 0, periodSeconds: 1 },
      // All pods of the sandbox share the ports of this machine.
      'upgradeStrategy.operator': { type: 'Recreate' },
      'extraArgs.keda': { 'explain-bind-address': '0' },
      env: [{ name: 'KUBECONFIG', value: kubeconfig }],
    };
    const flags = Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
    const release = (command: string[], more: string[] = []) =>
      helm.run([...command, '--namespace', 'keda', '--wait', '--timeout', '90s', ...more], {
        kubeconfig,
        timeoutMs: 110_000,
      });
    onTestFailed(async () => {
      for (const { metadata } of await client.listAll<Loose>(PODS, { namespace: 'keda' })) {
        const log = `${collectionPath(PODS, metadata.namespace)}/${metadata.name}/log`;
        process.stderr.write((await client.request({ method: 'GET', path: log })).text);
      }
    });

    const before = await inventory(client);
    await release(['install', 'keda', CHART], flags);
    const operatorPod = async () =>
      (await client.listAll<Loose>(PODS, { namespace: 'keda' })).map((pod) => pod.metadata.uid);
    const [first] = await operatorPod();

    await eventually(async () => {
      const { status } = await client.get<Loose>(API_SERVICES, 'v1beta1.external.metrics.k8s.io');
      return status?.conditions?.some((each: Loose) => each.type === 'Available' && each.status === 'True') === true;
    }, 30_000);
    const labels = { app: 'web' };
    await client.create(
      DEPLOYMENTS,
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'default' },
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'example.com/web' }] } },
        },
      } as KubeObject,
      { namespace: 'default' },
    );
    await client.create(
      SCALED_OBJECTS,
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name: 'web', namespace: 'default' },
        spec: {
          scaleTargetRef: { name: 'web' },
          triggers: [
            {
              type: 'cron',
              metadata: { timezone: 'Etc/UTC', start: '0 0 * * *', end: '59 23 * * *', desiredReplicas: '3' },
            },
          ],
        },
      } as KubeObject,
      { namespace: 'default' },
    );
    const replicas = async () => (await client.get<Loose>(DEPLOYMENTS, 'web', { namespace: 'default' })).spec?.replicas;
    await eventually(async () => (await replicas()) === 3, 60_000);

    await release(['upgrade', 'keda', CHART], [...flags, '--set', 'podAnnotations.keda.round=two']);
    const [second] = await operatorPod();
    expect(second).not.toBe(first);
    expect(await replicas()).toBe(3);

    await client.delete(SCALED_OBJECTS, 'web', { namespace: 'default' });
    await eventually(
      async () => (await client.find(SCALED_OBJECTS, 'web', { namespace: 'default' })) === undefined,
      30_000,
    );
    await client.delete(DEPLOYMENTS, 'web', { namespace: 'default' });
    await release(['uninstall', 'keda']);
    await eventually(async () => {
      expect(await inventory(client)).toEqual(before);
      return true;
    }, 30_000);
  });

  it("takes the place of KEDA's chart in its release, and leaves its Secret and its objects alone", async () => {
    const chart = path.join(home, 'keda');
    await mkdir(path.join(chart, 'templates'), { recursive: true });
    await writeFile(path.join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: keda\nversion: 2.21.0\n');
    const crds = parseAllDocuments(await read('config/crd/all.yaml')).map((document) => document.toJS());
    const all = [...crds, ...KEDA_LIKE].map((object) => JSON.stringify(object)).join('\n---\n');
    await writeFile(path.join(chart, 'templates', 'all.yaml'), all);
    const release = (command: string[]) => helm.run([...command, '--namespace', 'keda'], { kubeconfig });
    await release(['install', 'keda', chart]);
    const data = { 'ca.crt': Buffer.from('theirs').toString('base64') };
    await client.create(
      SECRETS,
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'kedaorg-certs' }, data } as KubeObject,
      {
        namespace: 'keda',
      },
    );
    const object = {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'TriggerAuthentication',
      metadata: { name: 'kept' },
      spec: {},
    };
    await client.create(TRIGGER_AUTHENTICATIONS, object, { namespace: 'default' });

    await release(['upgrade', 'keda', CHART, '--values', fixture('keda-defaults'), '--set', 'operator.replicaCount=0']);

    const deployments = await client.listAll<Loose>(DEPLOYMENTS, { namespace: 'keda' });
    expect(deployments.map(({ metadata }) => metadata.name)).toEqual(['keda-operator']);
    expect(deployments[0]?.spec.template.spec.containers[0].image).toContain('windlass');
    expect((await client.get<Loose>(SECRETS, 'kedaorg-certs', { namespace: 'keda' })).data).toEqual(data);
    expect(await client.find(TRIGGER_AUTHENTICATIONS, 'kept', { namespace: 'default' })).toBeDefined();

    await release(['uninstall', 'keda']);
    expect(await client.find(TRIGGER_AUTHENTICATIONS, 'kept', { namespace: 'default' })).toBeDefined();
    expect(await client.find(SECRETS, 'kedaorg-certs', { namespace: 'keda' })).toBeDefined();
  });
});

const deploymentOf = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: name } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: `example.com/${name}` }] } },
  },
});

/** What of KEDA's chart has names that ours has, too, and Deployments that it has not. */
const KEDA_LIKE = [
  ...['keda-operator', 'keda-operator-metrics-apiserver', 'keda-admission-webhooks'].map(deploymentOf),
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'keda-operator' } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'keda-operator-metrics-apiserver' },
    spec: {
      selector: { app: 'keda-operator-metrics-apiserver' },
      ports: [
        { name: 'https', port: 443, targetPort: 6443, appProtocol: 'https' },
        { name: 'metrics', port: 8080, targetPort: 8080 },
      ],
    },
  },
  {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1beta1.external.metrics.k8s.io' },
    spec: {
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { name: 'keda-operator-metrics-apiserver', namespace: 'keda', port: 443 },
    },
  },
];
