import { describe, expect, it } from 'vitest';
import { scaledJob } from '../../test/support/decision-jobs.ts';
import { NOW, scaledObject } from '../../test/support/decision-objects.ts';
import type { ScaledObject } from '../api/index.ts';
import { decidePause, pauseNote, pauseState } from './pause.ts';
import { boundTriggers, explain } from './record.ts';

const object = (paused?: string, replicas?: string) =>
  scaledObject({
    annotations: {
      ...(paused === undefined ? {} : { 'autoscaling.keda.sh/paused': paused }),
      ...(replicas === undefined ? {} : { 'autoscaling.keda.sh/paused-replicas': replicas }),
    },
  });

it.each<[string | undefined, string | undefined, object]>([
  [undefined, undefined, { paused: false }],
  ['false', undefined, { paused: false }],
  ['true', undefined, { paused: true, replicas: undefined }],
  ['', undefined, { paused: true, replicas: undefined }],
  ['yes', undefined, { paused: true, replicas: undefined }],
  [undefined, '3', { paused: true, replicas: 3 }],
  ['false', '0', { paused: true, replicas: 0 }],
  [undefined, 'three', { paused: true, problem: expect.stringContaining('"three"') }],
  [undefined, '-1', { paused: true, problem: expect.stringContaining('"-1"') }],
  [undefined, '', { paused: true, problem: expect.any(String) }],
  [undefined, '99999999999', { paused: true, problem: expect.any(String) }],
])('paused %j, paused-replicas %j', (paused, replicas, expected) => {
  expect(pauseState(object(paused, replicas), NOW)).toMatchObject(expected);
});

describe('paused-until', () => {
  const AHEAD = '2026-01-02T13:00:00+01:00'.replace('13:', '14:');
  const until = (text: string, more: Record<string, string> = {}) =>
    scaledObject({ annotations: { 'windlass.dev/paused-until': text, ...more } });
  const END = Date.parse('2026-01-02T13:00:00Z');

  it.each<[string, ScaledObject, object]>([
    ['a time ahead pauses', until(AHEAD), { paused: true, replicas: undefined, until: END }],
    ['a time that is over does not', until('2026-01-02T11:59:59Z'), { paused: false }],
    ['nor does the very moment', until('2026-01-02T12:00:00Z'), { paused: false }],
    [
      'paused: false does not lift it',
      until(AHEAD, { 'autoscaling.keda.sh/paused': 'false' }),
      { paused: true, until: END },
    ],
    ['it ends a pause', until('2026-01-02T11:00:00Z', { 'autoscaling.keda.sh/paused': 'true' }), { paused: false }],
    [
      'and one at a count',
      until('2026-01-02T11:00:00Z', { 'autoscaling.keda.sh/paused-replicas': '2' }),
      { paused: false },
    ],
    [
      'which holds until then',
      until(AHEAD, { 'autoscaling.keda.sh/paused-replicas': '2' }),
      { paused: true, replicas: 2, until: END },
    ],
    [
      'a date alone is no time',
      until('2026-01-03'),
      { paused: true, problem: expect.stringContaining('"2026-01-03"') },
    ],
    ['nor is a time without a zone', until('2026-01-03T00:00:00'), { paused: true, problem: expect.any(String) }],
    ['nor is nothing', until(''), { paused: true, problem: expect.any(String) }],
  ])('%s', (_, paused, expected) => {
    expect(pauseState(paused, NOW)).toMatchObject(expected);
  });

  it('pauses a ScaledJob, on which a count of replicas means nothing', () => {
    const job = scaledJob({
      annotations: { 'windlass.dev/paused-until': AHEAD, 'autoscaling.keda.sh/paused-replicas': '2' },
    });
    expect(pauseState(job, NOW)).toEqual({ paused: true, replicas: undefined, until: END });
    expect(pauseState(job, END)).toEqual({ paused: false });
  });

  it('is told with its end', () => {
    expect(pauseNote('ScaledObject', pauseState(until(AHEAD), NOW))).toBe(
      'ScaledObject is paused by annotation until 2026-01-02T13:00:00Z',
    );
    const { record } = decidePause({ object: until(AHEAD), cause: 'x', now: NOW, current: 1, alreadySet: undefined });
    expect(explain(record).at(-1)).toContain('Until 2026-01-02T13:00:00.000Z');
  });
});

it.each<[string, string | undefined, number, number | undefined, string]>([
  ['plain pause moves nothing', undefined, 4, undefined, 'none'],
  ['a count is set', '2', 4, undefined, 'scale-to-paused 4→2'],
  ['a changed count is set', '2', 4, 3, 'scale-to-paused 4→2'],
  ['a count that was set is not set again over a change by hand', '2', 4, 2, 'none'],
  ['a count that is there is not set', '2', 2, undefined, 'none'],
  ['a count that cannot be read moves nothing', 'x', 4, undefined, 'none'],
])('%s', (_name, replicas, current, alreadySet, expected) => {
  const { action, record } = decidePause({
    object: object('true', replicas),
    cause: 'object changed',
    now: NOW,
    current,
    alreadySet,
  });
  expect('to' in action ? `${action.kind} ${action.from}→${action.to}` : action.kind).toBe(expected);
  expect(record.rule).toBe(replicas === undefined ? 'paused' : 'paused-replicas');
  expect(explain(record).at(-1)).toMatch(/^Rule paused/);
});

it('a record stays small however many triggers and however long their errors', () => {
  const one = {
    index: 0,
    type: 't',
    metricName: 'm'.repeat(1000),
    outcome: 'error' as const,
    activity: 'unknown' as const,
    problem: 'x'.repeat(5000),
  };
  const { triggers, moreTriggers } = boundTriggers(Array.from({ length: 100 }, () => one));
  expect([triggers.length, moreTriggers, JSON.stringify(triggers).length < 32 * 800]).toEqual([32, 68, true]);
});
