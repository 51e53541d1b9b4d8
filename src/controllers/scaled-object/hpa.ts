import type { ScaledObject } from '../../api/index.ts';
import { HORIZONTAL_POD_AUTOSCALERS } from '../../api/resources.ts';
import type { KubeObject, OwnerReference } from '../../base/object.ts';
import { controllerOf } from '../../base/object.ts';
import { type HorizontalPodAutoscaler, hpaNeedsUpdate } from '../../decision/hpa.ts';
import { isNotFound } from '../../kube/status.ts';
import { createStore, type Store } from '../../kube/store.ts';
import type { ControllerContext } from '../context.ts';

/** What is kept of an HPA: what we set, and whether it works. */
export interface HpaView extends Omit<HorizontalPodAutoscaler, 'metadata'> {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences: OwnerReference[];
  };
  /** `since` is when its status last changed, in milliseconds since 1970. */
  scalingActive: { status: string; reason: string; message: string; since: number } | undefined;
}

interface RawHpa extends KubeObject {
  spec: HorizontalPodAutoscaler['spec'];
  status?: {
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }[];
  };
}

const view = (raw: RawHpa): HpaView => {
  const isOurs = controllerOf(raw)?.kind === 'ScaledObject';
  const active = raw.status?.conditions?.find((condition) => condition.type === 'ScalingActive');
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name: raw.metadata.name,
      namespace: raw.metadata.namespace ?? '',
      uid: raw.metadata.uid ?? '',
      labels: isOurs ? (raw.metadata.labels ?? {}) : {},
      annotations: isOurs ? (raw.metadata.annotations ?? {}) : {},
      ownerReferences: raw.metadata.ownerReferences ?? [],
    },
    spec: isOurs ? raw.spec : { scaleTargetRef: raw.spec.scaleTargetRef, minReplicas: 0, maxReplicas: 0, metrics: [] },
    scalingActive:
      isOurs && active
        ? {
            status: active.status,
            reason: active.reason ?? '',
            message: active.message ?? '',
            since: Date.parse(active.lastTransitionTime ?? '') || 0,
          }
        : undefined,
  };
};

export type HpaStore = Store<HpaView>;

/**
 * Follows all HPAs. Labels are no way to find ours: a ScaledObject's own labels win over those that we set (one made by
 * Helm says `managed-by: Helm`), and a user may keep any of them out. Of other people's HPAs next to nothing is kept.
 */
export function createHpaStore(ctx: ControllerContext): HpaStore {
  return createStore<HpaView, RawHpa>({
    client: ctx.client,
    type: HORIZONTAL_POD_AUTOSCALERS,
    namespace: ctx.namespace,
    project: view,
    clock: ctx.clock,
    log: ctx.log,
  });
}

/** The ScaledObject that an HPA belongs to, as the key `namespace/name`. */
export function ownerKeyOf(hpa: HpaView): string | undefined {
  const owner = controllerOf(hpa);
  return owner?.kind === 'ScaledObject' ? `${hpa.metadata.namespace}/${owner.name}` : undefined;
}

const FIELD_MANAGER = 'windlass';

/**
 * Makes the HPA of a ScaledObject what it should be: nothing is written when it is that already. An HPA under the
 * former name is deleted first, so that two never scale one target.
 * @returns whether an HPA was created
 */
export async function ensureHpa(
  ctx: ControllerContext,
  store: HpaStore,
  object: ScaledObject,
  desired: HorizontalPodAutoscaler,
  formerName: string | undefined,
): Promise<boolean> {
  const { namespace = '' } = object.metadata;
  if (formerName && formerName !== desired.metadata.name) await deleteHpa(ctx, namespace, formerName);
  const live = store.get(namespace, desired.metadata.name);
  if (live && !hpaNeedsUpdate(live, desired)) return false;
  // Forced: KEDA, when it made this HPA, owned the same fields, and whoever edits them by hand is reverted as with KEDA.
  await ctx.client.patch(HORIZONTAL_POD_AUTOSCALERS, desired.metadata.name, desired, {
    type: 'apply',
    fieldManager: FIELD_MANAGER,
    force: true,
    namespace,
  });
  ctx.log.info(live ? 'HPA updated' : 'HPA created', {
    namespace,
    scaledObject: object.metadata.name,
    hpa: desired.metadata.name,
  });
  return !live;
}

/** Deletes an HPA; one that is gone is fine. */
export async function deleteHpa(ctx: ControllerContext, namespace: string, name: string): Promise<void> {
  try {
    await ctx.client.delete(HORIZONTAL_POD_AUTOSCALERS, name, { namespace });
    ctx.log.info('HPA deleted', { namespace, hpa: name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Deletes the HPA of an object, if there is one and the object owns it. */
export async function removeHpa(
  ctx: ControllerContext,
  store: HpaStore,
  { metadata: { namespace = '', uid } }: ScaledObject,
  name: string | undefined,
): Promise<void> {
  const hpa = name === undefined ? undefined : store.get(namespace, name);
  if (name !== undefined && hpa && controllerOf(hpa)?.uid === uid) await deleteHpa(ctx, namespace, name);
}
