import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { createGate, createLane } from './gate.ts';
import { createRhythm, expected, heard } from './rhythm.ts';
import { createSchedule, type Scheduled } from './schedule.ts';

/** A small seeded generator, so that a failure can be run again. */
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('the schedule', () => {
  it.each([1, 2, 3, 4, 5])('fires everything once, in order and on time, over one timer (seed %i)', async (seed) => {
    const random = seeded(seed);
    const clock = createFakeClock();
    const fired: { entry: Scheduled; at: number }[] = [];
    const schedule = createSchedule<Scheduled>(clock, (entry) => fired.push({ entry, at: clock.monotonic() }));
    const entries = Array.from({ length: 200 }, () => ({ due: 0, slot: -1 }));
    const wanted = new Map<Scheduled, number>();
    for (let step = 0; step < 1000; step++) {
      const entry = entries[Math.floor(random() * entries.length)]!;
      if (random() < 0.2) {
        schedule.remove(entry);
        wanted.delete(entry);
      } else {
        const due = Math.floor(random() * 500);
        schedule.set(entry, due);
        wanted.set(entry, due);
      }
      expect(clock.pending()).toBeLessThanOrEqual(1);
    }
    expect(schedule.size()).toBe(wanted.size);
    await clock.advance(500);
    expect(new Map(fired.map(({ entry, at }) => [entry, at]))).toEqual(wanted);
    expect(fired).toHaveLength(wanted.size);
    expect(clock.pending()).toBe(0);
  });
});

describe('the gate', () => {
  const fill = (perSource: number, starting: number) => {
    const started: string[] = [];
    const gate = createGate<string>({ perSource, starting }, (job) => started.push(job));
    return { gate, started, a: createLane<string>(), b: createLane<string>() };
  };

  it('lets sources take turns', () => {
    const { gate, started, a, b } = fill(10, 1);
    for (const n of [1, 2, 3]) gate.enqueue(a, `a${n}`, false);
    gate.enqueue(b, 'b1', false);
    gate.startOver();
    gate.startOver();
    expect(started).toEqual(['a1', 'a2', 'b1']);
  });

  it('prefers what somebody waits for', () => {
    const { gate, started, a } = fill(1, 10);
    for (const n of [1, 2, 3, 4]) gate.enqueue(a, `a${n}`, false);
    gate.hurry(a, 'a4');
    gate.leave(a);
    gate.leave(a);
    expect(started).toEqual(['a1', 'a4', 'a2']);
  });

  it('forgets what is taken out, and says whether it was there', () => {
    const { gate, started, a } = fill(1, 10);
    for (const n of [1, 2, 3]) gate.enqueue(a, `a${n}`, false);
    expect([gate.drop(a, 'a2'), gate.drop(a, 'a2'), gate.drop(a, 'a1')]).toEqual([true, false, false]);
    gate.leave(a);
    expect(started).toEqual(['a1', 'a3']);
  });
});

describe("a reader's rhythm", () => {
  it.each([
    ['two reads teach it', [0, 15], 30],
    ['a small drift is followed', [0, 15.1, 30.2, 45.3], 60.4],
    ['a person who reads in between changes nothing', [0, 15, 20, 30, 45], 60],
    ['a beat that is left out changes nothing', [0, 15, 30, 60], 75],
    ['two reads off the beat move it', [0, 15, 20, 35], 50],
    ['reads in one second are one', [0, 0.2, 15, 15.2], 30],
    ['one read teaches nothing', [0], undefined],
    ['what comes every ten minutes is no HPA', [0, 600], undefined],
  ])('%s', (_name, seconds, next) => {
    const rhythm = createRhythm();
    for (const second of seconds) heard(rhythm, second * 1000);
    const found = expected(rhythm, seconds.at(-1)! * 1000);
    if (next === undefined) expect(found).toBeUndefined();
    else expect(found! / 1000).toBeCloseTo(next, 1);
  });
});
