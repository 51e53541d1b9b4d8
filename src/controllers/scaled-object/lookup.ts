import { COMPOSITE_METRIC } from '../../api/defaults.ts';
import type { ScaledObject } from '../../api/index.ts';
import { type MetricVerdict, objectVerdict } from '../../decision/activity.ts';
import { usableFallback } from '../../decision/fallback.ts';
import { sameMetricName } from '../../decision/metric-names.ts';
import { servedQuantity, withLastGood } from '../../decision/metric-value.ts';
import type { TriggerState } from '../../decision/trigger-state.ts';
import { readPolicy } from '../../sampling/answer.ts';
import type { ControllerContext } from '../context.ts';
import type { RawReadings } from '../raw-readings.ts';
import { isActive, labelsOf } from '../trigger-reports.ts';
import { valueFor } from '../trigger-states.ts';
import type { ActiveTrigger } from '../triggers.ts';
import { currentReplicas, pollingIntervalMs, readyPodsIfNeeded, statesOf } from './evaluate.ts';
import type { ScaledObjectState } from './state.ts';

/** What the external metrics API answers for one metric of one ScaledObject. */
export type MetricAnswer =
  | { kind: 'value'; metricName: string; value: string; at: number }
  | { kind: 'empty' }
  | { kind: 'error'; message: string };

export interface LookupOptions {
  ctx: ControllerContext;
  state(key: string): ScaledObjectState | undefined;
  object(namespace: string, name: string): ScaledObject | undefined;
}

/**
 * Answers the HPA from the samples of the object's triggers. A sample that is too old is refreshed first, for at most a
 * second; then a good value may stand in while it is young enough, and after that the error is the answer.
 */
export function createLookup({ ctx, state: stateOf, object: objectOf }: LookupOptions) {
  return async (namespace: string, name: string, metric: string): Promise<MetricAnswer> => {
    const error = (message: string): MetricAnswer => ({ kind: 'error', message });
    const object = objectOf(namespace, name);
    if (!object) return error(`there is no ScaledObject ${namespace}/${name}`);
    const state = stateOf(`${namespace}/${name}`);
    if (!state?.runs || !state.target)
      return error(`ScaledObject ${namespace}/${name} is not running: see its Ready condition`);
    const { triggers } = state.triggers;
    const composite = state.modifiers !== undefined;
    const asked = triggers.find((trigger) =>
      trigger.metrics.some((each) => each.name !== '' && sameMetricName(each.name, metric)),
    );
    if (!composite && !asked) return error(`ScaledObject ${namespace}/${name} has no metric ${metric}`);
    if (composite && !asked && !sameMetricName(metric, COMPOSITE_METRIC)) {
      return error(`ScaledObject ${namespace}/${name} has no metric ${metric}`);
    }

    const polling = pollingIntervalMs(object);
    const wanted = composite ? triggers : triggers.filter((trigger) => trigger === asked);
    await Promise.all(wanted.map((trigger) => refresh(trigger, polling)));

    const fallback = usableFallback(object.spec.fallback, composite);
    const { ttlMs } = readPolicy({ pollingIntervalMs: polling, useCachedMetrics: asked?.useCachedMetrics ?? false });
    const states = withLastGood(statesOf(ctx, state), { ttlMs, fallback });
    if (ctx.readings) for (const trigger of wanted) tell(ctx.readings, object, trigger, states);
    const current = await currentReplicas(ctx, state, state.target);
    const verdict = objectVerdict({
      triggers: states,
      fallback,
      modifiers: state.modifiers,
      target: {
        current: 'replicas' in current ? current.replicas : undefined,
        readyPods: await readyPodsIfNeeded(ctx, object, states, state.target),
      },
    });
    if (composite) {
      const outcome = verdict.composite;
      if (!outcome || outcome.kind === 'unknown') return error(outcome?.problem ?? 'the formula gives no value');
      return {
        kind: 'value',
        metricName: COMPOSITE_METRIC,
        value: servedQuantity(outcome.value),
        at: ctx.clock.now(),
      };
    }
    const verdictOfMetric = verdict.metrics.find(({ trigger }) => sameMetricName(trigger.metricName, metric));
    if (!verdictOfMetric || !asked) return error(`ScaledObject ${namespace}/${name} has no metric ${metric}`);
    return answer(verdictOfMetric, ttlMs);
  };

  async function refresh(trigger: ActiveTrigger, pollingIntervalMs: number): Promise<void> {
    const { maxAgeMs, deadlineMs } = readPolicy({ pollingIntervalMs, useCachedMetrics: trigger.useCachedMetrics });
    await trigger.subscription?.fresh({ maxAgeMs, deadlineMs });
  }

  function tell(readings: RawReadings, object: ScaledObject, trigger: ActiveTrigger, states: readonly TriggerState[]) {
    const sample = trigger.subscription?.latest();
    if (sample?.outcome.kind !== 'value') return;
    for (const { name: metric, spec } of trigger.metrics) {
      const value = valueFor(sample.outcome.reading, spec);
      if (value === undefined) continue;
      const { namespace, object: name, scaler } = labelsOf('ScaledObject', object, trigger, metric);
      const active = isActive(states, metric);
      readings({ namespace, object: name, trigger: scaler, value, active, at: sample.wallAt, asked: 'hpa' });
    }
  }

  function answer({ trigger, reading, fallback }: MetricVerdict, ttlMs: number): MetricAnswer {
    const now = ctx.clock.now();
    const value = (number: number, ageMs: number): MetricAnswer => ({
      kind: 'value',
      metricName: trigger.metricName,
      value: servedQuantity(number),
      at: now - ageMs,
    });
    if (reading.kind === 'value') {
      const ageMs = trigger.ageMs ?? 0;
      if (ageMs <= ttlMs || trigger.onError === 'hold') return value(reading.value, ageMs);
      const age = Math.round(ageMs / 1000);
      return { kind: 'error', message: `metric ${trigger.metricName}: the last answer of the source is ${age} s old` };
    }
    if (fallback.engaged && fallback.kind === 'replicas') return value(fallback.value, 0);
    if (reading.kind === 'no-data') return { kind: 'empty' };
    const why = reading.kind === 'pending' ? 'the source has not answered yet' : reading.message;
    return { kind: 'error', message: `metric ${trigger.metricName} cannot be read: ${why}` };
  }
}
