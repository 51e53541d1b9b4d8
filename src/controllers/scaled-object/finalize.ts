import { scaledObjectSettings, scaleTargetOf } from '../../api/defaults.ts';
import type { ScaledObject } from '../../api/index.ts';
import { SCALED_OBJECTS } from '../../api/resources.ts';
import { hasCode } from '../../base/errors.ts';
import type { ControllerContext } from '../context.ts';
import { hasFinalizer, release } from '../finalizer.ts';

/** Ends a deleted ScaledObject: gives the target back its replicas if that is wished, and lets the object go. */
export async function finalizeScaledObject(ctx: ControllerContext, object: ScaledObject): Promise<void> {
  if (!hasFinalizer(object)) return;
  const { name, namespace = '' } = object.metadata;
  const { originalReplicaCount, scaleTargetGVKR: gvkr } = object.status ?? {};
  if (scaledObjectSettings(object).restoreToOriginalReplicaCount && gvkr && originalReplicaCount !== undefined) {
    const type = { group: gvkr.group, version: gvkr.version, kind: gvkr.kind, plural: gvkr.resource, namespaced: true };
    try {
      await ctx.targets.scale({ type, namespace, name: scaleTargetOf(object).name }, originalReplicaCount);
      ctx.log.info('original replicas restored', { namespace, scaledObject: name, replicas: originalReplicaCount });
    } catch (error) {
      // Never a reason to keep the object: the target may be gone already, in a namespace that is going too.
      const level = hasCode(error, 'TargetNotFound') ? 'info' : 'warn';
      ctx.log[level]('original replicas could not be restored', { namespace, scaledObject: name, error });
    }
  }
  await release(ctx.client, SCALED_OBJECTS, object);
  ctx.events.record(object, {
    type: 'Warning',
    reason: 'ScaledObjectDeleted',
    action: 'ScaledObjectDeleted',
    note: 'ScaledObject was deleted',
  });
}
