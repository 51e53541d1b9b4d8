import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { KubeObject } from '../base/object.ts';
import { LEASES } from './lease.ts';
import type { NamedWatches } from './named-watch.ts';

/** The Lease by which somebody else elects one leader, as seen from outside. */
export interface LeaderLease {
  /** Who leads now; undefined when nobody does. */
  readonly holder: string | undefined;
  /** Resolves once it is known whether anybody leads. */
  readonly synced: Promise<void>;
  /** Calls the handler when the holder changes. */
  onChange(handler: (holder: string | undefined) => void): () => void;
  stop(): void;
}

export interface LeaderLeaseOptions {
  watches: NamedWatches;
  namespace: string;
  name: string;
  clock: Clock;
  log: Logger;
}

interface LeaseObject extends KubeObject {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string };
}

/** client-go's default. */
const DURATION_MS = 15_000;
/**
 * client-go counts a lease from when it saw it last renewed, since clocks differ. One that was renewed so many of its
 * durations ago is left over from a leader of long ago, however much they differ.
 */
const LONG_GONE = 10;

/**
 * Follows a leader's Lease without taking part in the election: it is held while its holder renews it. A leader that
 * gives it up clears the holder; one that dies holds it until its duration has passed without a renewal.
 */
export function watchLeaderLease({ watches, namespace, name, clock, log }: LeaderLeaseOptions): LeaderLease {
  const watch = watches.watchNamed<LeaseObject>(LEASES, namespace, name);
  const handlers = new Set<(holder: string | undefined) => void>();
  let renewal = '';
  let until = 0;
  let holder: string | undefined;
  let timer: Timer | undefined;

  const set = (now: string | undefined) => {
    if (now === holder) return;
    holder = now;
    for (const handler of handlers)
      try {
        handler(now);
      } catch (error) {
        log.error('a handler of the leader lease failed', { error });
      }
  };
  const see = (lease: LeaseObject | undefined) => {
    timer?.cancel();
    const { holderIdentity = '', leaseDurationSeconds, renewTime = '' } = lease?.spec ?? {};
    if (holderIdentity === '') {
      renewal = '';
      return set(undefined);
    }
    const durationMs = (leaseDurationSeconds ?? 0) * 1000 || DURATION_MS;
    const seen = `${holderIdentity} ${renewTime}`;
    if (seen !== renewal) {
      const age = clock.now() - Date.parse(renewTime);
      until = age > LONG_GONE * durationMs ? 0 : clock.monotonic() + durationMs;
    }
    renewal = seen;
    const left = until - clock.monotonic();
    if (left <= 0) return set(undefined);
    timer = clock.after(left, () => set(undefined));
    set(holderIdentity);
  };
  const end = watch.onChange(see);

  return {
    get holder() {
      return holder;
    },
    synced: watch.synced.then(() => see(watch.current)),
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    stop() {
      timer?.cancel();
      handlers.clear();
      end();
      watch.release();
    },
  };
}
