import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { createScriptedSource } from '../../test/support/scripted-source.ts';
import { WindlassError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import type { Reading } from '../scalers/definition.ts';
import { createSampling } from './index.ts';
import type { Sample } from './types.ts';

const SECOND = 1_000;
const HPA = { maxAgeMs: SECOND, deadlineMs: SECOND };

function setup(options: { watchIsComplete?: boolean; read?: () => Promise<Reading> | Reading } = {}) {
  const clock = createFakeClock();
  const streams: { push(value: number): void; break(): void; signal: AbortSignal; at: number }[] = [];
  const source = createScriptedSource({
    clock,
    ...options,
    watch: (_key, signal, onReading) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => resolve());
        streams.push({
          push: (value) => onReading({ value }),
          break: () => reject(new WindlassError('SourceUnavailable', 'connection reset')),
          signal,
          at: clock.monotonic(),
        });
      }),
  });
  const sampling = createSampling({ clock, log: silentLogger, random: () => 1 });
  const seen: Sample[] = [];
  const reader = sampling.subscribe(source.query('q'), { intervalMs: 30 * SECOND, onSample: (s) => seen.push(s) });
  return { clock, source, sampling, seen, reader, streams };
}

const values = (samples: Sample[]) =>
  samples.map((s) => (s.outcome.kind === 'value' ? s.outcome.reading.value : s.outcome.kind));

describe('a source that pushes', () => {
  it('wakes its readers in the same moment, and polling goes on as a safety', async () => {
    const { clock, source, seen, streams } = setup();
    await clock.advance(0);
    streams[0]!.push(42);
    expect(values(seen)).toEqual([1, 42]);
    await clock.advance(300 * SECOND);
    expect(source.total).toBeGreaterThanOrEqual(10);
  });

  it('answers who waits for a refresh as soon as something is pushed', async () => {
    const { clock, reader, streams } = setup({ read: () => new Promise(() => {}) });
    await clock.advance(0);
    const answer = reader.fresh(HPA);
    streams[0]!.push(9);
    expect(values([(await answer)!])).toEqual([9]);
  });

  it('does not let a read that began before a push overwrite it', async () => {
    let answer: (reading: Reading) => void = () => {};
    const read = () => new Promise<Reading>((resolve) => (answer = resolve));
    const { clock, seen, streams } = setup({ read });
    await clock.advance(100);
    streams[0]!.push(1);
    answer({ value: 0 });
    await clock.advance(0);
    expect(values(seen)).toEqual([1, 1]);
  });

  it('shows a broken stream, tries it again with growing pauses, and goes on polling', async () => {
    const { clock, source, seen, streams } = setup();
    await clock.advance(10 * SECOND);
    expect(seen.at(-1)?.stream).toMatchObject({ state: 'live' });
    for (const pause of [1, 2, 4, 8]) {
      streams.at(-1)!.break();
      await clock.advance(0);
      expect(seen.at(-1)?.stream).toMatchObject({ state: 'broken', error: { code: 'SourceUnavailable' } });
      const before = streams.length;
      await clock.advance(pause * SECOND - 1);
      expect(streams.length).toBe(before);
      await clock.advance(1);
      expect(streams.length).toBe(before + 1);
    }
    expect(seen.at(-1)?.outcome.kind).toBe('value');
    await clock.advance(6 * SECOND);
    expect(seen.at(-1)?.stream).toMatchObject({ state: 'live' });
    await clock.advance(60 * SECOND);
    expect(source.total).toBeGreaterThanOrEqual(3);
  });

  it('ends its stream with the last reader', async () => {
    const { clock, reader, streams, source } = setup();
    await clock.advance(0);
    reader.close();
    await clock.advance(60 * SECOND);
    expect(streams[0]!.signal.aborted).toBe(true);
    expect(streams).toHaveLength(1);
    expect(source.closed).toBe(1);
    expect(clock.pending()).toBe(0);
  });

  it('ignores a pushed value that is no number', async () => {
    const { clock, seen, streams } = setup();
    await clock.advance(0);
    streams[0]!.push(Number.NaN);
    expect(values(seen)).toEqual([1]);
  });
});

describe('a source whose stream tells everything', () => {
  it('is not polled while the stream lives, and its last value stays fresh', async () => {
    const { clock, source, reader, streams } = setup({ watchIsComplete: true });
    await clock.advance(0);
    streams[0]!.push(3);
    for (let i = 0; i < 20; i++) {
      await clock.advance(15 * SECOND);
      const sample = await reader.fresh(HPA);
      expect(values([sample!])).toEqual([3]);
      expect(clock.monotonic() - sample!.at).toBeLessThanOrEqual(SECOND);
    }
    expect(source.total).toBe(1);
  });

  it('is polled at once when the stream breaks, and until it is back', async () => {
    const { clock, source, streams } = setup({ watchIsComplete: true });
    await clock.advance(0);
    streams[0]!.push(3);
    await clock.advance(100 * SECOND);
    streams[0]!.break();
    await clock.advance(0);
    expect(source.total).toBe(2);
    await clock.advance(SECOND);
    streams[1]!.push(4);
    const before = source.total;
    await clock.advance(100 * SECOND);
    expect(source.total).toBeLessThanOrEqual(before + 1);
  });
});
