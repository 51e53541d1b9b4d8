import { getCondition } from '../api/conditions.ts';
import type { Condition } from '../api/index.ts';
import { describeError } from '../base/errors.ts';
import type { KubeObject } from '../base/object.ts';
import { objectVerdict } from '../decision/activity.ts';
import type { TriggerState } from '../decision/trigger-state.ts';
import type { ControllerContext } from './context.ts';
import type { TriggerLabels } from './metrics.ts';
import type { ActiveTrigger, TriggerSet } from './triggers.ts';

/** What was last told of an object's triggers. */
export interface TriggerReports {
  triggers: TriggerSet;
  /** Attempt of the sample that was reported last, by metric name. */
  reported: Map<string, number>;
  /** Error that was told last, by metric name. */
  toldErrors: Map<string, string>;
  /** The object's conditions told of failing sources when it was taken over, and they have failed ever since. */
  failedBefore: boolean;
}

/** Whether conditions tell of sources that cannot be read. */
export function tellsOfFailures(conditions: readonly Condition[] | undefined): boolean {
  const reason = getCondition(conditions, 'Ready')?.reason;
  return (
    reason === 'TriggerError' ||
    reason === 'PartialTriggerError' ||
    getCondition(conditions, 'Fallback')?.status === 'True'
  );
}

/** Labels of a trigger's series; the scaler label is the trigger's name or the name that dashboards know its type by. */
export function labelsOf(
  kind: TriggerLabels['kind'],
  object: KubeObject,
  trigger: ActiveTrigger,
  metric: string,
): TriggerLabels {
  const { name, namespace = '' } = object.metadata;
  const scaler = trigger.name ?? trigger.definition.scalerLabel;
  return { namespace, kind, object: name, scaler, triggerIndex: trigger.index, metric };
}

/** Hands new samples to the metrics, and tells of a failing trigger once: by an event when it begins or its error changes. */
export function reportTriggers(
  ctx: ControllerContext,
  kind: TriggerLabels['kind'],
  object: KubeObject,
  state: TriggerReports,
  states: readonly TriggerState[],
): void {
  for (const trigger of state.triggers.triggers) {
    const sample = trigger.subscription?.latest();
    if (!sample) continue;
    for (const { name: metric } of trigger.metrics) {
      if (state.reported.get(metric) === sample.attempt) continue;
      state.reported.set(metric, sample.attempt);
      const { outcome } = sample;
      const failed = outcome.kind === 'error';
      ctx.metrics.triggerRead(labelsOf(kind, object, trigger, metric), {
        active: isActive(states, metric),
        tookMs: sample.took,
        failed,
        ...(outcome.kind === 'value' ? { value: outcome.reading.value } : {}),
      });
      if (!failed) {
        state.toldErrors.delete(metric);
        state.failedBefore = false;
        continue;
      }
      const { name, namespace = '' } = object.metadata;
      ctx.metrics.objectError(kind, namespace, name);
      const note = `trigger ${trigger.index} (${trigger.type}) cannot be read: ${describeError(outcome.error)}`;
      if (state.toldErrors.get(metric) === note) continue;
      const isNews = !state.failedBefore || state.toldErrors.has(metric);
      state.toldErrors.set(metric, note);
      ctx.log.warn('trigger cannot be read', {
        namespace,
        [kind === 'ScaledJob' ? 'scaledJob' : 'scaledObject']: name,
        metric,
        error: outcome.error,
      });
      if (isNews)
        ctx.events.record(object, { type: 'Warning', reason: 'KEDAScalerFailed', action: 'KEDAScalerFailed', note });
    }
  }
}

function isActive(states: readonly TriggerState[], metric: string): boolean {
  const trigger = states.find((state) => state.kind === 'external' && state.metricName === metric);
  if (!trigger) return false;
  return (
    objectVerdict({
      triggers: [trigger],
      fallback: undefined,
      modifiers: undefined,
      target: { current: undefined, readyPods: undefined },
    }).state === 'active'
  );
}
