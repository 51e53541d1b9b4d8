import { WindlassError } from '../base/errors.ts';
import type { Reading } from '../scalers/definition.ts';
import type { Sample } from './types.ts';

/** How an HPA's read is answered. All in milliseconds. */
export interface ReadPolicy {
  /** An older sample is refreshed before the answer. */
  maxAgeMs: number;
  /** The answer waits for that refresh no longer than this. */
  deadlineMs: number;
  /** A good value may stand in for an error or a late answer up to this age. */
  ttlMs: number;
}

/**
 * The policy for a trigger. With `useCachedMetrics` the polls alone feed the HPA; a poll that is just running must not
 * make a reader wait, hence the second of grace.
 */
export function readPolicy(trigger: { pollingIntervalMs: number; useCachedMetrics: boolean }): ReadPolicy {
  return {
    maxAgeMs: trigger.useCachedMetrics ? trigger.pollingIntervalMs + 1_000 : 1_000,
    deadlineMs: 1_000,
    ttlMs: Math.max(60_000, 2 * trigger.pollingIntervalMs),
  };
}

/** What to tell a reader: a number (`stale` when it stands in for something newer), nothing, or an error. */
export type Answer =
  | { kind: 'value'; reading: Reading; at: number; wallAt: number; stale: boolean }
  | { kind: 'no-data'; reason: string }
  | { kind: 'error'; error: WindlassError };

/**
 * Decides the answer from the newest sample. An error is never turned into a number: what may stand in for it is the
 * last good reading of the same query, and only up to its time to live; after that the error is the answer.
 * @param now Clock.monotonic
 */
export function answerOf(sample: Sample | undefined, now: number, ttlMs: number): Answer {
  if (!sample) {
    return {
      kind: 'error',
      error: new WindlassError('SourceTimeout', 'the source has not answered yet', {
        hint: 'the first read is still under way; if this stays, look at the events of the object',
      }),
    };
  }
  const { outcome, lastGood } = sample;
  if (outcome.kind === 'no-data') return { kind: 'no-data', reason: outcome.reason };
  if (lastGood && now - lastGood.at <= ttlMs) {
    const stale = outcome.kind === 'error';
    return { kind: 'value', reading: lastGood.reading, at: lastGood.at, wallAt: lastGood.wallAt, stale };
  }
  if (outcome.kind === 'error') return { kind: 'error', error: outcome.error };
  const seconds = Math.round((now - sample.at) / 1000);
  return {
    kind: 'error',
    error: new WindlassError('SourceTimeout', `the last answer of the source is ${seconds} s old`, {
      hint: 'reads of this source are waiting; it is slow, or too many triggers ask it at once',
    }),
  };
}
