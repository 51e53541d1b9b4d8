import type { Fallback } from '../api/index.ts';
import { soundReading, type TriggerState } from './trigger-state.ts';

/**
 * The triggers as the HPA is answered from: where a source fails at the moment, its last good value stands in while it is
 * younger than `ttlMs` and no fallback stands in yet. Only for answers about values; whether an object has work is never
 * decided on a value that stands in. "No data" is an answer of the source and stays what it is.
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
    const onFallback = options.fallback !== undefined && failures > options.fallback.failureThreshold;
    if (onFallback || lastGood === undefined || lastGood.ageMs > options.ttlMs) return trigger;
    return { ...trigger, reading: { kind: 'value', value: lastGood.value }, ageMs: lastGood.ageMs };
  });
}
