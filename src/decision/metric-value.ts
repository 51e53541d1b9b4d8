import type { Fallback } from '../api/index.ts';
import { formatMetricValue } from '../base/quantity.ts';
import { soundReading, type TriggerState } from './trigger-state.ts';

/**
 * The triggers as the HPA is answered from: where a source fails at the moment, its last good value stands in while it is
 * younger than `ttlMs` and no fallback stands in yet. Only for answers about values; whether an object has work is never
 * decided on a value that stands in. With `onError: hold` the last good value stands in however old it is. "No data" is an answer of the source and stays what it is.
 */
export function withLastGood(
  triggers: readonly TriggerState[],
  options: { ttlMs: number; fallback: Fallback | undefined },
): TriggerState[] {
  return triggers.map((trigger) => {
    if (trigger.kind === 'resource') return trigger;
    const { lastGood, failures } = trigger;
    const reading = soundReading(trigger.reading);
    if (reading.kind === 'value' || reading.kind === 'no-data') return trigger;
    const holds = trigger.onError === 'hold' && reading.kind === 'error';
    const onFallback = !holds && options.fallback !== undefined && failures > options.fallback.failureThreshold;
    const ttlMs = holds ? Number.POSITIVE_INFINITY : options.ttlMs;
    if (onFallback || lastGood === undefined || lastGood.ageMs > ttlMs) return trigger;
    return { ...trigger, reading: { kind: 'value', value: lastGood.value }, ageMs: lastGood.ageMs };
  });
}

/**
 * Kubernetes 1.36 reads a metric in thousandths as a 64-bit number, and takes what does not fit (above 9.22e15) for zero:
 * the HPA would scale to its minimum on the largest values. No target comes near this limit.
 */
const LARGEST_SERVED = 9e15;

/** The quantity that the HPA is answered with for a value. */
export function servedQuantity(value: number): string {
  return formatMetricValue(Math.min(value, LARGEST_SERVED));
}
