import { expect, it } from 'vitest';
import { dryRunNote } from './dry-run.ts';
import { type DecisionRecord, explain } from './record.ts';

const record = (over: Partial<DecisionRecord>): DecisionRecord => ({
  at: 0,
  kind: 'ScaledObject',
  object: 'shop/web',
  cause: 'sample',
  triggers: [],
  min: 0,
  max: 10,
  action: { kind: 'none' },
  rule: 'hpa',
  ...over,
});

it.each<[string, Partial<DecisionRecord>, string | undefined]>([
  ['waking up', { action: { kind: 'activate', from: 0, to: 2 }, current: 0, wanted: 5 }, 'from 0 to 2'],
  ['resting', { action: { kind: 'deactivate', from: 3, to: 0 }, current: 3, wanted: 0 }, 'from 3 to 0'],
  ['what the HPA would do', { current: 2, wanted: 5 }, 'from 2 towards 5'],
  ['and would not', { current: 5, wanted: 5 }, undefined],
  ['a target at rest', { current: 0, wanted: 0, rule: 'at-rest' }, undefined],
  ['a count that is not known', { wanted: 5 }, undefined],
  ['Jobs', { kind: 'ScaledJob', action: { kind: 'create-jobs', count: 3 }, rule: 'jobs-queue' }, '3 Jobs'],
  ['no Jobs', { kind: 'ScaledJob', current: 2, wanted: 4, rule: 'jobs-covered' }, undefined],
])('a dry run tells of %s', (_, over, expected) => {
  const note = dryRunNote(record(over));
  if (expected === undefined) expect(note).toBeUndefined();
  else expect(note).toContain(expected);
});

it('a decision says that it was one', () => {
  expect(explain(record({ dryRun: true })).join('\n')).toContain('dry run: nothing of this is done');
});
