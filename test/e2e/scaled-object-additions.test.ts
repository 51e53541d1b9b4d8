import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC, type MetricSource, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest()
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures are needed
  .extend('other', async ({}, { onCleanup }): Promise<MetricSource> => {
    const source = await startMetricSource();
    onCleanup(() => source.stop());
    return source;
  });

const ready = (ns: TestNamespace) => ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
const hpaOf = (ns: TestNamespace) => ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
const metricsOf = async (ns: TestNamespace): Promise<string[]> =>
  (await hpaOf(ns)).spec.metrics.map(
    (metric: { external: { metric: { name: string } } }) => metric.external.metric.name,
  );
const SECOND = METRIC.replace('s0-', 's1-');

describe.concurrent('activationReplicas: computed', () => {
  it('wakes a target with as many replicas as the work needs, which the HPA then keeps', async ({ ns, source }) => {
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger()], { advanced: { activationReplicas: 'computed' } }),
    );
    await ready(ns);
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    source.answer = 65;
    await eventually(() => replicas.length > 1);
    await source.asks(3);
    expect(replicas).toEqual([0, 7]);
    const events = await ns.events('web');
    expect(events.find(({ reason }) => reason === 'KEDAScaleTargetActivated')?.note).toContain('7');
  });
});

describe.concurrent('cooldownPolicy: afterScaleDown', () => {
  it('lets the HPA scale in by its own policy before the target rests', async ({ ns, source }) => {
    source.answer = 35;
    const scaleDown = { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 1 }] };
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger()], {
        cooldownPeriod: 0,
        advanced: { cooldownPolicy: 'afterScaleDown', horizontalPodAutoscalerConfig: { behavior: { scaleDown } } },
      }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 4, 30_000);
    source.answer = 0;
    await eventually(() => replicas.at(-1) === 0, 40_000);
    expect(replicas.slice(replicas.indexOf(4))).toEqual([4, 3, 2, 1, 0]);
  });
});

describe.concurrent('onError', () => {
  it('ignore: the other triggers scale on, in as well as out, and a word of theirs ends it', async ({
    ns,
    source,
    other,
  }) => {
    source.answer = 5;
    other.answer = 25;
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger({ onError: 'ignore' }), other.trigger()], {
        cooldownPeriod: 0,
        advanced: {
          horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
        },
      }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 3, 30_000);
    expect(await metricsOf(ns)).toEqual([METRIC, SECOND]);

    source.answer = { status: 503 };
    await eventually(async () => expect(await metricsOf(ns)).toEqual([SECOND]), 30_000);
    other.answer = 15;
    await eventually(() => replicas.at(-1) === 2, 30_000);
    other.answer = 0;
    await eventually(() => replicas.at(-1) === 0, 30_000);

    source.answer = 5;
    await eventually(() => replicas.at(-1) === 1, 30_000);
    await eventually(async () => expect(await metricsOf(ns)).toEqual([METRIC, SECOND]));
  });

  it('hold: nothing changes however long the source fails, though the object has a fallback', async ({
    ns,
    source,
  }) => {
    source.answer = 25;
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger({ onError: 'hold' })], {
        cooldownPeriod: 0,
        fallback: { failureThreshold: 1, replicas: 6 },
      }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 3, 30_000);
    source.answer = { status: 503 };
    await source.asks(3);
    expect(replicas.at(-1)).toBe(3);
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=25`);
    expect(await ns.condition(SCALED_OBJECTS, 'web', 'Fallback')).toBe('False/NoFallbackFound');
  });
});

// Not beside the others: the operator is theirs, too.
describe('onError across a restart', () => {
  it('ignore: goes on without a write', async ({ ns, source, other, world }) => {
    other.answer = 5;
    source.answer = { status: 503 };
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger({ onError: 'ignore' }), other.trigger()], { pollingInterval: 1 }),
    );
    await eventually(async () => expect(await metricsOf(ns)).toEqual([SECOND]), 30_000);
    const before = (await hpaOf(ns)).metadata.generation;
    await world.startOperator();
    await source.asks(4);
    expect(await metricsOf(ns)).toEqual([SECOND]);
    expect((await hpaOf(ns)).metadata.generation).toBe(before);
  });
});
