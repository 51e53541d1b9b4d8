import { describe, expect, it } from 'vitest';
import { scaledJob } from '../../test/support/decision-jobs.ts';
import { createRandom, trigger, value } from '../../test/support/decision-objects.ts';
import type { JobView } from './job-view.ts';
import { decideJobs } from './jobs.ts';

interface SimulatedJob {
  name: string;
  createdAt: number;
  /** When the list of Jobs first shows it. */
  listedAt: number;
  startsAt: number;
  takesAt: number;
  worksMs: number;
  endsAt: number;
  /** What the list says of it, once it has ended; cut to whole seconds as in Kubernetes. */
  foundWork: boolean | undefined;
}

/**
 * A queue of messages, Jobs that take one each, and decisions every five seconds on a reading and a list of Jobs that
 * are both somewhat behind. With `held`, a message stays in the queue until its Job ends; else it leaves when taken.
 */
function runStory(
  seed: number,
  options: {
    strategy: 'default' | 'accurate' | 'eager';
    held: boolean;
    messages: number;
    max: number;
    worksMs: number;
  },
) {
  const random = createRandom(seed);
  const object = scaledJob({ spec: { maxReplicaCount: options.max, scalingStrategy: { strategy: options.strategy } } });
  const start = Date.parse('2026-01-02T12:00:00Z');
  const jobs: SimulatedJob[] = [];
  let untaken = options.messages;
  let most = 0;
  /** Lets Jobs take their messages up to a time, in the order in which they get to it. */
  const advance = (time: number) => {
    for (const job of jobs
      .filter((j) => j.foundWork === undefined && j.takesAt <= time)
      .toSorted((a, b) => a.takesAt - b.takesAt)) {
      job.foundWork = untaken > 0;
      if (job.foundWork) untaken--;
      job.endsAt = job.takesAt + (job.foundWork ? job.worksMs : 10);
    }
  };
  const length = (time: number) =>
    untaken + (options.held ? jobs.filter((j) => j.foundWork && j.endsAt > time).length : 0);
  let now = start;
  for (let poll = 0; poll < 400 && (untaken > 0 || jobs.some((j) => j.endsAt > now)); poll++, now += 5_000) {
    const readAt = now - random.whole(4_000);
    advance(readAt);
    const reading = length(readAt);
    advance(now);
    const seen = now - random.whole(500);
    const views = jobs.filter((j) => j.listedAt <= seen).map((j): JobView => view(j, seen));
    const { create, record } = decideJobs({
      object,
      cause: 'poll',
      now,
      lastActiveAt: undefined,
      triggers: [trigger(value(reading), { target: 1, ageMs: now - readAt })],
      jobs: views,
      expected: jobs.map(({ name, createdAt }) => ({ name, createdAt })),
    });
    expect(record.rule).toBeTruthy();
    for (let i = 0; i < create; i++) {
      const createdAt = now + random.whole(200);
      const startsAt = createdAt + 300 + random.whole(9_000);
      const takesAt = startsAt + 50 + random.whole(2_500);
      jobs.push({
        name: `job-${jobs.length}`,
        createdAt,
        listedAt: createdAt + random.whole(3_000),
        startsAt,
        takesAt,
        worksMs: random.whole(options.worksMs),
        endsAt: Number.POSITIVE_INFINITY,
        foundWork: undefined,
      });
    }
    most = Math.max(most, jobs.filter((j) => j.createdAt <= now + 200 && j.endsAt > now).length);
  }
  return { created: jobs.length, empty: jobs.filter((j) => j.foundWork === false).length, left: untaken, most };
}

const wholeSecond = (time: number) => Math.floor(time / 1000) * 1000;

function view(job: SimulatedJob, seen: number): JobView {
  const started = job.startsAt <= seen;
  // The Job controller notes the end a moment after the pod has ended.
  const ended = job.endsAt + 700 <= seen;
  return {
    name: job.name,
    createdAt: wholeSecond(job.createdAt),
    ...(ended ? { outcome: 'complete', finishedAt: wholeSecond(job.endsAt + 700) } : {}),
    pods: [
      {
        phase: !started ? 'Pending' : job.endsAt <= seen ? 'Succeeded' : 'Running',
        startedAt: started ? wholeSecond(job.startsAt) : undefined,
        conditions: [],
      },
    ],
  };
}

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed + 1);

describe('150 messages, one Job each', () => {
  it.each([
    ['default, messages counted until done, quick work', { strategy: 'default', held: true, worksMs: 1_500, max: 30 }],
    ['default, messages counted until done, slow work', { strategy: 'default', held: true, worksMs: 40_000, max: 10 }],
    ['default, messages gone when taken', { strategy: 'default', held: false, worksMs: 9_000, max: 30 }],
    ['accurate, messages gone when taken, quick work', { strategy: 'accurate', held: false, worksMs: 1_500, max: 30 }],
    ['accurate, messages gone when taken, slow work', { strategy: 'accurate', held: false, worksMs: 40_000, max: 10 }],
    ['eager, messages gone when taken', { strategy: 'eager', held: false, worksMs: 20_000, max: 30 }],
    ['more room than work', { strategy: 'default', held: true, worksMs: 9_000, max: 200 }],
  ] as const)('makes exactly 150 Jobs: %s', (_name, options) => {
    for (const seed of SEEDS) {
      const { most, ...counts } = runStory(seed, { ...options, messages: 150 });
      expect({ seed, ...counts }).toEqual({ seed, created: 150, empty: 0, left: 0 });
      expect(most).toBeLessThanOrEqual(options.max);
    }
  });
});
