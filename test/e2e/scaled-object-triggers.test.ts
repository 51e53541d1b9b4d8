import { describe, expect } from 'vitest';
import {
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  SCALED_OBJECTS,
  SECRETS,
  TRIGGER_AUTHENTICATIONS,
} from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

const ready = (ns: TestNamespace, name = 'web') => ns.becomes(SCALED_OBJECTS, name, 'Ready', 'True/ScaledObjectReady');
const hpaOf = (ns: TestNamespace) => ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
const secret = (token: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'access' },
  stringData: { token },
});
const authentication = (key = 'token') => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'TriggerAuthentication',
  metadata: { name: 'access' },
  spec: { secretTargetRef: [{ parameter: 'token', name: 'access', key }] },
});
const WITH_TOKEN = { metadata: { authMode: 'bearer' }, authenticationRef: { name: 'access' } };

describe.concurrent('credentials', () => {
  it('that change in their Secret are used at once, without a touch of the ScaledObject', async ({ ns, source }) => {
    await ns.apply(
      secret('old'),
      authentication(),
      aDeployment('web', 0),
      aScaler('web', [source.trigger(WITH_TOKEN)], { pollingInterval: 60 }),
    );
    await ready(ns);
    await eventually(() => source.authorization === 'Bearer old');
    const { generation } = (await ns.get(SCALED_OBJECTS, 'web')).metadata;
    await ns.apply(secret('new'));
    // Far sooner than the next poll.
    await eventually(() => source.authorization === 'Bearer new');
    expect((await ns.get(SCALED_OBJECTS, 'web')).metadata.generation).toBe(generation);
  });

  it('come from another key as soon as the TriggerAuthentication names it', async ({ ns, source }) => {
    await ns.apply(
      { ...secret('old'), stringData: { token: 'old', other: 'another' } },
      authentication(),
      aDeployment('web', 0),
      aScaler('web', [source.trigger(WITH_TOKEN)], { pollingInterval: 60 }),
    );
    await eventually(() => source.authorization === 'Bearer old');
    await ns.apply(authentication('other'));
    await eventually(() => source.authorization === 'Bearer another');
  });

  it('may come after the ScaledObject that needs them', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger(WITH_TOKEN)]));
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/ScaledObjectCheckFailed');
    const { status } = await ns.get(SCALED_OBJECTS, 'web');
    expect(JSON.stringify(status.conditions)).toContain('access');
    expect(source.asked).toBe(0);
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ns.apply(authentication());
    await ns.apply(secret('late'));
    await eventually(() => replicas.at(-1) === 1);
    await ready(ns);
  });

  it('that are deleted later are told of, and the last ones go on being used', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(
      secret('old'),
      authentication(),
      aDeployment('web', 0),
      aScaler('web', [source.trigger(WITH_TOKEN)]),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await ns.delete(SECRETS, 'access');
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/ScaledObjectCheckFailed');
    await source.asks(2);
    expect(source.authorization).toBe('Bearer old');
    expect(replicas).toEqual([0, 1]);
    await ns.apply(secret('back'));
    await ready(ns);
    await eventually(() => source.authorization === 'Bearer back');
  });

  it('list their users, and let themselves be deleted while in use', async ({ ns, source }) => {
    await ns.apply(
      secret('old'),
      authentication(),
      aDeployment('web', 0),
      aDeployment('api', 0),
      aScaler('web', [source.trigger(WITH_TOKEN)]),
      aScaler('api', [source.trigger(WITH_TOKEN)]),
    );
    const users = async () => (await ns.get(TRIGGER_AUTHENTICATIONS, 'access')).status?.scaledobjects;
    await eventually(async () => expect(await users()).toBe('api,web'));
    await ns.delete(SCALED_OBJECTS, 'web');
    await eventually(async () => expect(await users()).toBe('api'));
    await ns.delete(TRIGGER_AUTHENTICATIONS, 'access');
    await ns.gone(TRIGGER_AUTHENTICATIONS, 'access');
    await ns.becomes(SCALED_OBJECTS, 'api', 'Ready', 'False/ScaledObjectCheckFailed');
  });
});

