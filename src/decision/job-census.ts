import type { ExpectedJob, JobView } from './job-view.ts';

/** How the Jobs stand to a reading of the queue. */
export interface Census {
  /** Jobs that run, those created but not yet listed included. */
  running: number;
  /** Of these, Jobs whose pods do not work yet. */
  pending: number;
  /** Jobs that may have their work in the reading, when work in progress stays in the queue until it is done. */
  heldSince: number;
  /** Jobs that may have their work in the reading, when a worker takes it out of the queue as it starts. */
  untakenSince: number;
}

/**
 * Times in Kubernetes objects are cut to whole seconds and come from another machine's clock. A Job that ended this
 * little before a reading may have ended after it.
 */
const CLOCK_TOLERANCE_MS = 2_000;
/** From the start of its container, a worker gets this long to take its work. */
const TAKE_MS = 5_000;
/** A created Job that no list has shown for this long is gone. */
const EXPECTED_FOR_MS = 300_000;

/**
 * Counts Jobs against a reading taken at `readAt`.
 *
 * A reading is a moment in the past, and the list of Jobs is the present. Ten Jobs run, the reading says 12, and before
 * it is used five Jobs end: 12 - 5 running looks like seven pieces of work without a Job, but there are two. The five
 * had their work in the reading, so they count against it until there is a reading from after their end. The same goes
 * for Jobs that started after the reading, and for Jobs that were created and are not in the list yet.
 *
 * Where workers take their work out of the queue as they start (strategy `accurate`), the reading is free of the work of
 * all Jobs but those that had not started, or had only just started, when it was taken.
 */
export function takeCensus(
  jobs: readonly JobView[],
  expected: readonly ExpectedJob[],
  options: { readAt: number | undefined; now: number; pendingPodConditions: readonly string[]; takeMs?: number },
): Census {
  const { now, pendingPodConditions } = options;
  const readAt = options.readAt ?? now;
  const takeMs = Math.min(options.takeMs ?? TAKE_MS, TAKE_MS);
  const listed = new Set(jobs.map(({ name }) => name));
  const unseen = expected.filter(
    ({ name, createdAt }) => !listed.has(name) && now - createdAt < EXPECTED_FOR_MS,
  ).length;
  const running = jobs.filter((job) => job.outcome === undefined);
  const endedSince = jobs.filter((job) => job.outcome !== undefined && endedAfter(job, readAt));
  const pending = running.filter((job) => isPending(job, pendingPodConditions));
  const mayNotHaveTaken = (job: JobView) =>
    !job.pods.some(isWorking) ||
    job.pods.every(({ startedAt }) => startedAt !== undefined && startedAt > readAt - takeMs);
  const untaken = [...running, ...endedSince].filter((job) =>
    // The pods of an ended Job may be gone; when it was created is then the best that is known of its start.
    job.outcome === undefined || job.pods.length > 0 ? mayNotHaveTaken(job) : job.createdAt > readAt - takeMs,
  );
  return {
    running: running.length + unseen,
    pending: pending.length + unseen,
    heldSince: running.length + endedSince.length + unseen,
    untakenSince: new Set([...untaken, ...pending]).size + unseen,
  };
}

function endedAfter({ finishedAt }: JobView, readAt: number): boolean {
  return finishedAt !== undefined && finishedAt + CLOCK_TOLERANCE_MS >= readAt;
}

function isWorking({ phase }: { phase: string }): boolean {
  return phase === 'Running' || phase === 'Succeeded';
}

/** KEDA 2.21: no pod has got as far as running; with pendingPodConditions, no single pod has all of them. */
function isPending({ pods }: JobView, conditions: readonly string[]): boolean {
  if (conditions.length === 0) return !pods.some(isWorking);
  return !pods.some((pod) => conditions.every((condition) => pod.conditions.includes(condition)));
}
