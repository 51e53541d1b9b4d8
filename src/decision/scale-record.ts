import type { MetricVerdict, ObjectVerdict } from './activity.ts';
import type { Modifiers } from './modifiers.ts';
import { boundTriggers, clip, type DecisionRecord, numberText, type TriggerRecord, triggerIdentity } from './record.ts';
import { type TriggerState, triggerLabel } from './trigger-state.ts';
import { demandOf, replicasFor } from './wanted.ts';

export interface ScaleRecordInput {
  at: number;
  object: string;
  cause: string;
  triggers: readonly TriggerState[];
  verdict: ObjectVerdict;
  modifiers: Modifiers | undefined;
  current: number | undefined;
  min: number;
  max: number;
  idle: number | undefined;
}

/** The part of a ScaledObject's record that does not depend on what was decided. */
export function scaleRecord(input: ScaleRecordInput): Omit<DecisionRecord, 'action' | 'rule'> {
  const { verdict, modifiers, current, min, max, idle } = input;
  const demand = demandOf(verdict, modifiers, current);
  const records = input.triggers.map((trigger) => {
    if (trigger.kind === 'external') {
      const metric = verdict.metrics.find((one) => one.trigger === trigger);
      if (metric) return metricRecord(metric, current, modifiers === undefined);
    }
    return {
      ...triggerIdentity(trigger),
      outcome: 'measured-by-kubernetes',
      activity: verdict.resourceOnly ? 'active' : 'unknown',
    } satisfies TriggerRecord;
  });
  const rest = idle ?? min;
  const wanted = verdict.state === 'inactive' ? rest : demand && Math.min(max, Math.max(demand, min, 1));
  return {
    at: input.at,
    kind: 'ScaledObject',
    object: input.object,
    cause: clip(input.cause, 100),
    ...boundTriggers(records),
    ...(modifiers ? { formula: formulaRecord(verdict, modifiers) } : {}),
    ...(current === undefined ? {} : { current }),
    ...(wanted === undefined ? {} : { wanted }),
    min,
    max,
    ...(idle === undefined ? {} : { idle }),
  };
}

/** What a metric said; `wants` only where the metric counts by itself. */
function metricRecord(metric: MetricVerdict, current: number | undefined, alone: boolean): TriggerRecord {
  const { trigger, reading, activity, held, ignored, fallback } = metric;
  const base: Omit<TriggerRecord, 'outcome'> = {
    ...triggerIdentity(trigger),
    activity,
    ...(held ? { held: true as const } : {}),
    ...(ignored ? { ignored } : {}),
    ...(trigger.ageMs === undefined ? {} : { ageMs: Math.round(trigger.ageMs) }),
    ...(trigger.failures > 0 ? { failures: trigger.failures } : {}),
  };
  if (reading.kind === 'value') {
    const wants = alone ? replicasFor({ ...trigger, value: reading.value }, current) : undefined;
    return { ...base, outcome: 'value', value: numberText(reading.value), ...(wants === undefined ? {} : { wants }) };
  }
  if (reading.kind === 'no-data') return { ...base, outcome: 'no-data', problem: reading.reason };
  if (reading.kind === 'pending') return { ...base, outcome: 'pending' };
  const problem =
    fallback.engaged && fallback.kind === 'failed' ? `${fallback.problem}; ${reading.message}` : reading.message;
  if (!fallback.engaged || fallback.kind === 'failed') return { ...base, outcome: 'error', problem };
  return {
    ...base,
    outcome: 'fallback',
    problem,
    ...(alone && fallback.kind === 'replicas' ? { wants: fallback.replicas } : {}),
  };
}

function formulaRecord({ composite }: ObjectVerdict, modifiers: Modifiers): NonNullable<DecisionRecord['formula']> {
  const base = { target: numberText(modifiers.target), activation: numberText(modifiers.activationTarget) };
  if (!composite || composite.kind === 'unknown')
    return { ...base, problem: clip(composite?.problem ?? 'it was not run') };
  return { ...base, result: numberText(composite.value) };
}

/** The triggers that show work, for the event that tells of it. KEDA 2.21 joins them by semicolons. */
export function activeTriggerLabels({ metrics }: ObjectVerdict): string {
  const active = metrics.filter(({ activity, held }) => activity === 'active' && !held);
  return active.map(({ trigger }) => triggerLabel(trigger)).join('; ');
}
