import { expect, it } from 'vitest';
import { NOW, scaledObject } from '../../test/support/decision-objects.ts';
import { decidePause, pauseState } from './pause.ts';
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
  expect(pauseState(object(paused, replicas))).toMatchObject(expected);
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
