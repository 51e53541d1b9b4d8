/** A running timer; `cancel` is safe to call twice and after it fired. */
export interface Timer {
  cancel(): void;
}

/** Time as an argument, so that tests run on a clock of their own. */
export interface Clock {
  /** Milliseconds since 1970 (may jump when the machine's clock is set). */
  now(): number;
  /** Milliseconds that only ever grow; for durations and deadlines. */
  monotonic(): number;
  /** Calls `run` once after `ms` milliseconds. Does not keep the process alive by itself. */
  after(ms: number, run: () => void): Timer;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node's setTimeout overflows past 2^31-1 ms (24.8 days) and would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const at = performance.now() + ms;
    let handle: NodeJS.Timeout;
    const arm = () => {
      const left = at - performance.now();
      handle = setTimeout(left > LONGEST_TIMER ? arm : run, Math.min(Math.max(left, 0), LONGEST_TIMER));
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = systemClock.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
};
