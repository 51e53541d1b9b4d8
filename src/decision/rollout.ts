import { scaledJobSettings } from '../api/defaults.ts';
import type { ScaledJob } from '../api/index.ts';
import { jobTemplateOf } from './job-manifest.ts';
import type { JobView } from './job-view.ts';

export interface RolloutPlan {
  /** Names of the Jobs to delete. */
  delete: string[];
  propagationPolicy: 'Foreground' | 'Background';
}

/**
 * The Jobs that a changed ScaledJob replaces: with the strategy `gradual` none, else those of an older spec, running or
 * ended (KEDA 2.21). What a Job was made from is written on it, so a restart of the operator is no change.
 *
 * KEDA takes every change of the spec for a new one, also that of pollingInterval, and a Job without its annotation for
 * an old one. Here a Job stays when its jobTargetRef is the present one, and when nothing on it proves that it is old:
 * running work is not ended on a suspicion.
 */
export function planRollout(object: ScaledJob, jobs: readonly JobView[]): RolloutPlan {
  const { rolloutStrategy, propagationPolicy } = scaledJobSettings(object);
  if (rolloutStrategy === 'gradual') return { delete: [], propagationPolicy };
  const generation = String(object.metadata.generation ?? 0);
  const template = jobTemplateOf(object);
  const old = jobs.filter((job) => {
    if (job.deleting || (job.ownerUid !== undefined && job.ownerUid !== object.metadata.uid)) return false;
    if (job.template !== undefined) return job.template !== template;
    return job.generation !== undefined && job.generation !== generation;
  });
  return { delete: old.map(({ name }) => name), propagationPolicy };
}
