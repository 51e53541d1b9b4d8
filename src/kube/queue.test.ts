import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { WindlassError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import { createQueue, type QueueOptions, type RunResult } from './queue.ts';

const unavailable = (retryAfter?: number) =>
  new WindlassError('KubernetesUnavailable', 'down', retryAfter === undefined ? {} : { retryAfter });
const terminal = new WindlassError('InvalidObject', 'wrong');

/** A queue whose runs take 10 ms, with a line "<ms> <key>" for every run that begins. */
function setUp(
  outcome: (key: string, run: number) => RunResult | Error = () => undefined,
  options: Partial<QueueOptions> = {},
) {
  const clock = createFakeClock();
  const timeline: string[] = [];
  const runs = new Map<string, number>();
  let running = 0;
  let most = 0;
  const signals: AbortSignal[] = [];
  const queue = createQueue({
    name: 'test',
    clock,
    log: silentLogger,
    random: () => 0.5,
    async run(key, signal) {
      signals.push(signal);
      timeline.push(`${clock.monotonic()} ${key}`);
      most = Math.max(most, ++running);
      const count = (runs.get(key) ?? 0) + 1;
      runs.set(key, count);
      await clock.sleep(10);
      running--;
      const result = outcome(key, count);
      if (result instanceof Error) throw result;
      return result;
    },
    ...options,
  });
  return { clock, queue, timeline, signals, most: () => most };
}

describe('a work queue', () => {
  it('runs additions of a waiting key once', async () => {
    const { clock, queue, timeline } = setUp();
    for (const key of ['a', 'b', 'b', 'b']) queue.add(key);
    expect(queue.stats()).toEqual({ waiting: 1, running: 1, delayed: 0, failing: 0 });
    await clock.advance(100);
    expect(timeline).toEqual(['0 a', '10 b']);
  });

  it('runs a key once more when it was added during its run, never twice at once', async () => {
    const { clock, queue, timeline, most } = setUp(undefined, { concurrency: 4 });
    queue.add('a');
    await clock.advance(5);
    queue.add('a');
    queue.add('a');
    await clock.advance(100);
    expect(timeline).toEqual(['0 a', '10 a']);
    expect(most()).toBe(1);
  });

  it('runs as many keys at once as allowed, in the order added', async () => {
    const { clock, queue, timeline, most } = setUp(undefined, { concurrency: 2 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key);
    await clock.advance(100);
    expect(timeline).toEqual(['0 a', '0 b', '10 c', '10 d', '20 e']);
    expect(most()).toBe(2);
  });

  it('doubles the wait with every failure up to the longest, and starts over after a success', async () => {
    const { clock, queue, timeline } = setUp((_, run) => (run === 6 ? undefined : unavailable()), {
      longestRetryMs: 40,
    });
    queue.add('a');
    await clock.advance(181);
    // 5, 10, 20, 40, 40 after runs of 10.
    expect(timeline).toEqual(['0 a', '15 a', '35 a', '65 a', '115 a', '165 a']);
    expect(queue.failures('a')).toBe(0);
    await clock.advance(1_000);
    expect(timeline).toHaveLength(6);
    queue.add('a');
    await clock.advance(20);
    expect(timeline.slice(6)).toEqual(['1181 a', '1196 a']);
  });

  it('reaches a wait of 1000 seconds by default and stays there', async () => {
    const { clock, queue, timeline } = setUp(() => unavailable());
    queue.add('a');
    await clock.advance(4_000_000);
    const times = timeline.map((line) => Number(line.split(' ')[0]));
    const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0) - 10);
    expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(waits.slice(17)).toEqual([655_360, 1_000_000, 1_000_000]);
  });

  it('waits at least as long as the other side asked', async () => {
    const { clock, queue, timeline } = setUp((_, run) => (run < 3 ? unavailable(500) : undefined));
    queue.add('a');
    await clock.advance(2_000);
    expect(timeline).toEqual(['0 a', '510 a', '1020 a']);
  });

  it('retries what somebody must mend only every five minutes, but at once when told', async () => {
    const { clock, queue, timeline } = setUp((_, run) => (run < 4 ? terminal : undefined));
    queue.add('a');
    await clock.advance(300_000);
    expect(timeline).toEqual(['0 a']);
    await clock.advance(10);
    expect(timeline).toEqual(['0 a', '300010 a']);
    await clock.advance(1_000);
    queue.add('a');
    await clock.advance(1_000_000);
    // The retry of the second failure, due at 600 020, is replaced by that of the third.
    expect(timeline.slice(2)).toEqual(['301010 a', '601020 a']);
  });

  it('an error that is none of ours is retried as any other', async () => {
    const { clock, queue, timeline } = setUp((_, run) => (run === 1 ? new TypeError('oops') : undefined));
    queue.add('a');
    await clock.advance(100);
    expect(timeline).toEqual(['0 a', '15 a']);
  });

  it('failures of one key do not hold up another', async () => {
    const { clock, queue, timeline } = setUp((key) => (key === 'bad' ? unavailable() : undefined));
    queue.add('bad');
    await clock.advance(3_000);
    queue.add('good');
    await clock.advance(20);
    expect(timeline.filter((line) => line.endsWith('good'))).toEqual(['3000 good']);
  });

  it('runs a key again when its run asks for that', async () => {
    const { clock, queue, timeline } = setUp((_, run) => (run === 1 ? { requeueAfter: 1_000 } : undefined));
    queue.add('a');
    await clock.advance(5_000);
    expect(timeline).toEqual(['0 a', '1010 a']);
  });

  it('of several delays keeps the earliest, and keeps it when the key runs before', async () => {
    const { clock, queue, timeline } = setUp();
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 300);
    queue.add('a');
    await clock.advance(1_000);
    expect(timeline).toEqual(['0 a', '100 a']);
    queue.addAfter('a', 0);
    queue.addAfter('b', -1);
    await clock.advance(100);
    expect(timeline.slice(2)).toEqual(['1000 a', '1010 b']);
  });

  it('forgets what is pending for an object that is gone', async () => {
    const { clock, queue, timeline } = setUp((key) => (key === 'a' ? unavailable() : undefined));
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 50);
    await clock.advance(10);
    queue.forget('a');
    queue.forget('b');
    queue.forget('c');
    expect(queue.failures('a')).toBe(0);
    await clock.advance(1_000);
    expect(timeline).toEqual(['0 a', '10 b']);
    expect(queue.stats()).toEqual({ waiting: 0, running: 0, delayed: 0, failing: 0 });
  });

  it('is idle when nothing waits or runs', async () => {
    const { clock, queue } = setUp();
    await queue.idle();
    queue.add('a');
    queue.add('b');
    let idle = false;
    void queue.idle().then(() => {
      idle = true;
    });
    await clock.advance(15);
    expect(idle).toBe(false);
    await clock.advance(10);
    expect(idle).toBe(true);
  });

  it('when stopped finishes what runs, starts nothing more and takes nothing more', async () => {
    const { clock, queue, timeline, signals } = setUp((_, run) => (run === 1 ? unavailable() : undefined));
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 50);
    let stopped = false;
    const stop = queue.stop().then(() => {
      stopped = true;
    });
    await clock.advance(5);
    expect(stopped).toBe(false);
    queue.add('d');
    await clock.advance(1_000);
    await stop;
    expect(timeline).toEqual(['0 a']);
    expect(signals[0]?.aborted).toBe(false);
    expect(clock.pending()).toBe(0);
    await queue.idle();
  });

  it('aborts runs that do not end within the grace period', async () => {
    const clock = createFakeClock();
    const reasons: unknown[] = [];
    const queue = createQueue({
      name: 'test',
      clock,
      log: silentLogger,
      run: (_, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        }),
    });
    queue.add('a');
    const stop = queue.stop(2_000);
    await clock.advance(1_999);
    expect(reasons).toEqual([]);
    await clock.advance(1);
    await stop;
    expect(reasons).toMatchObject([{ message: 'the work queue has been stopped' }]);
    expect(clock.pending()).toBe(0);
  });
});
