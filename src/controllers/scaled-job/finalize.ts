import type { ScaledJob } from '../../api/index.ts';
import { JOBS, SCALED_JOBS } from '../../api/resources.ts';
import { hasCode } from '../../base/errors.ts';
import { isNotFound } from '../../kube/status.ts';
import type { ControllerContext } from '../context.ts';
import { hasFinalizer, orphansDependents, release } from '../finalizer.ts';
import type { Jobs } from './jobs.ts';

/** Ends a deleted ScaledJob: its Jobs go, and the object is let go. */
export async function finalizeScaledJob(ctx: ControllerContext, jobs: Jobs, object: ScaledJob): Promise<void> {
  if (!hasFinalizer(object)) return;
  await endJobs(ctx, jobs, object);
  await release(ctx.client, SCALED_JOBS, object);
  ctx.events.record(object, {
    type: 'Warning',
    reason: 'ScaledJobDeleted',
    action: 'ScaledJobDeleted',
    note: 'ScaledJob was deleted',
  });
}

/**
 * The garbage collector would delete the Jobs as well, but not when the CRD goes right after the object, as at
 * `helm uninstall`; see the HPA of a ScaledObject.
 */
async function endJobs(ctx: ControllerContext, jobs: Jobs, object: ScaledJob): Promise<void> {
  if (orphansDependents(object)) return;
  const { name, namespace = '', uid } = object.metadata;
  for (const { name: job, ownerUid, deleting } of jobs.listed(namespace, name)) {
    if (ownerUid !== uid || deleting) continue;
    try {
      await ctx.client.delete(JOBS, job, { namespace, propagationPolicy: 'Background' });
    } catch (error) {
      if (hasCode(error, 'NotOwner')) throw error;
      if (isNotFound(error)) continue;
      // Never a reason to keep the object.
      ctx.log.warn('Jobs of a deleted object are left to the garbage collector', { namespace, scaledJob: name, error });
      return;
    }
  }
}
