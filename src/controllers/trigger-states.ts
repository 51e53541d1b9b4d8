import type { Clock } from '../base/clock.ts';
import { describeError, isTerminal } from '../base/errors.ts';
import { externalMetricType } from '../decision/hpa.ts';
import type { TriggerReading, TriggerState } from '../decision/trigger-state.ts';
import type { Sample } from '../sampling/types.ts';
import type { MetricSpec, Reading } from '../scalers/definition.ts';
import type { ActiveTrigger } from './triggers.ts';

/** What is known of an object's triggers now, in the words that decisions are made in. One state a metric. */
export function triggerStates(
  triggers: readonly ActiveTrigger[],
  lastKnownActive: (metricName: string) => boolean | undefined,
  clock: Pick<Clock, 'monotonic'>,
): TriggerState[] {
  const now = clock.monotonic();
  return triggers.flatMap((trigger) =>
    trigger.metrics.map(({ name: metricName, spec }): TriggerState => {
      const identity = { index: trigger.index, type: trigger.type, name: trigger.name };
      if (spec.kind === 'resource') return { ...identity, kind: 'resource', resource: spec.resource };
      const sample = trigger.subscription?.latest();
      return {
        ...identity,
        kind: 'external',
        metricName,
        target: spec.target,
        metricType: externalMetricType(trigger),
        onError: trigger.onError,
        activation: spec.activation,
        reading: readingOf(sample, spec),
        signalled: trigger.subscription?.isActive(),
        // Counted from when the source was asked: what changed while it answered may not be in the answer.
        ageMs: sample && Math.max(0, now - sample.at + sample.took),
        failures: sample?.failures ?? 0,
        lastKnownActive: lastKnownActive(metricName),
        lastGood: lastGoodOf(sample, spec, now),
      };
    }),
  );
}

/** A trigger's value for one of its metrics; undefined when the source names several and has none for this one. */
export function valueFor(reading: Reading, spec: MetricSpec): number | undefined {
  if (!reading.values || spec.kind !== 'external') return reading.value;
  return Object.hasOwn(reading.values, spec.name) ? reading.values[spec.name] : undefined;
}

function lastGoodOf(sample: Sample | undefined, spec: MetricSpec, now: number) {
  const value = sample?.lastGood && valueFor(sample.lastGood.reading, spec);
  return sample?.lastGood && value !== undefined ? { value, ageMs: Math.max(0, now - sample.lastGood.at) } : undefined;
}

function readingOf(sample: Sample | undefined, spec: MetricSpec): TriggerReading {
  if (!sample) return { kind: 'pending' };
  const { outcome } = sample;
  if (outcome.kind === 'value') {
    const { active } = outcome.reading;
    const value = valueFor(outcome.reading, spec);
    if (value === undefined) return { kind: 'no-data', reason: 'the source gives no value for this metric', active };
    return { kind: 'value', value, active };
  }
  if (outcome.kind === 'no-data') return outcome;
  return { kind: 'error', message: describeError(outcome.error), terminal: isTerminal(outcome.error) };
}
