import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../base/clock.ts';
import { WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { KubeObject, ResourceType } from '../base/object.ts';
import type { KubeClient } from './client.ts';
import { ownerOf } from './rendezvous.ts';
import { isAlreadyExists, isNotFound } from './status.ts';
import { createStore, type Store, type Stored } from './store.ts';

export const LEASES: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

/** Which group a Lease belongs to. */
export const GROUP_LABEL = 'windlass.dev/group';

export interface MembershipOptions {
  client: Pick<KubeClient, 'create' | 'patch' | 'delete' | 'list' | 'openWatch'>;
  namespace: string;
  /** Members of one group share the objects out; a label value. */
  group: string;
  /** The pod's name. A random part is added, so that a process never takes a former one's Lease for its own. */
  identity: string;
  clock: Clock;
  log: Logger;
  /** How often to renew; 1500 ms. */
  renewMs?: number | undefined;
  /** After so long without a renewal the others take over; 6000 ms. Must be at least four times renewMs. */
  leaseMs?: number | undefined;
  /** Put on the Lease, for the other members to read. */
  annotations?: Readonly<Record<string, string>> | undefined;
  random?: (() => number) | undefined;
}

export interface Membership {
  /** The unique name under which the others know this process. */
  readonly identity: string;
  /** Identities with a live Lease, this one included, sorted. */
  members(): string[];
  /** Whether this process may write now. */
  isValid(): boolean;
  /** Whether this process may write for the object with that UID now. Ask right before every write. */
  owns(uid: string): boolean;
  /** The member whose turn the object with that UID is, whether it may write yet or not. */
  ownerOf(uid: string): string;
  /** What another live member put on its Lease. */
  annotationsOf(member: string): Readonly<Record<string, string>>;
  /** Whether another member has been seen since this process started. */
  readonly hasMetOthers: boolean;
  /** Calls the handler when members or validity changed, hence ownership may have. */
  onChange(handler: () => void): () => void;
  /** Resolves when this process may write for the first time; rejects when stopped before. */
  readonly ready: Promise<void>;
  /** Owns nothing from now on and deletes the Lease, so that the others take over at once. Stop writing before. */
  stop(): Promise<void>;
}

interface LeaseObject extends KubeObject {
  spec: { holderIdentity?: string; renewTime?: string; leaseDurationSeconds?: number };
}

interface SeenLease extends Stored {
  holder: string;
  renewTime: string;
  resourceVersion: string;
  /** How long the member says that it counts; members of a group differ while their settings are rolled out. */
  durationMs: number;
  annotations: Readonly<Record<string, string>>;
}

/** A Lease that was not renewed for this many lease times is litter of a process that died. */
const LITTER_LEASES = 10;

/**
 * Joins a group of processes that share objects out, and stays in it.
 *
 * Never do two members own an object at once. With L = leaseMs, the longest that any of them has, and V = L / 2:
 * - A member may write while it has *seen* by its watch a renewal of its own that it *sent* less than V ago. So its
 *   view of the group is at most V old: a member with a stale watch is not valid, however well its renewals go.
 * - Others count a member as live until L after they saw its last renewal, at least V after it stopped writing.
 * - A new member, and one whose validity has lapsed, waits V after its (first new) renewal was answered before it
 *   writes. By then every valid member has seen that renewal and has let go of what is to move.
 * - A member that was silent for longer than V may have been counted out by a valid one; that is a lapse too.
 * Only durations on monotonic clocks count. Those stand still while a machine is suspended, so the wall clock is asked as
 * well and the larger of both is believed.
 */
export function createMembership(options: MembershipOptions): Membership {
  const { client, namespace, group, clock, log, renewMs = 1_500, leaseMs = 6_000, random } = options;
  if (leaseMs < 4 * renewMs)
    throw new WindlassError('InvalidArgument', `leaseMs (${leaseMs}) must be at least four times renewMs (${renewMs})`);
  const validMs = leaseMs / 2;
  const identity = `${options.identity}_${randomBytes(4).toString('hex')}`;
  const name = `${group}-${identity}`
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, 253);

  interface Instant {
    monotonic: number;
    wall: number;
  }
  const instant = (): Instant => ({ monotonic: clock.monotonic(), wall: clock.now() });
  const since = ({ monotonic, wall }: Instant) => Math.max(clock.monotonic() - monotonic, clock.now() - wall);

  /** Renewals that were sent and not yet seen, by their renewTime. */
  const sent = new Map<string, Instant>();
  /** When the latest renewal that was seen had been sent. */
  let seenOwn: Instant | undefined;
  /** When the latest renewal that was answered had been sent. */
  let renewed: Instant | undefined;
  /** From when the others have to be given time; undefined when they need none. */
  let settling: Instant | undefined;
  let watchedFrom = instant();
  let alone = false;
  let exists = false;
  let lastRenewTime = 0;
  let failing = false;
  let stopped = false;
  let metOthers = false;
  const others = new Map<string, { at: Instant; lease: SeenLease }>();
  const littered = new Set<string>();
  const handlers = new Set<() => void>();
  const abort = new AbortController();
  const { promise: ready, resolve: resolveReady, reject: rejectReady } = Promise.withResolvers<void>();
  ready.catch(() => {});
  let store: Store<SeenLease> | undefined;
  let timer: Timer | undefined;
  let known = '';

  /** A member with a longer lease than ours believes in itself for longer, too. */
  const lifeOf = ({ lease }: { lease: SeenLease }) => Math.max(leaseMs, lease.durationMs);
  const isLive = (other: { at: Instant; lease: SeenLease }) => since(other.at) < lifeOf(other);
  const settleMs = () => Math.max(leaseMs, ...[...others.values()].filter(isLive).map(lifeOf)) / 2;
  const members = () =>
    [...[...others].filter(([, other]) => isLive(other)).map(([holder]) => holder), identity].sort();
  const isValid = () =>
    !stopped &&
    seenOwn !== undefined &&
    since(seenOwn) < validMs &&
    (alone || (settling !== undefined && since(settling) >= settleMs()));

  /** Tells the handlers when something changed and wakes up for the next change that comes by time alone. */
  const evaluate = () => {
    timer?.cancel();
    if (stopped) return;
    const waits: number[] = [];
    const later = (at: Instant | undefined, ms: number) => {
      if (at && since(at) < ms) waits.push(ms - since(at));
    };
    later(seenOwn, validMs);
    later(settling, settleMs());
    for (const other of others.values()) later(other.at, lifeOf(other));
    if (waits.length > 0) timer = clock.after(Math.min(...waits), evaluate);
    const valid = isValid();
    if (valid) resolveReady();
    const now = `${valid} ${members().join(' ')}`;
    if (now === known) return;
    if (known.startsWith('true') && !valid)
      log.warn('membership has lapsed: nothing is written until the lease is renewed', { identity, group });
    known = now;
    log.info('membership changed', { identity, group, valid, members: members() });
    for (const handler of handlers)
      try {
        handler();
      } catch (error) {
        log.error('a membership handler failed', { error });
      }
  };

  const see = (lease: SeenLease) => {
    if (lease.holder !== identity) {
      // A new list repeats what is known; only a renewal is a sign of life.
      if (others.get(lease.holder)?.lease.renewTime === lease.renewTime) return;
      others.set(lease.holder, { at: instant(), lease });
      metOthers = true;
      littered.delete(lease.holder);
      return;
    }
    const at = sent.get(lease.renewTime);
    if (!at) return;
    seenOwn = at;
    // Earlier ones were skipped by the watch and are no news any more.
    for (const time of sent.keys()) if (time <= lease.renewTime) sent.delete(time);
  };

  const renew = async (): Promise<void> => {
    const now = instant();
    // Two renewals must not look the same, even when the wall clock was set back.
    lastRenewTime = Math.max(lastRenewTime + 1, now.wall);
    const renewTime = new Date(lastRenewTime).toISOString().replace('Z', '000Z');
    sent.set(renewTime, now);
    for (const [time, at] of sent) if (since(at) > leaseMs) sent.delete(time);
    const request = { namespace, timeoutMs: validMs, signal: abort.signal };
    if (exists) {
      try {
        await client.patch(LEASES, name, { spec: { renewTime } }, { ...request, type: 'merge' });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        exists = false;
      }
    }
    if (!exists) {
      const lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: LEASES.kind,
        metadata: { name, namespace, labels: { [GROUP_LABEL]: group }, annotations: options.annotations },
        spec: {
          holderIdentity: identity,
          leaseDurationSeconds: Math.ceil(leaseMs / 1000),
          acquireTime: renewTime,
          renewTime,
        },
      };
      try {
        await client.create(LEASES, lease, request);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        // An earlier create whose answer was lost. The name is ours alone.
        exists = true;
        return renew();
      }
      exists = true;
      // Deleted and made anew is a lapse: for the others this process was gone.
      renewed = undefined;
    }
    if (renewed === undefined || since(renewed) >= validMs) {
      settling = instant();
      alone = false;
    }
    renewed = now;
  };

  const watch = () => {
    const firstSettling = settling;
    const leases = createStore<SeenLease, LeaseObject>({
      client,
      type: LEASES,
      namespace,
      labelSelector: `${GROUP_LABEL}=${group}`,
      clock,
      log,
      random,
      project: ({ metadata, spec }) => ({
        metadata: { name: metadata.name, uid: metadata.uid ?? '' },
        holder: spec.holderIdentity ?? '',
        renewTime: spec.renewTime ?? '',
        resourceVersion: metadata.resourceVersion ?? '',
        durationMs: (spec.leaseDurationSeconds ?? 0) * 1000,
        annotations: metadata.annotations ?? {},
      }),
    });
    leases.onChange(({ type, object }) => {
      if (type !== 'deleted') see(object);
      else if (object.holder !== identity) others.delete(object.holder);
      else {
        // Somebody took it for litter; without this the watch would stay silent about it while we believe in it.
        seenOwn = undefined;
      }
      evaluate();
    });
    leases.synced.then(
      () => {
        // The list was read after our Lease was there: whoever joins later sees it and waits for us.
        if (others.size === 0 && settling === firstSettling) alone = true;
        evaluate();
      },
      () => {},
    );
    return leases;
  };

  /** The first of the live ones takes away what dead processes left. */
  const cleanUp = async () => {
    if (members()[0] !== identity || !isValid()) return;
    for (const [holder, other] of others) {
      const { at, lease } = other;
      if (since(at) < lifeOf(other) * LITTER_LEASES || littered.has(holder)) continue;
      littered.add(holder);
      const preconditions = { resourceVersion: lease.resourceVersion };
      await client
        .delete(LEASES, lease.metadata.name, { namespace, preconditions, signal: abort.signal })
        .catch((error) => log.debug('could not delete the lease of a dead member', { holder, error }));
    }
  };

  const run = async () => {
    while (!stopped) {
      const next = clock.monotonic() + renewMs;
      try {
        await renew();
        failing = false;
        // Renewals go well and are not seen: the watch hangs. A dead connection alone would be noticed minutes later,
        // and till then the others would leave us objects that we may not touch.
        if (store && since(watchedFrom) >= validMs && (seenOwn === undefined || since(seenOwn) >= validMs)) {
          log.warn('the membership watch is behind and is opened again', { identity });
          store.stop();
          store = undefined;
        }
        if (!store) {
          watchedFrom = instant();
          store = watch();
        }
        await cleanUp();
      } catch (error) {
        if (stopped) return;
        if (!failing) log.warn('could not renew the membership lease', { identity, error });
        failing = true;
      }
      evaluate();
      await clock.sleep(Math.max(next - clock.monotonic(), renewMs / 10), abort.signal).catch(() => {});
    }
  };
  const running = run();

  return {
    identity,
    members,
    isValid,
    owns: (uid) => isValid() && ownerOf(uid, members()) === identity,
    ownerOf: (uid) => ownerOf(uid, members()) ?? identity,
    annotationsOf: (member) => others.get(member)?.lease.annotations ?? {},
    get hasMetOthers() {
      return metOthers;
    },
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    ready,
    async stop() {
      if (stopped) return;
      stopped = true;
      timer?.cancel();
      store?.stop();
      handlers.clear();
      const reason = new WindlassError('KubernetesUnavailable', 'the membership has been stopped');
      rejectReady(reason);
      abort.abort(reason);
      await running;
      if (!exists) return;
      await client.delete(LEASES, name, { namespace, timeoutMs: validMs }).catch((error) => {
        if (!isNotFound(error)) log.warn('could not delete the membership lease', { identity, error });
      });
    },
  };
}
