import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../../../test/support/controllers-cluster.ts';
import type { Job } from '../job/types.ts';
import { CRON_JOBS, EVENTS, JOBS } from '../kinds.ts';
import type { CronJob } from './index.ts';

let cluster: TestCluster;
beforeEach(async () => {
  // The clock stands at 2026-01-01T00:00:00Z.
  cluster = await startTestCluster();
});
afterEach(() => cluster.stop());

const MINUTE = 60_000;
const create = (spec: object = {}) =>
  cluster.create(CRON_JOBS, {
    metadata: { name: 'tick' },
    spec: {
      schedule: '*/10 * * * *',
      jobTemplate: {
        metadata: { labels: { from: 'cron' } },
        spec: {
          completions: 1,
          backoffLimit: 0,
          template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } },
        },
      },
      ...spec,
    },
  });
const jobs = () =>
  cluster.api
    .list<Job>(JOBS)
    .map((j) => j.metadata.name)
    .sort();
const read = () => cluster.get<CronJob>(CRON_JOBS, 'tick')!;
const finish = async (code: number) => {
  for (const pod of cluster.pods().filter((p) => p.status?.phase === 'Pending')) await cluster.end(pod, code);
};
const nameAt = (minute: number) => `tick-${Date.UTC(2026, 0, 1) / MINUTE + minute}`;

describe('a CronJob', () => {
  it('starts a Job named after each scheduled minute, and says what runs', async () => {
    await create();
    await cluster.settle(9 * MINUTE);
    expect(jobs()).toEqual([]);
    await cluster.settle(MINUTE);
    expect(jobs()).toEqual([nameAt(10)]);
    expect(cluster.get<Job>(JOBS, nameAt(10))?.metadata).toMatchObject({
      labels: { from: 'cron' },
      annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:10:00Z' },
    });
    expect(read().status).toMatchObject({ lastScheduleTime: '2026-01-01T00:10:00Z', active: [{ name: nameAt(10) }] });
    await finish(0);
    expect(read().status).toMatchObject({ lastSuccessfulTime: '2026-01-01T00:10:00Z' });
    expect(read().status?.active).toBeUndefined();
    expect(cluster.api.list(EVENTS).map((e) => e.reason)).toContain('SawCompletedJob');
  });

  it('keeps no more finished Jobs than its history limits', async () => {
    await create({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 });
    for (const code of [0, 1, 0, 1, 0]) {
      await cluster.settle(10 * MINUTE);
      await finish(code);
    }
    expect(jobs()).toEqual([nameAt(40), nameAt(50)]);
  });

  it.each([
    ['Allow', [nameAt(10), nameAt(20)]],
    ['Forbid', [nameAt(10)]],
    ['Replace', [nameAt(20)]],
  ])('with concurrencyPolicy %s and a Job that still runs has %j', async (concurrencyPolicy, expected) => {
    await create({ concurrencyPolicy });
    await cluster.settle(20 * MINUTE);
    expect(jobs()).toEqual(expected);
  });

  it('suspended starts nothing, and later only what is still due', async () => {
    await create({ suspend: true, startingDeadlineSeconds: 200 });
    await cluster.settle(35 * MINUTE);
    expect(jobs()).toEqual([]);
    const resume = { type: 'merge' as const, patch: { spec: { suspend: false } } };
    await cluster.api.patch(CRON_JOBS, 'tick', 'default', resume);
    await cluster.settle();
    // The start at 00:30 was 300 s ago, more than its deadline.
    expect(jobs()).toEqual([]);
    await cluster.settle(5 * MINUTE);
    expect(jobs()).toEqual([nameAt(40)]);
  });

  it('goes by its time zone', async () => {
    await create({ schedule: '0 9 * * *', timeZone: 'Asia/Tokyo' });
    await cluster.settle(23 * 60 * MINUTE);
    expect(jobs()).toEqual([]);
    await cluster.settle(60 * MINUTE);
    expect(read().status?.lastScheduleTime).toBe('2026-01-02T00:00:00Z');
  });
});
