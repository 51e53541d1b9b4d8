import type { Clock, Timer } from '../base/clock.ts';
import { isTerminal, WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

// biome-ignore lint/suspicious/noConfusingVoidType: a run that returns nothing may be typed Promise<void>
export type RunResult = { requeueAfter?: number | undefined } | undefined | void;

export interface QueueOptions {
  /** For log lines. */
  name: string;
  /**
   * Handles one key. May ask to be run again in `requeueAfter` milliseconds. A throw is retried with back-off. The
   * signal is aborted when the queue is told to stop and the time it gives running ones is over.
   */
  run: (key: string, signal: AbortSignal) => Promise<RunResult>;
  concurrency?: number | undefined;
  clock: Clock;
  log: Logger;
  /** First wait after an error; doubles with each further one. Milliseconds, 5 as in client-go. */
  firstRetryMs?: number | undefined;
  /** Longest wait after an error. Milliseconds, 1 000 000 as in client-go. */
  longestRetryMs?: number | undefined;
  /** Wait after an error that no retry can help before somebody changes something. Milliseconds, five minutes. */
  terminalRetryMs?: number | undefined;
  /** Gives a number in [0, 1) for jitter. */
  random?: (() => number) | undefined;
}

export interface QueueStats {
  waiting: number;
  running: number;
  delayed: number;
  failing: number;
}

/** A work queue by key: a key is never run twice at once, and additions while it waits are one run. */
export interface WorkQueue {
  /** Runs the key as soon as there is room; if it runs already, once more after that. */
  add(key: string): void;
  /** Adds the key in `ms` milliseconds. Of several pending delays of one key the earliest wins. */
  addAfter(key: string, ms: number): void;
  /** Drops what is pending for a key (not a run that has begun) and its failures: for an object that is gone. */
  forget(key: string): void;
  /** Consecutive failures of the key. */
  failures(key: string): number;
  stats(): QueueStats;
  /** Resolves when nothing waits or runs (delayed keys do not count). */
  idle(): Promise<void>;
  /**
   * Starts no further run and waits for the running ones; after `graceMs` (10 000) their signal is aborted.
   */
  stop(graceMs?: number): Promise<void>;
}

const STOPPED = new WindlassError('KubernetesUnavailable', 'the work queue has been stopped');

/**
 * Creates a queue that runs at once.
 *
 * After an error a key waits firstRetryMs·2ⁿ, at most longestRetryMs, and never less than the error's `retryAfter`.
 * An error of the family "user" waits terminalRetryMs (± 10 %) instead: the change that mends it arrives as an event
 * and adds the key at once, so the slow retry is only for changes that nobody announces (a role that was granted, a
 * server that was set up). Success forgets the failures and their pending retry, not a delay that was asked for.
 */
export function createQueue(options: QueueOptions): WorkQueue {
  const { clock, log, run, concurrency = 1, firstRetryMs = 5, longestRetryMs = 1_000_000 } = options;
  const { terminalRetryMs = 300_000, random = Math.random } = options;

  const waiting = new Set<string>();
  const running = new Set<string>();
  /** Keys added while they ran. */
  const again = new Set<string>();
  const failures = new Map<string, number>();
  const retries = new Map<string, Timer>();
  const delays = new Map<string, { at: number; timer: Timer }>();
  const abort = new AbortController();
  let idleWaiters: (() => void)[] = [];
  let stopped = false;

  const settle = () => {
    if (running.size > 0 || (waiting.size > 0 && !stopped)) return;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const resolve of waiters) resolve();
  };

  const add = (key: string) => {
    if (stopped) return;
    if (running.has(key)) {
      again.add(key);
      return;
    }
    waiting.add(key);
    fill();
  };

  const addAfter = (key: string, ms: number) => {
    if (stopped) return;
    if (!(ms > 0)) return add(key);
    const at = clock.monotonic() + ms;
    const pending = delays.get(key);
    if (pending && pending.at <= at) return;
    pending?.timer.cancel();
    const timer = clock.after(ms, () => {
      delays.delete(key);
      add(key);
    });
    delays.set(key, { at, timer });
  };

  const cancelRetry = (key: string) => {
    retries.get(key)?.cancel();
    retries.delete(key);
  };

  const retryLater = (key: string, error: unknown) => {
    const count = (failures.get(key) ?? 0) + 1;
    failures.set(key, count);
    const asked = error instanceof WindlassError ? (error.retryAfter ?? 0) : 0;
    const usual = isTerminal(error)
      ? terminalRetryMs * (0.9 + 0.2 * random())
      : Math.min(firstRetryMs * 2 ** (count - 1), longestRetryMs);
    const wait = Math.max(usual, asked);
    log.warn('reconcile failed', { queue: options.name, key, error, failures: count, retryInMs: Math.round(wait) });
    cancelRetry(key);
    if (stopped) return;
    retries.set(
      key,
      clock.after(wait, () => {
        retries.delete(key);
        add(key);
      }),
    );
  };

  const execute = async (key: string) => {
    // The retry that waits is for a state that this run sees as well.
    cancelRetry(key);
    try {
      const result = await run(key, abort.signal);
      failures.delete(key);
      if (result?.requeueAfter !== undefined) addAfter(key, result.requeueAfter);
    } catch (error) {
      if (!(stopped && abort.signal.aborted)) retryLater(key, error);
    }
    running.delete(key);
    if (again.delete(key)) add(key);
    fill();
    settle();
  };

  const fill = () => {
    while (!stopped && running.size < concurrency) {
      const next = waiting.values().next();
      if (next.done) return;
      waiting.delete(next.value);
      running.add(next.value);
      void execute(next.value);
    }
  };

  return {
    add,
    addAfter,
    forget(key) {
      waiting.delete(key);
      again.delete(key);
      failures.delete(key);
      cancelRetry(key);
      delays.get(key)?.timer.cancel();
      delays.delete(key);
      settle();
    },
    failures: (key) => failures.get(key) ?? 0,
    stats: () => ({
      waiting: waiting.size,
      running: running.size,
      delayed: delays.size + retries.size,
      failing: failures.size,
    }),
    idle() {
      if (running.size === 0 && (waiting.size === 0 || stopped)) return Promise.resolve();
      return new Promise((resolve) => idleWaiters.push(resolve));
    },
    async stop(graceMs = 10_000) {
      stopped = true;
      waiting.clear();
      again.clear();
      for (const timer of retries.values()) timer.cancel();
      for (const { timer } of delays.values()) timer.cancel();
      retries.clear();
      delays.clear();
      if (running.size === 0) {
        settle();
        return;
      }
      const deadline = clock.after(graceMs, () => abort.abort(STOPPED));
      await new Promise<void>((resolve) => {
        idleWaiters.push(resolve);
      });
      deadline.cancel();
    },
  };
}
