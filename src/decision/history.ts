import { scaledJobSettings } from '../api/defaults.ts';
import type { ScaledJob } from '../api/index.ts';
import type { JobView } from './job-view.ts';

/**
 * Names of the ended Jobs beyond the limits, oldest first. KEDA 2.21 sorts by completionTime, which failed Jobs do not
 * have, so it deletes failed Jobs in any order; here they go by when they failed. Jobs of other owners are not touched.
 */
export function jobsBeyondHistory(object: ScaledJob, jobs: readonly JobView[]): string[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = scaledJobSettings(object);
  const own = jobs.filter(
    ({ ownerUid, deleting }) => !deleting && (ownerUid === undefined || ownerUid === object.metadata.uid),
  );
  const beyond = (outcome: 'complete' | 'failed', limit: number) => {
    const ended = own
      .filter((job) => job.outcome === outcome)
      .toSorted((a, b) => endOf(a) - endOf(b) || (a.name < b.name ? -1 : 1));
    return ended.slice(0, Math.max(0, ended.length - Math.max(0, limit)));
  };
  return [...beyond('complete', successfulJobsHistoryLimit), ...beyond('failed', failedJobsHistoryLimit)]
    .toSorted((a, b) => endOf(a) - endOf(b))
    .map(({ name }) => name);
}

/** A Job whose end carries no time counts by its beginning. */
function endOf({ finishedAt, createdAt }: JobView): number {
  return finishedAt ?? createdAt;
}
