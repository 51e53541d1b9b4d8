import type { KubeObject, OwnerReference, ResourceType } from '../../base/object.ts';
import type { AnyObject, ChangeEvent, Running } from '../types.ts';
import { ApiError } from '../types.ts';
import type { ControllerContext } from './context.ts';
import { deleteIfPresent } from './context.ts';
import { uidOf } from './kinds.ts';
import { createQueue } from './queue.ts';
import { followTypes } from './served-types.ts';

export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

interface Node {
  type: ResourceType;
  object: KubeObject;
}

/**
 * Deletes what has lost all its owners, waits for dependents where a deletion is in the foreground, and lets them go where it orphans.
 * An owner counts only with the uid that the reference names: a new object of the same name is not it.
 */
export function startGarbageCollector(context: ControllerContext): Running {
  const { api, clock, log } = context;
  const nodes = new Map<string, Node>();
  const dependents = new Map<string, Set<string>>();

  const link = (object: KubeObject) => {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const group = dependents.get(uid) ?? new Set();
      dependents.set(uid, group.add(uidOf(object)));
    }
  };
  const unlink = (object: KubeObject) => {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const group = dependents.get(uid);
      group?.delete(uidOf(object));
      if (group?.size === 0) dependents.delete(uid);
    }
  };
  const dependentsOf = (uid: string): Node[] =>
    [...(dependents.get(uid) ?? [])].map((d) => nodes.get(d)).filter((n): n is Node => n !== undefined);

  const isWaiting = (object: KubeObject, finalizer: string) =>
    object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers?.includes(finalizer) ?? false);

  const onChange = (type: ResourceType, event: ChangeEvent<AnyObject>) => {
    const { object, previous } = event;
    const uid = uidOf(object);
    if (previous) unlink(previous);
    if (event.type === 'DELETED') {
      nodes.delete(uid);
      unlink(object);
      queue.forgetBlocked(object.metadata.ownerReferences);
      for (const dependent of dependents.get(uid) ?? []) queue.add(dependent);
      return;
    }
    nodes.set(uid, { type, object });
    link(object);
    const ownersChanged = object.metadata.ownerReferences !== undefined && (!previous || !sameOwners(previous, object));
    const leaving = isWaiting(object, FOREGROUND_FINALIZER) || isWaiting(object, ORPHAN_FINALIZER);
    if (ownersChanged || leaving) queue.add(uid);
    // An owner whose dependents are being waited for looks again when one of them lets go of it.
    if (previous && !sameOwners(previous, object)) queue.forgetBlocked(previous.metadata.ownerReferences);
  };

  const ownerState = (item: Node, owner: OwnerReference): 'solid' | 'dangling' | 'waiting' => {
    const type = api.resolve(owner.apiVersion, owner.kind);
    // Kubernetes: an owner of a kind that is not served, or a namespaced owner of a cluster-scoped object, is never taken for absent.
    if (!type || (type.namespaced && !item.type.namespaced)) return 'solid';
    const namespace = type.namespaced ? item.object.metadata.namespace : undefined;
    const found = api.get<KubeObject>(type, owner.name, namespace);
    if (found?.metadata.uid !== owner.uid) return 'dangling';
    return isWaiting(found, FOREGROUND_FINALIZER) ? 'waiting' : 'solid';
  };

  const patchMeta = async ({ type, object }: Node, metadata: object) => {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    try {
      const patch = { metadata: { uid, resourceVersion, ...metadata } };
      await api.patch(type, name, namespace, { type: 'merge', patch });
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'NotFound')) throw error;
    }
  };
  const dropFinalizer = (item: Node, finalizer: string) => {
    const left = (item.object.metadata.finalizers ?? []).filter((f) => f !== finalizer);
    return patchMeta(item, { finalizers: left.length > 0 ? left : null });
  };
  const dropOwners = (item: Node, uids: Set<string>) => {
    const left = (item.object.metadata.ownerReferences ?? []).filter((o) => !uids.has(o.uid));
    return patchMeta(item, { ownerReferences: left.length > 0 ? left : null });
  };

  const reconcile = async (uid: string): Promise<undefined> => {
    const known = nodes.get(uid);
    if (!known) return undefined;
    const { type } = known;
    const { name, namespace } = known.object.metadata;
    const object = api.get<KubeObject>(type, name, namespace);
    if (object?.metadata.uid !== uid) return undefined;
    const item: Node = { type, object };

    if (isWaiting(object, ORPHAN_FINALIZER)) {
      for (const dependent of dependentsOf(uid)) await dropOwners(dependent, new Set([uid]));
      return void (await dropFinalizer(item, ORPHAN_FINALIZER));
    }
    if (isWaiting(object, FOREGROUND_FINALIZER)) {
      const all = dependentsOf(uid);
      const blocking = all.filter(({ object: d }) =>
        d.metadata.ownerReferences?.some((o) => o.uid === uid && o.blockOwnerDeletion === true),
      );
      for (const dependent of all) queue.add(uidOf(dependent.object));
      return void (blocking.length === 0 && (await dropFinalizer(item, FOREGROUND_FINALIZER)));
    }
    if (object.metadata.deletionTimestamp !== undefined) return undefined;

    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return undefined;
    const states = owners.map((owner) => ownerState(item, owner));
    if (states.includes('solid')) {
      const lost = owners.filter((_, i) => states[i] !== 'solid').map((o) => o.uid);
      if (lost.length > 0) await dropOwners(item, new Set(lost));
      return undefined;
    }
    const inForeground = states.includes('waiting') && dependentsOf(uid).length > 0;
    await deleteIfPresent(api, type, object, { propagationPolicy: inForeground ? 'Foreground' : 'Background' });
    return undefined;
  };

  const work = createQueue({ name: 'garbage-collector', clock, log, workers: 8, reconcile });
  const queue = {
    add: work.add,
    /** Owners that wait in the foreground may have lost what they waited for. */
    forgetBlocked(owners: OwnerReference[] | undefined) {
      for (const { uid } of owners ?? []) {
        const owner = nodes.get(uid);
        if (owner && isWaiting(owner.object, FOREGROUND_FINALIZER)) work.add(uid);
      }
    },
  };

  const types = followTypes(api, (type) => {
    const stop = api.watch(type, (event) => onChange(type, event));
    for (const object of api.list(type)) onChange(type, { type: 'ADDED', object });
    return stop;
  });

  return {
    async stop() {
      types.stop();
      await work.stop();
    },
  };
}

function sameOwners(a: KubeObject, b: KubeObject): boolean {
  const text = (o: KubeObject) => JSON.stringify(o.metadata.ownerReferences ?? []);
  return text(a) === text(b);
}
