import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeObject, OwnerReference, ResourceType } from '../../base/object.ts';
import { apiVersionOf, controllerOf, keyOf } from '../../base/object.ts';
import type { ChangeEvent, ClusterApi } from '../types.ts';
import { ApiError } from '../types.ts';
import type { EventRecorder } from './events.ts';
import type { Condition } from './kinds.ts';
import { uidOf } from './kinds.ts';

/** What every controller works with. */
export interface ControllerContext {
  api: ClusterApi;
  clock: Clock;
  log: Logger;
  events: EventRecorder;
}

/** Seconds precision, as metav1.Time is written. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** The controller reference that `owner` puts on what it creates. */
export function ownedBy(type: ResourceType, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name: owner.metadata.name,
    uid: uidOf(owner),
    controller: true,
    blockOwnerDeletion: true,
  };
}

/**
 * The conditions with this one set: the transition time moves only when the status does.
 * Returns the same array when nothing changed.
 */
export function setCondition(conditions: Condition[] | undefined, next: Condition, now: number): Condition[] {
  const present = conditions?.find((c) => c.type === next.type);
  if (
    conditions &&
    present?.status === next.status &&
    present.reason === next.reason &&
    present.message === next.message
  )
    return conditions;
  const moved = present?.status === next.status ? present.lastTransitionTime : undefined;
  const set = { ...next, lastTransitionTime: moved ?? timestamp(now) };
  return present ? (conditions ?? []).map((c) => (c === present ? set : c)) : [...(conditions ?? []), set];
}

/** The condition of a type with status True. */
export function hasCondition(conditions: Condition[] | undefined, type: string): boolean {
  return conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
}

/** Writes the status when it differs from what is stored; the object as stored afterwards. */
export async function writeStatus<T extends KubeObject & { status?: unknown }>(
  api: ClusterApi,
  type: ResourceType,
  object: T,
  status: T['status'],
): Promise<T> {
  if (isDeepStrictEqual(withoutUndefined(object.status ?? {}), withoutUndefined(status))) return object;
  return api.update<T>(type, { ...object, status }, 'status');
}

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** Deletes, and takes an object that is already gone as success. */
export async function deleteIfPresent(
  api: ClusterApi,
  type: ResourceType,
  object: KubeObject,
  options: { gracePeriodSeconds?: number; propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' } = {},
): Promise<void> {
  try {
    const { name, namespace, uid } = object.metadata;
    await api.delete(type, name, namespace, { ...options, ...(uid ? { preconditions: { uid } } : {}) });
  } catch (error) {
    // A conflict here is another object of the same name: ours is gone too.
    if (!(error instanceof ApiError && (error.reason === 'NotFound' || error.reason === 'Conflict'))) throw error;
  }
}

/** Objects of one type by the uid of their controller, kept up to date by a watch. */
export interface OwnerIndex<T extends KubeObject> {
  of(ownerUid: string): T[];
  /** Those in a namespace that nothing controls. */
  free(namespace: string): T[];
  /** Takes over an object just written, in case its event is still on the way. */
  note(object: T): void;
  stop(): void;
}

/**
 * Follows a type and answers "what does this owner control" without a search through everything.
 * `changed` hears of every owner of an object that came, went or changed; undefined for an object that nothing controls.
 */
export function createOwnerIndex<T extends KubeObject>(
  api: ClusterApi,
  type: ResourceType,
  changed: (owner: OwnerReference | undefined, event: ChangeEvent<T>) => void,
): OwnerIndex<T> {
  const byOwner = new Map<string, Map<string, T>>();
  const groupOf = (object: T) => controllerOf(object)?.uid ?? `free in ${object.metadata.namespace}`;
  const remove = (object: T) => {
    const owner = groupOf(object);
    const group = byOwner.get(owner);
    if (!group) return;
    const key = keyOf(object);
    if (group.get(key)?.metadata.uid === object.metadata.uid) group.delete(key);
    if (group.size === 0) byOwner.delete(owner);
  };
  const put = (object: T) => {
    const owner = groupOf(object);
    const group = byOwner.get(owner) ?? new Map<string, T>();
    byOwner.set(owner, group);
    group.set(keyOf(object), object);
  };
  const stop = api.watch<T>(type, (event) => {
    if (event.previous) remove(event.previous);
    if (event.type === 'DELETED') remove(event.object);
    else put(event.object);
    const before = event.previous && controllerOf(event.previous);
    const after = controllerOf(event.object);
    if (before && before.uid !== after?.uid) changed(before, event);
    changed(after, event);
  });
  for (const object of api.list<T>(type)) put(object);
  return {
    of: (uid) => [...(byOwner.get(uid)?.values() ?? [])],
    free: (namespace) => [...(byOwner.get(`free in ${namespace}`)?.values() ?? [])],
    note(object) {
      const current = api.get<T>(type, object.metadata.name, object.metadata.namespace);
      if (current && current.metadata.uid === object.metadata.uid) put(current);
    },
    stop,
  };
}
