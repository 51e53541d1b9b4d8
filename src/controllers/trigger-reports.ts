import { getCondition } from '../api/conditions.ts';
import { COMPOSITE_METRIC } from '../api/defaults.ts';
import type { Condition, ScaledObject } from '../api/index.ts';
import { describeError } from '../base/errors.ts';
import type { KubeObject } from '../base/object.ts';
import { objectVerdict } from '../decision/activity.ts';
import type { DecisionRecord } from '../decision/record.ts';
import type { TriggerState } from '../decision/trigger-state.ts';
import type { Sample } from '../sampling/types.ts';
import type { ControllerContext } from './context.ts';
import type { TriggerLabels } from './metrics.ts';
import { valueFor } from './trigger-states.ts';
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

/**
 * Hands new samples to the metrics, and tells of a failing trigger once: by an event when it begins or its error changes.
 * Under a formula the event has another reason (KEDA 2.21).
 */
export function reportTriggers(
  ctx: ControllerContext,
  kind: TriggerLabels['kind'],
  object: KubeObject,
  state: TriggerReports,
  states: readonly TriggerState[],
): void {
  const formula = usesFormula(object);
  const reason = formula ? 'KEDAMetricSourceFailed' : 'KEDAScalerFailed';
  let lateMs: number | undefined;
  for (const trigger of state.triggers.triggers) {
    const sample = trigger.subscription?.latest();
    if (!sample) {
      reportResource(ctx, kind, object, trigger, state);
      continue;
    }
    reportStream(ctx, kind, object, trigger, state, sample);
    for (const { name: metric, spec } of trigger.metrics) {
      if (state.reported.get(metric) === sample.attempt) continue;
      state.reported.set(metric, sample.attempt);
      const { outcome } = sample;
      const failed = outcome.kind === 'error';
      const { name, namespace = '' } = object.metadata;
      const where = { namespace, [kind === 'ScaledJob' ? 'scaledJob' : 'scaledObject']: name, metric };
      const value = outcome.kind === 'value' ? valueFor(outcome.reading, spec) : undefined;
      if (value !== undefined && ctx.readings) {
        const { scaler } = labelsOf(kind, object, trigger, metric);
        const active = isActive(states, metric);
        ctx.readings({ namespace, object: name, trigger: scaler, value, active, at: sample.wallAt, asked: 'poll' });
      }
      lateMs = Math.max(lateMs ?? 0, (sample.late ?? 0) + Math.max(0, ctx.clock.monotonic() - sample.at));
      ctx.metrics.triggerRead(labelsOf(kind, object, trigger, metric), {
        ...(formula ? {} : { active: isActive(states, metric) }),
        tookMs: sample.took,
        failed,
        ...(value === undefined ? {} : { value }),
      });
      if (!failed) {
        if (state.toldErrors.delete(metric)) ctx.log.info('trigger can be read again', where);
        state.failedBefore = false;
        continue;
      }
      ctx.metrics.objectError(kind, namespace, name);
      const note = `trigger ${trigger.index} (${trigger.type}) cannot be read: ${describeError(outcome.error)}`;
      if (state.toldErrors.get(metric) === note) continue;
      const isNews = !state.failedBefore || state.toldErrors.has(metric);
      state.toldErrors.set(metric, note);
      ctx.log.warn('trigger cannot be read', { ...where, error: outcome.error });
      if (isNews) ctx.events.record(object, { type: 'Warning', reason, action: reason, note });
    }
  }
  if (lateMs === undefined) return;
  const { name, namespace = '' } = object.metadata;
  ctx.metrics.scaleLoop({ namespace, kind, name, lateMs });
}

/**
 * A trigger that is pushed to and whose stream broke is told once: it still works, at the pace of its polls. While it
 * cannot be read either, that error says enough.
 */
function reportStream(
  ctx: ControllerContext,
  kind: TriggerLabels['kind'],
  object: KubeObject,
  { index, type }: ActiveTrigger,
  state: TriggerReports,
  { stream, outcome }: Sample,
): void {
  const key = `${index}/stream`;
  if (stream?.state === 'live') state.toldErrors.delete(key);
  if (stream?.state !== 'broken' || outcome.kind === 'error' || state.toldErrors.has(key)) return;
  const why = stream.error === undefined ? '' : `: ${describeError(stream.error)}`;
  const note = `trigger ${index} (${type}) lost its stream and is only polled until it is back${why}`;
  state.toldErrors.set(key, note);
  const { name, namespace = '' } = object.metadata;
  ctx.log.warn('trigger lost its stream', {
    namespace,
    [kind === 'ScaledJob' ? 'scaledJob' : 'scaledObject']: name,
    trigger: index,
    error: stream.error,
  });
  ctx.events.record(object, { type: 'Warning', reason: 'KEDAScalerFailed', action: 'KEDAScalerFailed', note });
}

/** cpu and memory are measured by Kubernetes, and are active whatever it measures (KEDA 2.21). */
function reportResource(
  ctx: ControllerContext,
  kind: TriggerLabels['kind'],
  object: KubeObject,
  trigger: ActiveTrigger,
  state: TriggerReports,
): void {
  for (const { spec } of trigger.metrics) {
    if (spec.kind !== 'resource') continue;
    const key = resourceKey(trigger, spec.resource);
    if (state.reported.has(key)) continue;
    state.reported.set(key, 0);
    ctx.metrics.triggerRead(labelsOf(kind, object, trigger, spec.resource), { active: true, failed: false });
  }
}

const resourceKey = (trigger: ActiveTrigger, resource: string) => `${trigger.index}/${resource}`;

/** The value of a formula under the name that the HPA asks for; active above its activation target. */
export function reportFormula(ctx: ControllerContext, object: KubeObject, formula: DecisionRecord['formula']): void {
  if (formula?.result === undefined) return;
  const value = Number(formula.result);
  const active = value > Number(formula.activation);
  ctx.metrics.triggerRead(formulaLabels(object), { value, active, failed: false });
}

const usesFormula = (object: KubeObject & { spec?: { advanced?: ScaledObject['spec']['advanced'] } }) =>
  Boolean(object.spec?.advanced?.scalingModifiers?.formula);

const formulaLabels = (object: KubeObject): TriggerLabels => ({
  namespace: object.metadata.namespace ?? '',
  kind: 'ScaledObject',
  object: object.metadata.name,
  scaler: COMPOSITE_METRIC,
  triggerIndex: 0,
  metric: COMPOSITE_METRIC,
});

/** After a change: drops the series of triggers that the object no longer has, or that it no longer asks (paused). */
export function dropOldSeries(
  ctx: ControllerContext,
  kind: TriggerLabels['kind'],
  object: KubeObject,
  state: TriggerReports,
): void {
  const keep: TriggerLabels[] = [];
  const reported = new Set<string>();
  for (const trigger of state.triggers.triggers) {
    for (const { name, spec } of trigger.metrics) {
      const isResource = spec.kind === 'resource';
      keep.push(labelsOf(kind, object, trigger, isResource ? spec.resource : name));
      reported.add(isResource ? resourceKey(trigger, spec.resource) : name);
    }
  }
  if (keep.length > 0 && usesFormula(object)) keep.push(formulaLabels(object));
  const { name, namespace = '' } = object.metadata;
  ctx.metrics.forgetTriggers(kind, namespace, name, keep);
  for (const key of state.reported.keys()) if (!reported.has(key)) state.reported.delete(key);
}

/** Whether a trigger alone says that there is work. */
export function isActive(states: readonly TriggerState[], metric: string): boolean {
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
