import type { ScaledJob } from '../../api/index.ts';
import { JOBS } from '../../api/resources.ts';
import { describeError } from '../../base/errors.ts';
import { planRollout } from '../../decision/rollout.ts';
import { isNotFound } from '../../kube/status.ts';
import type { ControllerContext } from '../context.ts';
import type { Jobs } from './jobs.ts';

/** Deletes the Jobs of an older spec, when the rollout strategy says so. A restart finds none. */
export async function rollOut(ctx: ControllerContext, jobs: Jobs, object: ScaledJob): Promise<void> {
  const { name, namespace = '' } = object.metadata;
  const { delete: old, propagationPolicy } = planRollout(object, jobs.listed(namespace, name));
  if (old.length === 0) return;
  const tell = (type: 'Normal' | 'Warning', reason: string, note: string) =>
    ctx.events.record(object, { type, reason, action: reason, note });
  tell('Normal', 'ScaledJobRolloutCleanupStarted', `Deleting ${old.length} jobs of an older spec`);
  for (const job of old) {
    try {
      await ctx.client.delete(JOBS, job, { namespace, propagationPolicy });
    } catch (error) {
      if (isNotFound(error)) continue;
      tell(
        'Warning',
        'ScaledJobRolloutCleanupFailed',
        `Job ${job} of an older spec could not be deleted: ${describeError(error)}`,
      );
      throw error;
    }
  }
  tell('Normal', 'ScaledJobRolloutCleanupCompleted', `Deleted ${old.length} jobs of an older spec`);
  ctx.log.info('Jobs of an older spec deleted', { namespace, scaledJob: name, jobs: old.length });
}
