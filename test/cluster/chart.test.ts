import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { DEPLOYMENTS, JOBS, SCALED_OBJECTS, STATEFUL_SETS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger, silentLogger } from '../../src/base/log.ts';
import type { ResourceType } from '../../src/base/object.ts';
import { PROJECT } from '../../src/cli/local-cluster.ts';
import { type Operator, startOperator } from '../../src/cli/operator/operator.ts';
import { readSettings } from '../../src/cli/operator/settings.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { type ControlPlane, startControlPlane } from '../support/cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { type MetricSource, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type Loose } from '../support/operator.ts';

const clock = systemClock;
const chart = path.join(PROJECT, 'charts/windlass');
const namespace = 'shop';

let cluster: ControlPlane;
let client: KubeClient;
beforeAll(async () => {
  cluster = await startControlPlane({ services: true });
  client = createKubeClient(cluster.connection, { clock, log: silentLogger });
  await cluster.kubectl(['create', 'namespace', namespace]);
});
afterAll(async () => {
  await client?.close();
  await cluster?.stop();
});

const install = (...flags: string[]) =>
  cluster.helm(['upgrade', '--install', 'keda', chart, '-n', 'keda', '--create-namespace', ...flags]);
const get = (type: ResourceType, name: string) => client.get<Loose>(type, name, { namespace });

describe('the Helm chart', () => {
  it('is accepted by a cluster, pods and all', async () => {
    await install('--wait', '--timeout=60s');
    expect(JSON.parse(await cluster.helm(['list', '-n', 'keda', '-o', 'json']))).toMatchObject([
      { name: 'keda', status: 'deployed' },
    ]);
    const crds = await cluster.kubectl(['get', 'crd', '-o', 'name']);
    expect(crds.trim().split('\n')).toHaveLength(6);
  });

  it('changes nothing when it is installed again', async () => {
    const versions = async () => {
      const kinds =
        'deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,crds,apiservices';
      const jsonpath = '{range .items[*]}{.kind}/{.metadata.name} {.metadata.generation}{"\\n"}{end}';
      const flags = ['-A', '-l', 'app.kubernetes.io/managed-by=Helm', '-o', `jsonpath=${jsonpath}`];
      return cluster.kubectl(['get', kinds, ...flags]);
    };
    const before = await versions();
    expect(before).toContain('Deployment/keda-operator 1');
    await install();
    expect(await versions()).toBe(before);
  });
});

describe('the roles of the Helm chart', () => {
  const logs: string[] = [];
  let operatorClient: KubeClient;
  let operator: Operator;
  let source: MetricSource;
  /** Asked only by the trigger with a credential. */
  let guarded: MetricSource;

  beforeAll(async () => {
    source = await startMetricSource();
    guarded = await startMetricSource();
    operatorClient = createKubeClient(
      cluster.connectionFor({
        name: 'system:serviceaccount:keda:keda-operator',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:keda'],
      }),
      { clock, log: silentLogger },
    );
    const env = { POD_NAMESPACE: 'keda', POD_NAME: 'keda-operator-0' };
    operator = await startOperator({
      client: operatorClient,
      settings: readSettings(env),
      clock,
      log: createLogger({ level: 'info', write: (line) => logs.push(line) }),
      env,
      metricsApi: { host: '127.0.0.1', port: 0, service: 'keda-operator-metrics-apiserver' },
      webhooks: {
        host: '127.0.0.1',
        port: 0,
        service: 'keda-admission-webhooks',
        configuration: 'keda-admission',
      },
      replicas: { identity: 'keda-operator-0' },
    });
    // The pods that the chart made only seem to run; this is the one that works.
    const { metricsApi, webhooks } = operator;
    await cluster.routeService({ namespace: 'keda', name: 'keda-operator-metrics-apiserver' }, metricsApi.port);
    await cluster.routeService({ namespace: 'keda', name: 'keda-admission-webhooks' }, webhooks?.port ?? 0);
    await operator.ready;
    await webhooks?.registered;
  });
  afterAll(async () => {
    await operator?.stop();
    await operatorClient?.close();
    await source?.stop();
    await guarded?.stop();
  });

  it('let the operator do all of its work', async () => {
    onTestFailed(() => {
      process.stderr.write(`${logs.slice(-30).join('\n')}\n`);
    });
    const statefulSet = aDeployment('db', 0) as { spec: object };
    await cluster.apply(
      [
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'access', namespace }, stringData: { token: 'x' } },
        {
          apiVersion: 'keda.sh/v1alpha1',
          kind: 'TriggerAuthentication',
          metadata: { name: 'access', namespace },
          spec: { secretTargetRef: [{ parameter: 'token', name: 'access', key: 'token' }] },
        },
        aDeployment('web', 0),
        { ...statefulSet, kind: 'StatefulSet', metadata: { name: 'db' } },
        aScaler('web', [guarded.trigger({ metadata: { authMode: 'bearer' }, authenticationRef: { name: 'access' } })]),
        aScaler('db', [source.trigger()], { scaleTargetRef: { kind: 'StatefulSet', name: 'db' } }),
        {
          apiVersion: 'keda.sh/v1alpha1',
          kind: 'ScaledJob',
          metadata: { name: 'batch', namespace },
          spec: {
            pollingInterval: 1,
            maxReplicaCount: 2,
            successfulJobsHistoryLimit: 0,
            triggers: [source.trigger()],
            jobTargetRef: {
              template: {
                spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/work:1' }] },
              },
            },
          },
        },
      ],
      ['-n', namespace],
    );
    source.answer = guarded.answer = 35;
    for (const [type, name] of [
      [DEPLOYMENTS, 'web'],
      [STATEFUL_SETS, 'db'],
    ] as const)
      await eventually(async () => expect((await get(type, name)).spec.replicas).toBe(4), 60_000);
    expect(guarded.authorization).toBe('Bearer x');
    const jobs = () => client.listAll<Loose>(JOBS, { namespace, labelSelector: 'scaledjob.keda.sh/name=batch' });
    await eventually(async () => expect(await jobs()).not.toEqual([]), 20_000);
    source.answer = guarded.answer = 0;
    await eventually(async () => expect((await get(DEPLOYMENTS, 'web')).spec.replicas).toBe(0), 60_000);
    await eventually(async () => expect(await jobs()).toEqual([]), 30_000);
    const events = await cluster.kubectl(['get', 'events', '-n', namespace]);
    for (const reason of ['KEDAScaleTargetActivated', 'KEDAScaleTargetDeactivated', 'KEDAJobsCreated'])
      expect(events).toContain(reason);
    expect(logs.filter((line) => /forbidden|cannot (get|list|watch|create|patch|update|delete) /.test(line))).toEqual(
      [],
    );
  });

  it('let its webhooks judge what people write', async () => {
    await expect(
      cluster.apply([aScaler('rival', [source.trigger()], { scaleTargetRef: { name: 'web' } }, { namespace })]),
    ).rejects.toThrow(/denied the request.*web/s);
  });

  it('let an object go again', async () => {
    await cluster.kubectl(['delete', 'so', 'web', 'db', '-n', namespace, '--timeout=20s']);
    expect(await client.find(SCALED_OBJECTS, 'web', { namespace })).toBeUndefined();
  });
});
