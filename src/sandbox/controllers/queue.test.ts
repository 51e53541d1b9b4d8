import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { silentLogger } from '../../base/log.ts';
import { ApiError } from '../types.ts';
import { createQueue } from './queue.ts';

describe('the keyed queue', () => {
  const setup = (reconcile: (key: string) => Promise<undefined | { after: number }>, workers = 4) => {
    const clock = createFakeClock();
    return { clock, queue: createQueue({ name: 'test', clock, log: silentLogger, workers, reconcile }) };
  };

  it('never runs one key twice at once, and runs it again for what came in between', async () => {
    let open = 0;
    let most = 0;
    const runs: string[] = [];
    const gates: (() => void)[] = [];
    const { clock, queue } = setup(async (key) => {
      open++;
      most = Math.max(most, open);
      runs.push(key);
      await new Promise<void>((resolve) => gates.push(resolve));
      open--;
      return undefined;
    });
    queue.add('a');
    queue.add('a');
    await clock.advance(0);
    queue.add('a');
    queue.add('a');
    await clock.advance(0);
    expect(runs).toEqual(['a']);
    gates.shift()?.();
    await clock.advance(0);
    expect(runs).toEqual(['a', 'a']);
    expect(most).toBe(1);
    gates.shift()?.();
    await queue.stop();
  });

  it('works on several keys at once, up to the number of workers', async () => {
    const runs: string[] = [];
    const gates: (() => void)[] = [];
    const { clock, queue } = setup(async (key) => {
      runs.push(key);
      await new Promise<void>((resolve) => gates.push(resolve));
      return undefined;
    }, 2);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await clock.advance(0);
    expect(runs).toEqual(['a', 'b']);
    gates.shift()?.();
    await clock.advance(0);
    expect(runs).toEqual(['a', 'b', 'c']);
    for (const open of gates) open();
    await queue.stop();
  });

  it('repeats a failed run after 5 ms, then 10, 20, and starts over after a success', async () => {
    const at: number[] = [];
    let fail = true;
    const { clock, queue } = setup(async () => {
      at.push(clock.monotonic());
      if (fail) throw new Error('no');
      return undefined;
    });
    queue.add('a');
    await clock.advance(35);
    expect(at).toEqual([0, 5, 15, 35]);
    fail = false;
    await clock.advance(40);
    expect(at.at(-1)).toBe(75);
    fail = true;
    queue.add('a');
    await clock.advance(5);
    expect(at.slice(-2)).toEqual([75, 80]);
    await queue.stop();
  });

  it('repeats a run that met a conflict at once', async () => {
    let runs = 0;
    const { clock, queue } = setup(async () => {
      if (runs++ === 0) throw new ApiError('Conflict', 'changed');
      return undefined;
    });
    queue.add('a');
    await clock.advance(0);
    expect(runs).toBe(2);
    await queue.stop();
  });

  it('runs again when the reconcile asked for it, once, and not after stop', async () => {
    const at: number[] = [];
    const { clock, queue } = setup(async () => {
      at.push(clock.monotonic());
      return { after: 1000 };
    });
    queue.add('a');
    queue.addAfter('a', 500);
    await clock.advance(1000);
    expect(at).toEqual([0, 1000]);
    await queue.stop();
    await clock.advance(5000);
    expect(at).toEqual([0, 1000]);
    expect(clock.pending()).toBe(0);
  });
});
