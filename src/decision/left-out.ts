import { FAILURES_UNTIL_NOT_READY } from './conditions.ts';
import { soundReading, type TriggerState } from './trigger-state.ts';

const NONE: ReadonlySet<string> = new Set();

/**
 * Metrics that the HPA does not get for now: those of triggers with `onError: ignore` that have failed several polls in a
 * row. While a metric of an HPA has no value, Kubernetes does not scale in by the others either, and no number would
 * mean "no opinion". It comes back with the first answer. When nobody is left to go by, nothing is left out: the HPA
 * then keeps the replicas. The very set it got when nothing differs.
 */
export function leftOutMetrics(
  triggers: readonly TriggerState[],
  before: ReadonlySet<string> = NONE,
): ReadonlySet<string> {
  const out = triggers.flatMap((trigger) => {
    if (trigger.kind !== 'external' || trigger.onError !== 'ignore') return [];
    const { kind } = soundReading(trigger.reading);
    const isOut = before.has(trigger.metricName)
      ? kind === 'error' || kind === 'pending'
      : kind === 'error' && trigger.failures >= FAILURES_UNTIL_NOT_READY;
    return isOut ? [trigger.metricName] : [];
  });
  const next = out.length === triggers.length ? [] : out;
  const isSame = next.length === before.size && next.every((name) => before.has(name));
  return isSame ? before : new Set(next);
}