describe.concurrent('triggers', () => {
  it('on the same address are one request an interval, however many objects and targets', async ({ ns, source }) => {
    const started = performance.now();
    for (const [name, targetValue] of [
      ['web', '10'],
      ['api', '3'],
      ['mail', '7'],
    ] as const) {
      await ns.apply(aDeployment(name, 0), aScaler(name, [source.trigger({ metadata: { targetValue } })]));
    }
    for (const name of ['web', 'api', 'mail']) await ready(ns, name);
    await source.asks(4);
    const seconds = (performance.now() - started) / 1_000;
    // One for each second and one at the start.
    expect(source.asked).toBeLessThanOrEqual(Math.ceil(seconds) + 2);
    source.answer = 5;
    for (const name of ['web', 'api', 'mail'])
      await eventually(async () => expect((await ns.get(DEPLOYMENTS, name)).spec.replicas).toBeGreaterThan(0));
  });

  it('make one metric by a formula, which alone decides', async ({ ns, source }) => {
    const other = await startMetricSource(20);
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger({ name: 'queue' }), other.trigger({ name: 'running' })], {
        advanced: {
          scalingModifiers: { formula: 'queue > 50 ? queue + running : 0', target: '40', activationTarget: '10' },
        },
      }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns);
    await other.asks(2);
    expect(replicas).toEqual([0]);
    source.answer = 100;
    await eventually(() => replicas.at(-1) === 3, 15_000);
    expect(await ns.externalMetric('web', 'composite-metric')).toBe('composite-metric=120');
    const { status } = await ns.get(SCALED_OBJECTS, 'web');
    expect(status.compositeScalerName).toBe('composite-metric');
    expect((await hpaOf(ns)).spec.metrics).toHaveLength(1);
    // One value missing is no zero.
    other.answer = { status: 500 };
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/TriggerError', 20_000);
    expect(replicas.at(-1)).toBe(3);
    await other.stop();
  });

  it('of type cron hold their replicas while their window is open', async ({ ns }) => {
    const cron = (start: string, end: string) => ({
      type: 'cron',
      metadata: { timezone: 'UTC', start, end, desiredReplicas: '2' },
    });
    // A window is open while its end comes before its next start.
    await ns.apply(aDeployment('web', 0), aScaler('web', [cron('0 0 1 1 *', '* * * * *')]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 2, 15_000);
    await ns.apply(aDeployment('api', 0), aScaler('api', [cron('* * * * *', '0 0 1 1 *')]));
    await ns.becomes(SCALED_OBJECTS, 'api', 'Active', 'False/ScalerNotActive');
    expect((await ns.get(DEPLOYMENTS, 'api')).spec.replicas).toBe(0);
  });

  it('of type cpu become resource metrics of the HPA and nothing is asked for them', async ({ ns }) => {
    const cpu = { type: 'cpu', metricType: 'Utilization', metadata: { value: '60' } };
    const container = { resources: { requests: { cpu: '100m' } } };
    await ns.apply(aDeployment('web', 1, container), aScaler('web', [cpu], { minReplicaCount: 1 }));
    await ready(ns);
    expect((await hpaOf(ns)).spec.metrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
    ]);
    const { status } = await ns.get(SCALED_OBJECTS, 'web');
    expect(status.resourceMetricNames).toEqual(['cpu']);
    expect(status).not.toHaveProperty('externalMetricNames');
    await ns.becomes(SCALED_OBJECTS, 'web', 'Active', 'True/ScalerActive');
  });

  it('on pods follow them without polling', async ({ ns }) => {
    const pods = { type: 'kubernetes-workload', metadata: { podSelector: 'app=jobs', value: '1' } };
    await ns.apply(
      aDeployment('web', 0),
      aDeployment('jobs', 0),
      aScaler('web', [pods], { pollingInterval: 600, cooldownPeriod: 0 }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns);
    await ns.patch(DEPLOYMENTS, 'jobs', { spec: { replicas: 2 } });
    await eventually(() => replicas.at(-1) === 2, 15_000);
    await ns.patch(DEPLOYMENTS, 'jobs', { spec: { replicas: 0 } });
    await eventually(() => replicas.at(-1) === 0, 15_000);
  });

  it('that are added and taken away change HPA and status, and keep asking those that stay', async ({ ns, source }) => {
    const other = await startMetricSource(0);
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    await ready(ns);
    await ns.patch(SCALED_OBJECTS, 'web', { spec: { triggers: [source.trigger(), other.trigger()] } });
    const names = async () => (await ns.get(SCALED_OBJECTS, 'web')).status.externalMetricNames;
    await eventually(async () => expect(await names()).toEqual([METRIC, 's1-metric-api-depth']));
    expect((await hpaOf(ns)).spec.metrics).toHaveLength(2);
    other.answer = 5;
    await eventually(async () => expect((await ns.get(DEPLOYMENTS, 'web')).spec.replicas).toBe(1));
    await ns.patch(SCALED_OBJECTS, 'web', { spec: { triggers: [source.trigger()] } });
    await eventually(async () => expect(await names()).toEqual([METRIC]));
    const asked = other.asked;
    await source.asks(2);
    expect(other.asked).toBe(asked);
    expect(Object.keys((await ns.get(SCALED_OBJECTS, 'web')).status.triggersActivity)).toEqual([METRIC]);
    await other.stop();
  });
});
