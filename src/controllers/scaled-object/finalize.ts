import { isDryRun } from '../../api/annotations.ts';
import { scaledObjectSettings, scaleTargetOf } from '../../api/defaults.ts';
import type { ScaledObject } from '../../api/index.ts';
import { SCALED_OBJECTS } from '../../api/resources.ts';
import { hasCode } from '../../base/errors.ts';
import type { ControllerContext } from '../context.ts';
import { hasFinalizer, orphansDependents, release } from '../finalizer.ts';
import { type HpaStore, removeHpa } from './hpa.ts';

/**
 * Ends a deleted ScaledObject: its HPA goes, the target gets back its replicas if that is wished, and the object is let
 * go.
 */
export async function finalizeScaledObject(
  ctx: ControllerContext,
  hpas: HpaStore,
  object: ScaledObject,
): Promise<void> {
  if (!hasFinalizer(object)) return;
  const { name, namespace = '' } = object.metadata;
  await endHpa(ctx, hpas, object);
  const { originalReplicaCount, scaleTargetGVKR: gvkr } = object.status ?? {};
  const restore = scaledObjectSettings(object).restoreToOriginalReplicaCount && !isDryRun(object);
  if (restore && gvkr && originalReplicaCount !== undefined) {
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

/**
 * Deletes the HPA of an object that goes. The garbage collector would as well, but not at once, and not at all when the
 * CRD goes too, as at `helm uninstall`: whether the owner of a kind that is gone is gone itself it cannot know.
 */
async function endHpa(ctx: ControllerContext, hpas: HpaStore, object: ScaledObject): Promise<void> {
  const { namespace, name } = object.metadata;
  if (orphansDependents(object)) return;
  try {
    await removeHpa(ctx, hpas, object, object.status?.hpaName);
  } catch (error) {
    if (hasCode(error, 'NotOwner')) throw error;
    // Never a reason to keep the object.
    ctx.log.warn('HPA of a deleted object is left to the garbage collector', { namespace, scaledObject: name, error });
  }
}
