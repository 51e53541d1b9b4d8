import type { Clock } from '../../src/base/clock.ts';

export interface FakeClock extends Clock {
  /** Moves time forward, firing due timers in order and letting promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Number of timers that wait. */
  pending(): number;
}

/** A clock that stands still until it is told to move. Starts at 2026-01-01T00:00:00Z unless told otherwise. */
export function createFakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = 0;
  let sequence = 0;
  const timers = new Set<{ at: number; order: number; run: () => void }>();
  const settle = async () => {
    // Several turns of the macrotask queue: I/O-free promise chains of any usual depth come to rest.
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const clock: FakeClock = {
    now: () => start + now,
    monotonic: () => now,
    pending: () => timers.size,
    after(ms, run) {
      const timer = { at: now + Math.max(ms, 0), order: sequence++, run };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    sleep: (ms, signal) => sleepOn(clock.after)(ms, signal),
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = [...timers].filter((t) => t.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
        if (!due) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.run();
        await settle();
      }
      now = end;
      await settle();
    },
  };
  return clock;
}

/** Sleeping by way of a timer. */
export const sleepOn =
  (after: Clock['after']): Clock['sleep'] =>
  (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = after(ms, resolve);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        reject(signal.reason);
      });
    });
