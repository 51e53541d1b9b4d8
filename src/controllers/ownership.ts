import { WindlassError } from '../base/errors.ts';
import { type KubeObject, keyOf, type ResourceType } from '../base/object.ts';
import type { KubeClient, RequestOptions } from '../kube/client.ts';
import type { LeaderLease } from '../kube/leader-lease.ts';
import type { Membership } from '../kube/lease.ts';
import type { ControllerContext } from './context.ts';

/** Which objects this process works on. Several processes share them out; each object has one owner or none. */
export interface Ownership {
  /** Whether this process may write for the object with that UID now. Ask right before every write. */
  owns(uid: string): boolean;
  /** Whether this process may write at all now. */
  readonly isActive: boolean;
  /** Others may have written for an object before this process came to own it: later than a watch shows. */
  readonly isShared: boolean;
  /** Calls the handler when objects may have come or gone. */
  onChange(handler: () => void): () => void;
  /** Resolves when this process may own objects for the first time. */
  readonly ready: Promise<void>;
  /** Counts a write as under way until it has ended. */
  track<T>(write: Promise<T>): Promise<T>;
  /** Owns nothing from now on; resolves when no write is under way any more. */
  close(): Promise<void>;
}

/** For a process that is alone by construction: the sandbox, the demo. */
export function ownsEverything(): Ownership {
  return createOwnership({ owns: () => true, isActive: () => true, isShared: () => false, ready: Promise.resolve() });
}

/**
 * Ownership by membership of a group. While `keda` is held the KEDA operator is at work on the same objects, and
 * nothing is owned.
 */
export function ownershipOf(membership: Membership, keda: LeaderLease): Ownership {
  let isKnown = false;
  let hasYielded = false;
  const free = () => isKnown && keda.holder === undefined;
  const handlers = new Set<() => void>();
  const tell = () => {
    for (const handler of handlers) handler();
  };
  membership.onChange(tell);
  keda.onChange((holder) => {
    hasYielded ||= holder !== undefined;
    tell();
  });
  const known = keda.synced.then(() => {
    isKnown = true;
    tell();
  });
  return createOwnership({
    owns: (uid) => free() && membership.owns(uid),
    isActive: () => free() && membership.isValid(),
    isShared: () => hasYielded || membership.hasMetOthers,
    ready: Promise.all([membership.ready, known]).then(() => {}),
    handlers,
  });
}

interface Source {
  owns(uid: string): boolean;
  isActive(): boolean;
  isShared(): boolean;
  ready: Promise<void>;
  handlers?: Set<() => void>;
}

function createOwnership({ owns, isActive, isShared, ready, handlers = new Set() }: Source): Ownership {
  const underWay = new Set<Promise<unknown>>();
  let closed = false;
  // Nobody has to wait for it.
  ready.catch(() => {});
  return {
    owns: (uid) => !closed && owns(uid),
    get isActive() {
      return !closed && isActive();
    },
    get isShared() {
      return isShared();
    },
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    ready,
    track(write) {
      underWay.add(write);
      const end = () => underWay.delete(write);
      write.then(end, end);
      return write;
    },
    async close() {
      closed = true;
      for (const handler of handlers) handler();
      await Promise.allSettled(underWay);
    },
  };
}

/** What the steps of one object write through while this process owns it. */
export interface Hold {
  /** As the controller's, with writes and events that end with the hold. */
  readonly ctx: ControllerContext;
  /** Once lost it stays so: what is known of the object may be outdated, and has to be learned anew. */
  readonly isLost: boolean;
  lose(): void;
}

/**
 * Takes hold of an object. Every write through it asks for ownership when its first byte goes out, however long it had
 * to wait for that: a process that was stopped meanwhile and woke up too late writes nothing. A refused write throws
 * NotOwner. Events are dropped then, and asked for once more when they are written.
 */
export function takeHold(ctx: ControllerContext, object: KubeObject): Hold {
  const { ownership } = ctx;
  const { uid = '', namespace, name } = object.metadata;
  let isLost = false;
  const owns = () => {
    if (!isLost && !ownership.owns(uid)) isLost = true;
    return !isLost;
  };
  const beforeSend = () => {
    if (owns()) return;
    const what = `${object.kind} ${namespace ? `${namespace}/` : ''}${name}`;
    throw new WindlassError('NotOwner', `nothing is written for ${what}: this replica does not own it any more`);
  };
  const guarded = <O extends RequestOptions>(options: O): O => ({ ...options, beforeSend });
  const client: KubeClient = {
    ...ctx.client,
    create: (type, body, options = {}) => ownership.track(ctx.client.create(type, body, guarded(options))),
    replace: (type, body, options = {}) => ownership.track(ctx.client.replace(type, body, guarded(options))),
    patch: (type, target, patch, options) => ownership.track(ctx.client.patch(type, target, patch, guarded(options))),
    delete: (type, target, options = {}) => ownership.track(ctx.client.delete(type, target, guarded(options))),
  };
  return {
    ctx: {
      ...ctx,
      client,
      targets: { ...ctx.targets, scale: (target, replicas) => ctx.targets.scale(target, replicas, client) },
      events: {
        ...ctx.events,
        record(regarding, details) {
          if (owns()) ctx.events.record(regarding, details);
        },
      },
    },
    get isLost() {
      return !owns();
    },
    lose() {
      isLost = true;
    },
  };
}

/**
 * Brings what a controller holds in line with what this process owns now: holds of objects that it does not own are
 * lost at once, and every object that came or went is queued.
 */
export function followOwnership<S extends { hold: Hold }>(
  ownership: Ownership,
  objects: readonly KubeObject[],
  states: ReadonlyMap<string, S>,
  add: (key: string) => void,
): void {
  for (const object of objects) {
    const key = keyOf(object);
    const state = states.get(key);
    const isOurs = ownership.owns(object.metadata.uid ?? '');
    if (state && !isOurs) state.hold.lose();
    if (isOurs !== (state !== undefined)) add(key);
  }
}

/** Until a watch that is behind is looked at again. */
export const CATCH_UP_MS = 50;

/** Whether an object that was just taken over is known as its former owner left it; its watch may be behind. */
export async function isUpToDate(ctx: ControllerContext, type: ResourceType, object: KubeObject): Promise<boolean> {
  if (!ctx.ownership.isShared) return true;
  const { name, namespace, resourceVersion } = object.metadata;
  const live = await ctx.client.find(type, name, { namespace });
  return live?.metadata.resourceVersion === resourceVersion;
}

/** The object that an event is about, as far as ownership goes. */
interface Regarded {
  kind: string;
  uid?: string | undefined;
}

const OWNED_KINDS = new Set(['ScaledObject', 'ScaledJob', 'TriggerAuthentication', 'ClusterTriggerAuthentication']);

/** Whether an event may be written: later while this process may not write at all, never once others own the object. */
export function mayTell(ownership: Ownership, { kind, uid = '' }: Regarded): 'now' | 'later' | 'never' {
  if (!OWNED_KINDS.has(kind)) return 'now';
  if (!ownership.isActive) return 'later';
  return ownership.owns(uid) ? 'now' : 'never';
}
