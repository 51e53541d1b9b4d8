import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { RawReading } from '../../controllers/raw-readings.ts';

/** What a subscriber asks for: a trigger of a ScaledObject or ScaledJob, by its name or the default one of its type. */
export interface MetricRef {
  namespace: string;
  object: string;
  trigger: string;
}

/** Whose readings are sent on: those of polls, those of the HPA's reads, or both (KEDA 2.21: RAW_METRICS_MODE). */
export type RawMetricsMode = 'all' | 'hpa' | 'pollinginterval';

/** One open stream of a subscriber. */
export interface Follower {
  /** @returns false when nothing more is to be written until `drained` is called */
  write(reading: RawReading): boolean;
  end(): void;
}

export interface Followed {
  drained(): void;
  close(): void;
}

export interface RawMetricsHub {
  /** @returns whether it was subscribed before; false also for what is incomplete (KEDA 2.21) */
  subscribe(subscriber: string, metric: MetricRef): boolean;
  /** @returns whether it was subscribed. The last one that goes ends the subscriber's streams. */
  unsubscribe(subscriber: string, metric: MetricRef): boolean;
  follow(subscriber: string, follower: Follower): Followed;
  /** A reading of this replica. */
  push(reading: RawReading): void;
  /** A reading of another replica, for subscribers of this one. */
  relayed(reading: RawReading): void;
  /** Hands the readings of this replica to another one. Gives what ends it. */
  tap(metrics: readonly MetricRef[], send: (reading: RawReading) => void): () => void;
  /** What subscribers of this replica ask for. */
  wanted(): MetricRef[];
  onWanted(handler: () => void): void;
}

/** So many readings wait for a subscriber that does not read; then the oldest go. */
const MOST_WAITING = 16;
/** KEDA 2.21: who reads nothing for so long is no subscriber any more. */
const PATIENCE_MS = 60_000;

/** A place where readings of a subscriber go: a stream of its own, or nobody's until it opens one. */
interface Outlet {
  follower: Follower | undefined;
  blocked: boolean;
  waiting: RawReading[];
  /** When the first one began to wait; monotonic. */
  since: number;
}

interface Subscriber {
  id: string;
  metrics: Map<string, MetricRef>;
  outlets: Set<Outlet>;
}

const isComplete = ({ namespace, object, trigger }: MetricRef) => namespace !== '' && object !== '' && trigger !== '';
const keyOf = ({ namespace, object, trigger }: MetricRef) => JSON.stringify([namespace, object, trigger]);

/** Knows who wants which readings. Nobody who reads slowly holds anything up. */
export function createRawMetricsHub(options: { mode: RawMetricsMode; clock: Clock; log: Logger }): RawMetricsHub {
  const { mode, clock, log } = options;
  const subscribers = new Map<string, Subscriber>();
  const byMetric = new Map<string, Set<Subscriber>>();
  const taps = new Map<string, Set<(reading: RawReading) => void>>();
  const handlers: (() => void)[] = [];

  const subscriberOf = (id: string): Subscriber => {
    const known = subscribers.get(id);
    if (known) return known;
    const made: Subscriber = { id, metrics: new Map(), outlets: new Set([nobody()]) };
    subscribers.set(id, made);
    return made;
  };

  const forgetMetric = (subscriber: Subscriber, key: string) => {
    subscriber.metrics.delete(key);
    const others = byMetric.get(key);
    others?.delete(subscriber);
    if (others?.size !== 0) return;
    byMetric.delete(key);
    for (const handler of handlers) handler();
  };

  const drop = (subscriber: Subscriber) => {
    subscribers.delete(subscriber.id);
    for (const key of [...subscriber.metrics.keys()]) forgetMetric(subscriber, key);
    for (const { follower } of subscriber.outlets) follower?.end();
    subscriber.outlets.clear();
  };

  const offer = (outlet: Outlet, reading: RawReading): boolean => {
    if (outlet.follower && !outlet.blocked) {
      outlet.blocked = !outlet.follower.write(reading);
      return true;
    }
    const now = clock.monotonic();
    if (outlet.waiting.length === 0) outlet.since = now;
    if (now - outlet.since >= PATIENCE_MS) return false;
    outlet.waiting.push(reading);
    if (outlet.waiting.length > MOST_WAITING) outlet.waiting.shift();
    return true;
  };

  const deliver = (key: string, reading: RawReading) => {
    for (const subscriber of [...(byMetric.get(key) ?? [])]) {
      if ([...subscriber.outlets].every((outlet) => offer(outlet, reading))) continue;
      log.warn('a subscriber of raw metrics does not read them and is forgotten', {
        subscriber: subscriber.id,
        metrics: subscriber.metrics.size,
      });
      drop(subscriber);
    }
  };

  const release = (outlet: Outlet) => {
    outlet.blocked = false;
    while (!outlet.blocked && outlet.follower) {
      const next = outlet.waiting.shift();
      if (!next) return;
      outlet.blocked = !outlet.follower.write(next);
    }
  };

  return {
    subscribe(id, metric) {
      if (id === '' || !isComplete(metric)) return false;
      const subscriber = subscriberOf(id);
      const key = keyOf(metric);
      if (subscriber.metrics.has(key)) return true;
      subscriber.metrics.set(key, metric);
      const isNew = !byMetric.has(key);
      byMetric.set(key, (byMetric.get(key) ?? new Set()).add(subscriber));
      if (isNew) for (const handler of handlers) handler();
      return false;
    },
    unsubscribe(id, metric) {
      const subscriber = subscribers.get(id);
      const key = keyOf(metric);
      if (!subscriber?.metrics.has(key)) return false;
      forgetMetric(subscriber, key);
      if (subscriber.metrics.size === 0) drop(subscriber);
      return true;
    },
    follow(id, follower) {
      const subscriber = subscriberOf(id);
      let outlet = [...subscriber.outlets].find((each) => !each.follower);
      if (!outlet) {
        outlet = nobody();
        subscriber.outlets.add(outlet);
      }
      const own = outlet;
      own.follower = follower;
      release(own);
      return {
        drained: () => release(own),
        close() {
          if (!subscriber.outlets.delete(own) || subscriber.outlets.size > 0) return;
          if (subscriber.metrics.size === 0) subscribers.delete(id);
          else subscriber.outlets.add(nobody());
        },
      };
    },
    push(reading) {
      if (byMetric.size === 0 && taps.size === 0) return;
      if (mode !== 'all' && (mode === 'hpa') !== (reading.asked === 'hpa')) return;
      const key = keyOf(reading);
      for (const send of taps.get(key) ?? []) send(reading);
      deliver(key, reading);
    },
    relayed: (reading) => deliver(keyOf(reading), reading),
    tap(metrics, send) {
      const keys = metrics.map(keyOf);
      for (const key of keys) taps.set(key, (taps.get(key) ?? new Set()).add(send));
      return () => {
        for (const key of keys) {
          const left = taps.get(key);
          left?.delete(send);
          if (left?.size === 0) taps.delete(key);
        }
      };
    },
    wanted: () => [...subscribers.values()].flatMap(({ metrics }) => [...metrics.values()]),
    onWanted: (handler) => void handlers.push(handler),
  };
}

const nobody = (): Outlet => ({ follower: undefined, blocked: false, waiting: [], since: 0 });
