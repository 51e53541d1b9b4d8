import type { Fallback } from '../api/index.ts';
import type { MetricVerdict } from './activity.ts';
import { type FallbackTarget, metricFallback } from './fallback.ts';
import type { Modifiers } from './modifiers.ts';
import { triggerLabel } from './trigger-state.ts';

export type CompositeOutcome =
  | { kind: 'value'; value: number; active: boolean }
  /** The fallback's replicas in place of the formula. */
  | { kind: 'fallback'; replicas: number; value: number; active: boolean }
  | { kind: 'unknown'; because: 'error' | 'no-data' | 'formula'; problem: string };

/**
 * The value of the formula. Only triggers that it names matter to it. A trigger that the fallback stands in for decides
 * for the whole (KEDA 2.21: target × replicas, the formula is not run), except with behavior `scalingModifiers`, where
 * it is nil in the formula; a nil result is then `fallback.replicas` × target. A trigger that is ignored is nil as well.
 */
export function evaluateComposite(
  modifiers: Modifiers,
  metrics: readonly MetricVerdict[],
  fallback: Fallback | undefined,
  target: FallbackTarget,
): CompositeOutcome {
  const { formula } = modifiers;
  if ('problem' in formula) return { kind: 'unknown', because: 'formula', problem: formula.problem };
  const values: Record<string, number | null> = {};
  let open: CompositeOutcome | undefined;
  for (const name of formula.variables) {
    const metric = metrics.find(({ trigger }) => trigger.name === name);
    if (!metric) return { kind: 'unknown', because: 'formula', problem: `there is no trigger named ${name}` };
    if (metric.fallback.engaged && metric.fallback.kind !== 'nil')
      return standIn(modifiers, fallback, metric.trigger.failures, target);
    if (metric.reading.kind === 'value') values[name] = metric.reading.value;
    else if (metric.fallback.engaged || metric.ignored) values[name] = null;
    else open ??= openMetric(metric);
  }
  if (open) return open;
  const ignored = metrics.filter((metric) => metric.ignored && metric.trigger.name !== undefined);
  const [first] = ignored.filter(({ trigger: { name = '' } }) => formula.variables.includes(name));
  // With nobody left to go by, what is ignored is no evidence either.
  if (first && Object.values(values).every((value) => value === null)) return openMetric(first);
  const result = formula.run(values);
  if (!result.ok) return { kind: 'unknown', because: 'formula', problem: result.problem };
  if (result.value !== null)
    return { kind: 'value', value: result.value, active: result.value > modifiers.activationTarget };
  if (fallback === undefined)
    return { kind: 'unknown', because: 'formula', problem: 'the formula gives nil and the object has no fallback' };
  return standIn(modifiers, { ...fallback, behavior: 'static' }, Number.POSITIVE_INFINITY, target);
}

function standIn(
  { target, metricType }: Modifiers,
  fallback: Fallback | undefined,
  failures: number,
  known: FallbackTarget,
): CompositeOutcome {
  const outcome = metricFallback(fallback, { failures, target, metricType }, known);
  if (outcome.engaged && outcome.kind === 'replicas')
    return { kind: 'fallback', replicas: outcome.replicas, value: outcome.value, active: outcome.replicas > 0 };
  const problem = outcome.engaged && outcome.kind === 'failed' ? outcome.problem : 'the fallback does not apply';
  return { kind: 'unknown', because: 'error', problem };
}

function openMetric({ trigger, reading }: MetricVerdict): CompositeOutcome {
  const label = triggerLabel(trigger);
  if (reading.kind === 'error')
    return { kind: 'unknown', because: 'error', problem: `${label} cannot be read: ${reading.message}` };
  const why = reading.kind === 'no-data' ? reading.reason : 'it has not answered yet';
  return { kind: 'unknown', because: 'no-data', problem: `${label} has no value: ${why}` };
}
