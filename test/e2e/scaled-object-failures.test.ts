import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

const failuresTold = async (ns: TestNamespace) =>
  (await ns.events('web')).filter(({ reason }) => reason === 'KEDAScalerFailed');
const FALLBACK = { failureThreshold: 2, replicas: 3 };
const ready = (ns: TestNamespace, wanted: string) => ns.becomes(SCALED_OBJECTS, 'web', 'Ready', wanted, 20_000);

describe.concurrent('a source that fails', () => {
  for (const [what, answer] of [
    ['500', { status: 500 }],
    ['403', { status: 403 }],
    ['garbage', 'garbage'],
  ] as const) {
    it(`with ${what} changes no replicas, is told once, and is forgotten when it answers again`, async ({
      ns,
      source,
    }) => {
      source.answer = 5;
      await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
      const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
      await eventually(() => replicas.at(-1) === 1);
      source.answer = answer;
      await ready(ns, 'False/TriggerError');
      await source.asks(2);
      expect(replicas).toEqual([0, 1]);
      const told = await eventually(async () => {
        const events = await failuresTold(ns);
        return events.length > 0 && events;
      });
      expect(told).toEqual([
        {
          type: 'Warning',
          reason: 'KEDAScalerFailed',
          note: expect.stringContaining('trigger 0 (metrics-api)'),
          count: 1,
        },
      ]);
      expect(await ns.condition(SCALED_OBJECTS, 'web', 'Active')).toBe('True/ScalerActive');
      source.answer = 5;
      await ready(ns, 'True/ScaledObjectReady');
      source.answer = 0;
      await eventually(() => replicas.at(-1) === 0, 10_000);
    });
  }

  it('of a formula is told by an event of its own, and logged once until it can be read again', async ({
    world,
    ns,
    source,
  }) => {
    source.answer = 5;
    const advanced = { scalingModifiers: { formula: 'depth * 2', target: '10' } };
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger({ name: 'depth' })], { advanced }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    source.answer = { status: 500 };
    await ready(ns, 'False/TriggerError');
    const told = await eventually(async () => {
      const events = (await ns.events('web')).filter(({ type }) => type === 'Warning');
      return events.length > 0 && events;
    });
    expect(told).toEqual([
      { type: 'Warning', reason: 'KEDAMetricSourceFailed', note: expect.stringContaining('500'), count: 1 },
    ]);
    source.answer = 5;
    await ready(ns, 'True/ScaledObjectReady');
    expect(replicas).toEqual([0, 1]);
    const logged = world.logs
      .map((line) => JSON.parse(line) as { level: string; msg: string; namespace?: string })
      .filter(({ namespace, msg }) => namespace === ns.name && /read/.test(msg));
    expect(logged.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
      'warn: trigger cannot be read',
      'info: trigger can be read again',
    ]);
  });

  it('by never answering holds the replicas, and says so', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger({ metadata: { timeout: '300ms' } })]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    source.answer = 'hang';
    // The HPA has five workers: who waits for a slow source holds up all other workloads.
    const asked = performance.now();
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=5`);
    expect(performance.now() - asked).toBeLessThan(3_000);
    await ready(ns, 'False/TriggerError');
    expect(replicas).toEqual([0, 1]);
    source.answer = 5;
    await ready(ns, 'True/ScaledObjectReady');
  });

  it('from the start leaves the target alone at whatever it runs', async ({ ns, source }) => {
    source.answer = { status: 500 };
    await ns.apply(aDeployment('web', 3), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns, 'False/TriggerError');
    await source.asks(2);
    expect(replicas).toEqual([3]);
    expect(await ns.externalMetric('web', METRIC)).toContain('500');
    source.answer = 0;
    await eventually(() => replicas.at(-1) === 0, 10_000);
  });

  it('beside one that has work does not keep that from starting the target', async ({ ns, source }) => {
    const broken = await startMetricSource({ status: 500 });
    await ns.apply(aDeployment('web', 0), aScaler('web', [broken.trigger(), source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns, 'False/TriggerError');
    source.answer = 5;
    await eventually(() => replicas.at(-1) === 1);
    await ready(ns, 'Unknown/PartialTriggerError');
    source.answer = 0;
    await source.asks(4);
    expect(replicas).toEqual([0, 1]);
    await broken.stop();
  });

  it('has its fallback stand in after failureThreshold, which ends with the first answer', async ({ ns, source }) => {
    source.answer = 10;
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger()], {
        fallback: FALLBACK,
        advanced: {
          horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
        },
      }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    source.answer = { status: 503 };
    await ns.becomes(SCALED_OBJECTS, 'web', 'Fallback', 'True/FallbackExists', 20_000);
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=30`);
    await eventually(() => replicas.at(-1) === 3, 15_000);
    expect((await ns.get(SCALED_OBJECTS, 'web')).status.health).toEqual({
      [METRIC]: { numberOfFailures: 3, status: 'Failing' },
    });
    expect(await ns.condition(SCALED_OBJECTS, 'web', 'Ready')).toBe('True/ScaledObjectReady');
    source.answer = 10;
    await ns.becomes(SCALED_OBJECTS, 'web', 'Fallback', 'False/NoFallbackFound', 20_000);
    await eventually(() => replicas.at(-1) === 1, 15_000);
    await eventually(async () => {
      const reasons = (await ns.events('web')).map(({ reason }) => reason);
      expect(reasons.filter((reason) => reason.startsWith('ScaledObjectFallback'))).toEqual([
        'ScaledObjectFallbackActivated',
        'ScaledObjectFallbackDeactivated',
      ]);
    });
  });

  it('wakes a target at zero up to its fallback', async ({ ns, source }) => {
    source.answer = { status: 503 };
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], { fallback: FALLBACK }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 3, 20_000);
  });
});

describe.concurrent('a definition that cannot work', () => {
  it('says every problem in one event and in Ready, and makes no HPA', async ({ ns, source }) => {
    await ns.apply(
      aDeployment('web', 2),
      aScaler('web', [source.trigger({ metadata: { targetValue: 'many' } }), { type: 'no-such-thing', metadata: {} }]),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns, 'False/ScaledObjectCheckFailed');
    const { status } = await ns.get(SCALED_OBJECTS, 'web');
    const message = status.conditions.find(({ type }: { type: string }) => type === 'Ready').message;
    expect(message).toContain('targetValue');
    expect(message).toContain('no-such-thing');
    expect(await ns.find(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web')).toBeUndefined();
    expect(replicas).toEqual([2]);
    await eventually(async () => {
      const told = (await ns.events('web')).filter(({ type }) => type === 'Warning');
      expect(told).toEqual([expect.objectContaining({ reason: 'ScaledObjectCheckFailed', count: 1 })]);
    });
    await ns.patch(SCALED_OBJECTS, 'web', { spec: { triggers: [source.trigger()] } });
    await ready(ns, 'True/ScaledObjectReady');
  });

  it('after one that worked leaves the old triggers and the HPA at work', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns, 'True/ScaledObjectReady');
    await ns.patch(SCALED_OBJECTS, 'web', { spec: { triggers: [{ type: 'metrics-api', metadata: {} }] } });
    await ready(ns, 'False/ScaledObjectCheckFailed');
    source.answer = 5;
    await eventually(() => replicas.at(-1) === 1);
    expect(await ns.condition(SCALED_OBJECTS, 'web', 'Ready')).toBe('False/ScaledObjectCheckFailed');
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=5`);
  });
});
