import type { Store } from '../kube/store.ts';
import type { ControllerContext, RunningController } from './context.ts';
import { createScaledJobController } from './scaled-job/controller.ts';
import { createScaledObjectController, type ScaledObjectController } from './scaled-object/controller.ts';
import type { WorkloadCount } from './targets.ts';
import { createTriggerAuthenticationController } from './trigger-authentication/controller.ts';

export interface ControllersOptions {
  ctx: ControllerContext;
  deployments: Store<WorkloadCount>;
  statefulSets: Store<WorkloadCount>;
  settings: { scaledObjectConcurrency: number; scaledJobConcurrency: number };
}

export interface Controllers extends RunningController {
  /** Answers the external metrics API. */
  lookup: ScaledObjectController['lookup'];
  /** Whether a ScaledObject runs in this process. */
  locate: ScaledObjectController['locate'];
  /** The ScaledObjects as they are watched. */
  scaledObjects: ScaledObjectController['store'];
}

/** Everything that runs: ScaledObjects, ScaledJobs, and the two kinds of TriggerAuthentications. */
export function startControllers({ ctx, deployments, statefulSets, settings }: ControllersOptions): Controllers {
  const scaledObjects = createScaledObjectController({
    ctx,
    deployments,
    statefulSets,
    concurrency: settings.scaledObjectConcurrency,
  });
  const scaledJobs = createScaledJobController({ ctx, concurrency: settings.scaledJobConcurrency });
  const users = { scaledObjects: scaledObjects.store, scaledJobs: scaledJobs.store };
  const authentications = (['TriggerAuthentication', 'ClusterTriggerAuthentication'] as const).map((kind) =>
    createTriggerAuthenticationController({ ctx, kind, ...users }),
  );
  const all: RunningController[] = [scaledObjects, scaledJobs, ...authentications];
  return {
    lookup: scaledObjects.lookup,
    locate: scaledObjects.locate,
    scaledObjects: scaledObjects.store,
    synced: Promise.all(all.map(({ synced }) => synced)),
    async stop() {
      await Promise.all(all.map((controller) => controller.stop()));
    },
  };
}
