import { describe, expect, it } from 'vitest';
import { WindlassError } from '../base/errors.ts';
import { answerOf, readPolicy } from './answer.ts';
import type { Outcome, Sample } from './types.ts';

const refused = new WindlassError('SourceUnavailable', 'connection refused');
const outcomes: Record<string, Outcome> = {
  value: { kind: 'value', reading: { value: 5 } },
  'no data': { kind: 'no-data', reason: 'no rows' },
  error: { kind: 'error', error: refused },
};

function sample(outcome: string, at: number, goodAt: number | undefined): Sample {
  return {
    outcome: outcomes[outcome]!,
    at,
    wallAt: at,
    took: 1,
    failures: 0,
    failingSince: undefined,
    lastGood: goodAt === undefined ? undefined : { reading: { value: 5 }, at: goodAt, wallAt: goodAt },
    attempt: 1,
  };
}

describe('the answer to a reader, with a time to live of 60 s', () => {
  it.each([
    ['a fresh value', 'value', 100_000, 100_000, 'value 5'],
    ['a value at the end of its life', 'value', 40_000, 40_000, 'value 5'],
    ['a value past its life, because reads are stuck', 'value', 39_999, 39_999, 'error SourceTimeout'],
    ['an error shortly after a good value', 'error', 100_000, 40_000, 'value 5 stale'],
    ['an error long after the last good value', 'error', 100_000, 39_999, 'error SourceUnavailable'],
    ['an error without any good value', 'error', 100_000, undefined, 'error SourceUnavailable'],
    ['no data, even shortly after a good value', 'no data', 100_000, 99_000, 'no-data no rows'],
  ])('%s', (_name, outcome, at, goodAt, expected) => {
    const answer = answerOf(sample(outcome, at, goodAt), 100_000, 60_000);
    const text =
      answer.kind === 'value'
        ? `value ${answer.reading.value}${answer.stale ? ' stale' : ''}`
        : answer.kind === 'error'
          ? `error ${answer.error.code}`
          : `no-data ${answer.reason}`;
    expect(text).toBe(expected);
  });

  it('is an error before anything was read', () => {
    expect(answerOf(undefined, 0, 60_000)).toMatchObject({ kind: 'error', error: { code: 'SourceTimeout' } });
  });
});

describe('the policy of a trigger', () => {
  it.each([
    [
      { pollingIntervalMs: 30_000, useCachedMetrics: false },
      { maxAgeMs: 1_000, ttlMs: 60_000 },
    ],
    [
      { pollingIntervalMs: 300_000, useCachedMetrics: false },
      { maxAgeMs: 1_000, ttlMs: 600_000 },
    ],
    [
      { pollingIntervalMs: 30_000, useCachedMetrics: true },
      { maxAgeMs: 31_000, ttlMs: 60_000 },
    ],
  ])('%o is %o', (trigger, expected) => {
    expect(readPolicy(trigger)).toMatchObject(expected);
  });
});
