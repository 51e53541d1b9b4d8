import { describe, expect, it } from 'vitest';
import type { DecisionRecord } from '../decision/record.ts';
import { createRecords, type Records } from './records.ts';

const decided = (at: number, more: Partial<DecisionRecord> = {}): DecisionRecord => ({
  at,
  kind: 'ScaledObject',
  object: 'shop/orders',
  cause: 'sample',
  triggers: [],
  current: 0,
  min: 0,
  max: 10,
  action: { kind: 'none' },
  rule: 'at-rest',
  ...more,
});
const activated = (at: number, object = 'shop/orders') =>
  decided(at, { object, rule: 'activate', action: { kind: 'activate', from: 0, to: 1 } });
const told = (records: Records, object = 'shop/orders') =>
  records
    .of('ScaledObject', object)
    .map(({ record, since, times }) => `${record.rule} ${since}-${record.at} ×${times}`);

describe('the decisions of an object', () => {
  it('come oldest first, with repetitions as one entry that has the newest reading', () => {
    const records = createRecords();
    for (const at of [1, 2, 3]) records.add(decided(at));
    records.add(activated(4));
    records.add(decided(5, { rule: 'hpa', current: 1 }));
    records.add(decided(6, { rule: 'hpa', current: 1 }));
    expect(told(records)).toEqual(['at-rest 1-3 ×3', 'activate 4-4 ×1', 'hpa 5-6 ×2']);
  });

  it.each<[string, Partial<DecisionRecord>]>([
    ['other replicas', { current: 3 }],
    ['other replicas wanted', { wanted: 2 }],
    ['another end of a cooldown', { until: 99 }],
    [
      'a trigger that fails',
      { triggers: [{ index: 0, type: 'cron', metricName: 's0-cron', outcome: 'error', activity: 'unknown' }] },
    ],
  ])('are told apart by %s', (_what, more) => {
    const records = createRecords();
    records.add(decided(1));
    records.add(decided(2, more));
    expect(told(records)).toHaveLength(2);
  });

  it('that did something are never a repetition', () => {
    const records = createRecords();
    records.add(activated(1));
    records.add(activated(2));
    expect(told(records)).toEqual(['activate 1-1 ×1', 'activate 2-2 ×1']);
  });

  it('that failed are one entry while they fail alike', () => {
    const records = createRecords();
    for (const at of [1, 2]) records.add({ ...activated(at), failure: 'the quota is used up' });
    records.add({ ...activated(3), failure: 'the API server does not answer' });
    records.add(activated(4));
    expect(told(records)).toEqual(['activate 1-2 ×2', 'activate 3-3 ×1', 'activate 4-4 ×1']);
  });

  it('are at most as many as an object may have, the newest ones', () => {
    const records = createRecords({ perObject: 3 });
    for (let at = 1; at <= 10; at++) records.add(activated(at));
    expect(told(records)).toEqual(['activate 8-8 ×1', 'activate 9-9 ×1', 'activate 10-10 ×1']);
  });

  it('give way to those of others when there are too many in all, but for the newest of each', () => {
    const records = createRecords({ older: 2 });
    for (let at = 1; at <= 3; at++) for (const object of ['a/a', 'b/b']) records.add(activated(at, object));
    expect(told(records, 'a/a')).toEqual(['activate 2-2 ×1', 'activate 3-3 ×1']);
    expect(told(records, 'b/b')).toEqual(['activate 2-2 ×1', 'activate 3-3 ×1']);
    records.add(activated(4, 'b/b'));
    expect(told(records, 'a/a')).toEqual(['activate 3-3 ×1']);
  });

  it('go with the object', () => {
    const records = createRecords({ older: 1 });
    records.add(activated(1));
    records.add(activated(2));
    records.forget('ScaledObject', 'shop/orders');
    expect(told(records)).toEqual([]);
    // What was forgotten takes no room from others.
    records.add(activated(3, 'b/b'));
    records.add(activated(4, 'b/b'));
    expect(told(records, 'b/b')).toHaveLength(2);
  });

  it('are kept by kind', () => {
    const records = createRecords();
    records.add(decided(1));
    expect(records.of('ScaledJob', 'shop/orders')).toEqual([]);
  });
});
