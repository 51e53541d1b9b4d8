import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { ApiError } from '../types.ts';

/** What a reconcile says about when it wants to run again, in milliseconds; nothing when only a change should. */
export type Again = { after: number } | undefined;

export interface KeyedQueue {
  /** Asks for a run of the key; while it runs, for one more run after that. */
  add(key: string): void;
  /** As `add`, `ms` from now; an earlier wish for the same key stays. */
  addAfter(key: string, ms: number): void;
  /** Forgets what waits and resolves when the running reconciles have ended. */
  stop(): Promise<void>;
}

export interface QueueOptions {
  name: string;
  clock: Clock;
  log: Logger;
  /** Keys reconciled at the same time; the work is in this process, so more does not make it faster. */
  workers?: number;
  reconcile(key: string): Promise<Again> | Again;
}

/** Kubernetes: the rate limiter of controllers starts at 5 ms and doubles; a minute is long enough on one machine. */
const FIRST_BACK_OFF = 5;
const LONGEST_BACK_OFF = 60_000;

/**
 * Level-triggered work by key: never two runs of one key at once, wishes for a waiting key fall together, a failed run is repeated
 * with exponential back-off and a conflict at once (it was made from an old copy).
 */
export function createQueue(options: QueueOptions): KeyedQueue {
  const { clock, log, name, workers = 4 } = options;
  const waiting = new Set<string>();
  const running = new Set<string>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  const delayed = new Map<string, { at: number; timer: Timer }>();
  let stopped = false;
  let scheduled = false;
  let onIdle: (() => void) | undefined;

  const pump = () => {
    scheduled = false;
    for (const key of waiting) {
      if (stopped || running.size >= workers) break;
      waiting.delete(key);
      running.add(key);
      void run(key);
    }
  };
  const schedule = () => {
    if (scheduled || stopped) return;
    scheduled = true;
    queueMicrotask(pump);
  };
  const add = (key: string) => {
    if (stopped) return;
    delayed.get(key)?.timer.cancel();
    delayed.delete(key);
    if (running.has(key)) again.add(key);
    else {
      waiting.add(key);
      schedule();
    }
  };
  const addAfter = (key: string, ms: number) => {
    if (stopped || waiting.has(key)) return;
    const at = clock.monotonic() + Math.max(ms, 0);
    const present = delayed.get(key);
    if (present && present.at <= at) return;
    present?.timer.cancel();
    const timer = clock.after(Math.max(ms, 0), () => {
      delayed.delete(key);
      add(key);
    });
    delayed.set(key, { at, timer });
  };
  const run = async (key: string) => {
    let wish: Again;
    try {
      wish = await options.reconcile(key);
      failures.delete(key);
    } catch (error) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      wish = { after: Math.min(FIRST_BACK_OFF * 2 ** count, LONGEST_BACK_OFF) };
      if (error instanceof ApiError && error.reason === 'Conflict') wish = { after: count < 3 ? 0 : wish.after };
      else log.warn('reconcile failed, will be tried again', { queue: name, key, error, after: wish.after });
    }
    running.delete(key);
    if (again.delete(key)) waiting.add(key);
    else if (wish) addAfter(key, wish.after);
    if (stopped && running.size === 0) onIdle?.();
    schedule();
  };

  return {
    add,
    addAfter,
    async stop() {
      stopped = true;
      waiting.clear();
      again.clear();
      for (const { timer } of delayed.values()) timer.cancel();
      delayed.clear();
      if (running.size > 0) await new Promise<void>((resolve) => (onIdle = resolve));
    },
  };
}

/** The namespace (empty for cluster-scoped objects) and the name in a key made by `keyOf`. */
export function splitKey(key: string): [namespace: string, name: string] {
  const slash = key.indexOf('/');
  return slash < 0 ? ['', key] : [key.slice(0, slash), key.slice(slash + 1)];
}
