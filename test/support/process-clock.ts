import type { Clock } from '../../src/base/clock.ts';
import type { WatchEvent, WatchStream } from '../../src/kube/client.ts';
import { type FakeClock, sleepOn } from './fake-clock.ts';

/** The clock of one process among several on one fake clock: it stops for a process that is frozen or was killed. */
export interface ProcessClock {
  clock: Clock;
  /** As SIGSTOP or a long garbage collection: nothing it waits for comes to pass. */
  freeze(): void;
  /** Everything that came to pass meanwhile happens now. */
  thaw(): void;
  /** As SIGKILL: nothing ever happens again. */
  kill(): void;
  readonly isFrozen: boolean;
}

export function createProcessClock(base: FakeClock): ProcessClock {
  const held: (() => void)[] = [];
  let frozen = false;
  let dead = false;
  const after: Clock['after'] = (ms, run) => {
    let cancelled = false;
    const timer = base.after(ms, () => {
      if (dead || cancelled) return;
      if (frozen) held.push(() => !cancelled && run());
      else run();
    });
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  };
  return {
    clock: { now: base.now, monotonic: base.monotonic, after, sleep: sleepOn(after) },
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      for (const run of held.splice(0)) run();
    },
    kill() {
      dead = true;
    },
    get isFrozen() {
      return frozen;
    },
  };
}

/** A watch as a client sees it, fed by a test. */
export function createWatchQueue<T>(onClose: () => void): { push(event: WatchEvent<T>): void; stream: WatchStream<T> } {
  const queue: WatchEvent<T>[] = [];
  let wake: (() => void) | undefined;
  let closed = false;
  return {
    push(event) {
      queue.push(event);
      wake?.();
    },
    stream: {
      close() {
        closed = true;
        onClose();
        wake?.();
      },
      async *[Symbol.asyncIterator]() {
        while (!closed) {
          const next = queue.shift();
          if (next) yield next;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      },
    },
  };
}
