import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { createScriptedSource } from '../../test/support/scripted-source.ts';
import { WindlassError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import type { MetricSpec, Reading, StreamSignals } from '../scalers/definition.ts';
import { createSampling } from './index.ts';

const SECOND = 1_000;
const spec = (name: string, target = 5): MetricSpec => ({ kind: 'external', name, target, precision: 'int' });

function setup(script: { read?: () => Promise<Reading> | Reading; metricSpecs?: () => Promise<MetricSpec[]> } = {}) {
  const clock = createFakeClock();
  const streams: (StreamSignals & { break(): void; end(): void })[] = [];
  const source = createScriptedSource({
    clock,
    read: () => ({ value: 0, active: false }),
    ...script,
    watch: (_key, signal, _onReading, signals) =>
      new Promise((resolve, reject) => {
        if (!signals) throw new Error('the engine gives signals');
        signal.addEventListener('abort', () => resolve());
        streams.push({
          ...signals,
          break: () => reject(new WindlassError('SourceUnavailable', 'connection reset')),
          end: resolve,
        });
      }),
  });
  const sampling = createSampling({ clock, log: silentLogger, random: () => 1 });
  const heard: string[] = [];
  const reader = sampling.subscribe(source.query('q'), {
    intervalMs: 30 * SECOND,
    onSample: () => {},
    onActive: () => heard.push('active'),
    onSpecs: () =>
      heard.push(JSON.stringify(reader.specs()?.map((each) => (each.kind === 'external' ? each.name : '')))),
  });
  return { clock, source, reader, streams, heard };
}

describe('a source that says by itself that there is work', () => {
  it('is active in the same moment, and until a reading of later says otherwise', async () => {
    const { clock, reader, streams, heard } = setup();
    await clock.advance(0);
    expect(reader.isActive()).toBe(false);
    streams[0]!.active();
    expect([reader.isActive(), heard]).toEqual([true, ['active']]);
    // The reading that the signal asked for found nothing: too soon to take its word.
    await clock.advance(4 * SECOND);
    expect(reader.isActive()).toBe(true);
    await clock.advance(30 * SECOND);
    expect(reader.isActive()).toBe(false);
  });

  it('is heard before the first reading has come, and while readings fail', async () => {
    const failing = new WindlassError('SourceUnavailable', 'down');
    const { clock, reader, streams, heard } = setup({ read: () => Promise.reject(failing) });
    await clock.advance(0);
    streams[0]!.active();
    expect(heard).toEqual(['active']);
    await clock.advance(300 * SECOND);
    expect(reader.latest()?.outcome.kind).toBe('error');
    expect(reader.isActive()).toBe(true);
  });

  it('is asked for its values at once, but not for each of many signals', async () => {
    const { clock, source, streams, heard } = setup();
    await clock.advance(10 * SECOND);
    const before = source.total;
    for (let i = 0; i < 50; i++) {
      streams[0]!.active();
      await clock.advance(200);
    }
    expect(heard).toHaveLength(10);
    expect(source.total - before).toBeGreaterThanOrEqual(1);
    expect(source.total - before).toBeLessThanOrEqual(3);
  });

  it('is not asked out of turn while its readings say that it is active', async () => {
    const { clock, source, streams } = setup({ read: () => ({ value: 1, active: true }) });
    await clock.advance(2 * SECOND);
    const before = source.total;
    for (let i = 0; i < 50; i++) {
      streams[0]!.active();
      await clock.advance(200);
    }
    expect(source.total).toBe(before);
  });

  it('does not become active by other messages, which only show that the stream lives', async () => {
    const { clock, reader, streams, heard } = setup();
    await clock.advance(0);
    streams[0]!.alive();
    expect(reader.isActive()).toBe(false);
    expect(heard).toEqual([]);
    expect(reader.latest()?.stream).toMatchObject({ state: 'live' });
  });

  it('is asked as soon as a broken stream is open again: a signal may have been missed', async () => {
    const { clock, source, streams } = setup();
    await clock.advance(10 * SECOND);
    for (const how of ['break', 'end'] as const) {
      const before = source.total;
      const opened = streams.length;
      streams.at(-1)![how]();
      await clock.advance(0);
      expect(source.total).toBe(before);
      await clock.advance(SECOND);
      expect([streams.length, source.total]).toEqual([opened + 1, before + 1]);
      await clock.advance(6 * SECOND);
    }
  });
});

describe('a source that names its metrics itself', () => {
  it('tells them with the first reading, and later only when they have changed', async () => {
    let specs = [spec('a')];
    const { clock, reader, heard } = setup({ metricSpecs: async () => specs });
    expect(reader.specs()).toBeUndefined();
    await clock.advance(0);
    expect(reader.specs()).toEqual([spec('a')]);
    await clock.advance(100 * SECOND);
    expect(heard).toEqual(['["a"]']);
    specs = [spec('a', 6)];
    await clock.advance(31 * SECOND);
    expect(reader.specs()).toEqual([spec('a', 6)]);
    expect(heard).toHaveLength(2);
  });

  it('keeps the metrics it knows while the source fails, which is an error of the reading', async () => {
    let fails = false;
    const { clock, reader } = setup({
      metricSpecs: async () => {
        if (fails) throw new WindlassError('SourceUnavailable', 'down');
        return [spec('a')];
      },
    });
    await clock.advance(0);
    fails = true;
    await clock.advance(31 * SECOND);
    expect(reader.latest()?.outcome).toMatchObject({ kind: 'error', error: { code: 'SourceUnavailable' } });
    expect(reader.specs()).toEqual([spec('a')]);
  });

  it('tells them although the values cannot be read', async () => {
    const { clock, reader } = setup({
      metricSpecs: async () => [spec('a')],
      read: () => Promise.reject(new WindlassError('SourceUnavailable', 'down')),
    });
    await clock.advance(0);
    expect(reader.latest()?.outcome.kind).toBe('error');
    expect(reader.specs()).toEqual([spec('a')]);
  });

  it('may push them, and an answer to an older question does not undo that', async () => {
    let answer: (specs: MetricSpec[]) => void = () => {};
    const { clock, reader, streams, heard } = setup({
      metricSpecs: () => new Promise((resolve) => (answer = resolve)),
    });
    await clock.advance(0);
    answer([spec('a')]);
    await clock.advance(31 * SECOND);
    streams[0]!.specs([spec('b')]);
    answer([spec('a')]);
    await clock.advance(0);
    expect(reader.specs()).toEqual([spec('b')]);
    expect(heard).toEqual(['["a"]', '["b"]']);
  });
});

it('takes no reading in which one of several values is no number', async () => {
  const { clock, reader } = setup({ read: () => ({ value: 1, values: { a: 1, b: Number.NaN } }) });
  await clock.advance(0);
  expect(reader.latest()?.outcome).toMatchObject({ kind: 'error', error: { code: 'SourceAnswerInvalid' } });
});
