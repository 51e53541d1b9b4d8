import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { answerAfter, createScriptedSource, type Script } from '../../test/support/scripted-source.ts';
import { silentLogger } from '../base/log.ts';
import { createSampling } from './index.ts';
import type { Sample, SamplingOptions } from './types.ts';

const SECOND = 1_000;
const HPA = { maxAgeMs: SECOND, deadlineMs: SECOND };

function setup(script: Omit<Script, 'clock'> = {}, options: Partial<SamplingOptions> = {}) {
  const clock = createFakeClock();
  const source = createScriptedSource({ clock, ...script });
  const sampling = createSampling({ clock, log: silentLogger, random: () => 0.5, ...options });
  const seen: Sample[] = [];
  const subscribe = (key = 'q', seconds = 30, sourceKey = key) =>
    sampling.subscribe(source.query(key, sourceKey), { intervalMs: seconds * SECOND, onSample: (s) => seen.push(s) });
  return { clock, source, sampling, seen, subscribe };
}

const numberIn = (sample: Sample | undefined) =>
  sample?.outcome.kind === 'value' ? sample.outcome.reading.value : sample?.outcome.kind;

describe('polling', () => {
  it('reads a new query at once and then at least once per interval', async () => {
    const { clock, source, subscribe } = setup();
    subscribe();
    await clock.advance(0);
    expect(source.asked.get('q')).toEqual([0]);
    await clock.advance(300 * SECOND);
    const times = source.asked.get('q')!;
    const gaps = times.slice(1).map((t, i) => t - times[i]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30 * SECOND);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(15 * SECOND);
    // Moving to its own place in the interval costs one read at most.
    expect(times.length).toBeLessThanOrEqual(12);
  });

  it('asks once for a thousand readers of one query', async () => {
    const { clock, source, sampling, seen, subscribe } = setup();
    for (let i = 0; i < 1000; i++) subscribe();
    await clock.advance(0);
    expect(source.total).toBe(1);
    expect(seen).toHaveLength(1000);
    expect(sampling.size()).toBe(1);
  });

  it('follows the most demanding reader, and slows down when it leaves', async () => {
    const { clock, source, subscribe } = setup();
    subscribe('q', 30);
    const quick = subscribe('q', 5);
    await clock.advance(60 * SECOND);
    const before = source.total;
    expect(before).toBeGreaterThanOrEqual(12);
    quick.close();
    await clock.advance(120 * SECOND);
    expect(source.total - before).toBeLessThanOrEqual(6);
  });

  it('spreads queries that were created together over the interval', async () => {
    const { clock, source, subscribe } = setup();
    for (let i = 0; i < 300; i++) subscribe(`q${i}`);
    await clock.advance(300 * SECOND);
    const perSecond = new Map<number, number>();
    for (const times of source.asked.values())
      for (const t of times.filter((t) => t > 240 * SECOND))
        perSecond.set(Math.floor(t / SECOND), (perSecond.get(Math.floor(t / SECOND)) ?? 0) + 1);
    // 300 queries in 30 s are 10 per second; all at once would be 300.
    expect(Math.max(...perSecond.values())).toBeLessThan(30);
  });

  it('starts a burst of ten thousand without delay but never more than the limits at once', async () => {
    const { clock, source, subscribe } = setup({}, { limits: { starting: 128, perSource: 10 } });
    for (let i = 0; i < 10_000; i++) subscribe(`q${i}`);
    expect(clock.pending()).toBeLessThan(300);
    await clock.advance(SECOND);
    expect(source.asked.size).toBe(10_000);
    expect(source.peak).toBeLessThanOrEqual(128);
    expect(source.loads).toBe(1);
  });

  it('stops with the last reader and gives the scaler back', async () => {
    const { clock, source, sampling, subscribe } = setup();
    const a = subscribe();
    const b = subscribe();
    await clock.advance(0);
    a.close();
    a.close();
    expect(sampling.size()).toBe(1);
    b.close();
    await clock.advance(120 * SECOND);
    expect(source.total).toBe(1);
    expect(source.closed).toBe(1);
    expect(sampling.size()).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  it('tells when there is no data, which is neither a failure nor a zero', async () => {
    const { WindlassError } = await import('../base/errors.ts');
    const { clock, seen, subscribe } = setup({
      read: () => {
        throw new WindlassError('NoData', 'the query gave no rows');
      },
    });
    subscribe();
    await clock.advance(0);
    expect(seen[0]).toMatchObject({ outcome: { kind: 'no-data', reason: 'the query gave no rows' }, failures: 0 });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('takes %s for an error, not for a number', async (value) => {
    const { clock, seen, subscribe } = setup({ read: () => ({ value }) });
    subscribe();
    await clock.advance(0);
    expect(seen[0]?.outcome).toMatchObject({ kind: 'error', error: { code: 'SourceAnswerInvalid' } });
  });

  it('goes on for the others when one reader throws', async () => {
    const { clock, source, sampling, seen, subscribe } = setup();
    const onSample = () => {
      throw new Error('reader is broken');
    };
    sampling.subscribe(source.query('q'), { intervalMs: 30 * SECOND, onSample });
    subscribe();
    await clock.advance(60 * SECOND);
    expect(seen.length).toBeGreaterThanOrEqual(2);
  });
});

describe('reads by the HPA', () => {
  it('gets a fresh sample without asking the source again', async () => {
    const { clock, source, subscribe } = setup();
    const reader = subscribe();
    await clock.advance(500);
    expect(numberIn(await reader.fresh(HPA))).toBe(1);
    expect(source.total).toBe(1);
  });

  it('waits for the refresh when the sample is old, and shares it with everybody who waits', async () => {
    const clock = createFakeClock();
    const { source, sampling } = (() => {
      const source = createScriptedSource({ clock, read: (k, s, n) => answerAfter(clock, 200, n)(k, s) });
      return { source, sampling: createSampling({ clock, log: silentLogger }) };
    })();
    const reader = sampling.subscribe(source.query('q'), { intervalMs: 30 * SECOND, onSample: () => {} });
    const other = sampling.subscribe(source.query('q'), { intervalMs: 30 * SECOND, onSample: () => {} });
    await clock.advance(5 * SECOND);
    const both = Promise.all([reader.fresh(HPA), other.fresh(HPA)]);
    await clock.advance(200);
    expect((await both).map(numberIn)).toEqual([2, 2]);
    expect(source.total).toBe(2);
  });

  it('gets the last sample at the deadline while the source is slow', async () => {
    const slow = { ms: 10 };
    const clock = createFakeClock();
    const source = createScriptedSource({ clock, read: (k, s, n) => answerAfter(clock, slow.ms, n)(k, s) });
    const sampling = createSampling({ clock, log: silentLogger });
    const reader = sampling.subscribe(source.query('q'), { intervalMs: 30 * SECOND, onSample: () => {} });
    await clock.advance(5 * SECOND);
    slow.ms = 8 * SECOND;
    const answer = reader.fresh(HPA);
    await clock.advance(SECOND);
    expect(numberIn(await answer)).toBe(1);
    expect(source.running).toBe(1);
  });

  it('is expected once its period is learnt: the answer is then there and fresh', async () => {
    const clock = createFakeClock();
    const source = createScriptedSource({ clock, read: (k, s, n) => answerAfter(clock, 300, n)(k, s) });
    const sampling = createSampling({ clock, log: silentLogger });
    const reader = sampling.subscribe(source.query('q'), { intervalMs: 30 * SECOND, onSample: () => {} });
    await clock.advance(7 * SECOND);
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const asked = clock.monotonic();
      const answer = reader.fresh(HPA).then((sample) => {
        waits.push(clock.monotonic() - asked);
        expect(clock.monotonic() - sample!.at).toBeLessThanOrEqual(SECOND);
      });
      await clock.advance(15 * SECOND);
      await answer;
    }
    // The first two reads teach the period; from then on nobody waits.
    expect(waits.slice(0, 2)).toEqual([300, 300]);
    expect(waits.slice(2)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    // One read per HPA read, which also counts as the poll: 1 at first, 10 for the HPA, 1 ahead of the eleventh.
    expect(source.total).toBe(12);
  });

  it('is fed by the polls alone when it takes values as old as the interval', async () => {
    const { clock, source, subscribe } = setup();
    const reader = subscribe();
    await clock.advance(0);
    for (let i = 0; i < 20; i++) {
      await clock.advance(15 * SECOND);
      expect(numberIn(await reader.fresh({ maxAgeMs: 31 * SECOND, deadlineMs: SECOND }))).toBe(1);
    }
    expect(source.total).toBeLessThanOrEqual(12);
  });

  it('learns no refresh from an HPA that is gone: one refresh in vain, then only polls', async () => {
    const { clock, source, subscribe } = setup();
    const reader = subscribe('q', 300);
    for (let i = 0; i < 5; i++) {
      await clock.advance(15 * SECOND);
      await Promise.race([reader.fresh(HPA), clock.advance(10)]);
    }
    const before = source.total;
    await clock.advance(200 * SECOND);
    expect(source.total - before).toBeLessThanOrEqual(2);
  });

  it('does not wait for a query that has ended', async () => {
    const { clock, subscribe } = setup({ read: () => new Promise(() => {}) });
    const reader = subscribe();
    await clock.advance(0);
    const answer = reader.fresh(HPA);
    reader.close();
    expect(await answer).toBeUndefined();
    expect(await reader.fresh(HPA)).toBeUndefined();
  });
});
