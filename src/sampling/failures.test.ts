import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { createScriptedSource, type Script } from '../../test/support/scripted-source.ts';
import { type ErrorCode, WindlassError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import type { Reading } from '../scalers/definition.ts';
import { createSampling } from './index.ts';
import type { Sample, SamplingOptions } from './types.ts';

const SECOND = 1_000;
const HPA = { maxAgeMs: SECOND, deadlineMs: SECOND };

function setup(script: Omit<Script, 'clock'> = {}, options: Partial<SamplingOptions> = {}) {
  const clock = createFakeClock();
  const source = createScriptedSource({ clock, ...script });
  const sampling = createSampling({ clock, log: silentLogger, random: () => 1, ...options });
  const seen: (Sample & { seenAt: number })[] = [];
  const subscribe = (key = 'q', seconds = 30, sourceKey = key) =>
    sampling.subscribe(source.query(key, sourceKey), {
      intervalMs: seconds * SECOND,
      onSample: (s) => seen.push({ ...s, seenAt: clock.monotonic() }),
    });
  return { clock, source, sampling, seen, subscribe };
}

/** A source that fails with `code` until told to work. */
function switchable(code: ErrorCode, retryAfter?: number) {
  const state = { works: false };
  const read = (): Reading => {
    if (state.works) return { value: 7 };
    throw new WindlassError(code, 'the broker refuses', retryAfter === undefined ? {} : { retryAfter });
  };
  return { state, read };
}

const hang = () => new Promise<Reading>(() => {});

describe('a source that fails', () => {
  it('is tried again soon, then less and less, and back at once when it works', async () => {
    const { state, read } = switchable('SourceUnavailable');
    const { clock, source, seen, subscribe } = setup({ read });
    subscribe('q', 30);
    await clock.advance(60 * SECOND);
    // 1, 2, 4 and 8 s by the query itself; the fifth miss opens the breaker, whose probes go out after 1, 2, 4, … 15 s.
    expect(source.asked.get('q')).toEqual([0, 1, 3, 7, 15, 16, 18, 22, 30, 45, 60].map((s) => s * SECOND));
    state.works = true;
    await clock.advance(15 * SECOND);
    expect(seen.at(-1)).toMatchObject({ outcome: { kind: 'value' }, failures: 0, failingSince: undefined });
  });

  it('counts one failure per poll, however often it was asked in between', async () => {
    const { read } = switchable('SourceUnavailable');
    const { clock, seen, subscribe } = setup({ read });
    const reader = subscribe('q', 30);
    const counts: number[] = [];
    for (let i = 0; i < 8; i++) {
      await clock.advance(15 * SECOND);
      await reader.fresh(HPA);
      counts.push(seen.at(-1)!.failures);
    }
    expect(counts).toEqual([1, 2, 2, 3, 3, 4, 4, 5]);
    expect(seen.at(-1)!.failingSince).toBe(0);
  });

  it('goes on counting polls while the breaker keeps it away, and shows the error with its own time', async () => {
    const { read } = switchable('SourceThrottled', 300 * SECOND);
    const { clock, source, seen, subscribe } = setup({ read });
    subscribe('q', 30);
    await clock.advance(299 * SECOND);
    expect(source.total).toBe(1);
    expect(seen.map((s) => [s.seenAt / SECOND, s.failures])).toEqual(
      [0, 30, 60, 90, 120, 150, 180, 210, 240, 270].map((t, i) => [t, i + 1]),
    );
    expect(seen.at(-1)).toMatchObject({
      at: 0,
      attempt: 1,
      outcome: { kind: 'error', error: { code: 'SourceThrottled' } },
    });
    await clock.advance(SECOND);
    expect(source.total).toBe(2);
  });

  it('asks a source whose user has to act once per poll and no more, whatever the HPA does', async () => {
    const { read } = switchable('CredentialRefused');
    const { clock, source, subscribe } = setup({ read });
    const reader = subscribe('q', 30);
    for (let i = 0; i < 40; i++) {
      await clock.advance(3 * SECOND);
      await reader.fresh(HPA);
    }
    expect(source.total).toBe(5);
  });

  it('keeps the last good value beside the error', async () => {
    const { state, read } = switchable('SourceUnavailable');
    state.works = true;
    const { clock, seen, subscribe } = setup({ read });
    subscribe('q', 10);
    await clock.advance(0);
    state.works = false;
    await clock.advance(15 * SECOND);
    expect(seen.at(-1)).toMatchObject({ outcome: { kind: 'error' }, lastGood: { reading: { value: 7 }, at: 0 } });
  });

  it('gets a scaler that is built anew after five failures in a row, and the old one is closed', async () => {
    const { read } = switchable('SourceAnswerInvalid');
    const { clock, source, subscribe } = setup({ read });
    subscribe('q', 5);
    await clock.advance(120 * SECOND);
    expect(source.built).toBeGreaterThan(1);
    expect(source.closed).toBe(source.built - 1);
  });

  it('fails alone: one wrong query on a host does not hold back the others', async () => {
    const { clock, source, subscribe } = setup({
      read: (key) => {
        if (key === 'bad') throw new WindlassError('SourceNotFound', 'no such queue');
        return { value: 1 };
      },
    });
    subscribe('bad', 5, 'host');
    subscribe('good', 5, 'host');
    await clock.advance(100 * SECOND);
    expect(source.asked.get('good')!.length).toBeGreaterThanOrEqual(20);
  });
});

describe('the breaker of a source', () => {
  it('probes for all queries of a dead host with one read at a time', async () => {
    const { state, read } = switchable('SourceUnavailable');
    const { clock, source, seen, subscribe } = setup({ read }, { limits: { perSource: 5 } });
    for (let i = 0; i < 200; i++) subscribe(`q${i}`, 30, 'host');
    await clock.advance(0);
    // The first five find out while four more are already out; the other 191 are told without asking.
    expect(source.total).toBe(9);
    expect(new Set(seen.map((s) => s.outcome.kind))).toEqual(new Set(['error']));
    await clock.advance(300 * SECOND);
    expect(source.total).toBeLessThan(35);

    seen.length = 0;
    state.works = true;
    await clock.advance(15 * SECOND);
    expect(seen.filter((s) => s.outcome.kind === 'value').length).toBeGreaterThanOrEqual(200);
  });

  it('never serves a number of its own: a held query keeps its error through every read', async () => {
    const { read } = switchable('SourceUnavailable');
    const { clock, subscribe } = setup({ read });
    const reader = subscribe('q', 30);
    await clock.advance(100 * SECOND);
    for (let i = 0; i < 50; i++) {
      await clock.advance(731);
      const answer = reader.fresh(HPA);
      await clock.advance(0);
      expect((await answer)?.outcome.kind).toBe('error');
    }
  });

  it('takes any answer that proves the host alive as the end of the outage', async () => {
    let code: ErrorCode = 'SourceUnavailable';
    const { clock, source, sampling, subscribe } = setup({
      read: () => {
        throw new WindlassError(code, 'no');
      },
    });
    subscribe('q', 5);
    await clock.advance(40 * SECOND);
    expect([...sampling.queries()][0]?.held).toBe(true);
    code = 'CredentialRefused';
    await clock.advance(15 * SECOND);
    expect([...sampling.queries()][0]?.held).toBe(false);
    expect(source.total).toBeGreaterThan(0);
  });

  it('goes on probing when the query that was to probe is closed', async () => {
    const { state, read } = switchable('SourceUnavailable');
    const { clock, seen, subscribe } = setup({ read });
    const first = subscribe('a', 5, 'host');
    subscribe('b', 5, 'host');
    await clock.advance(30 * SECOND);
    first.close();
    state.works = true;
    seen.length = 0;
    await clock.advance(20 * SECOND);
    expect(seen.at(-1)?.outcome.kind).toBe('value');
  });
});

describe('a source that hangs', () => {
  it('costs the others nothing', async () => {
    const { clock, source, subscribe } = setup(
      { read: (key) => (key.startsWith('dead') ? hang() : { value: 1 }) },
      { limits: { starting: 20, perSource: 4, readTimeoutMs: 60 * SECOND } },
    );
    for (let i = 0; i < 50; i++) subscribe(`dead${i}`, 10);
    for (let i = 0; i < 50; i++) subscribe(`live${i}`, 10);
    await clock.advance(60 * SECOND);
    const gaps = [...source.asked]
      .filter(([key]) => key.startsWith('live'))
      .flatMap(([, times]) => times.slice(1).map((t, i) => t - times[i]!));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(12 * SECOND);
    for (let i = 0; i < 50; i++) expect(source.asked.get(`live${i}`)!.length).toBeGreaterThanOrEqual(6);
  });

  it('gives an error at the deadline, and the abort reaches the scaler', async () => {
    const reasons: unknown[] = [];
    const { clock, seen, subscribe } = setup({
      read: (_key, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          }),
        ),
    });
    subscribe();
    await clock.advance(30 * SECOND);
    expect(seen[0]).toMatchObject({ took: 30 * SECOND, outcome: { kind: 'error', error: { code: 'SourceTimeout' } } });
    expect(reasons).toMatchObject([{ code: 'SourceTimeout' }]);
  });

  it('is asked twice at most while reads that ignore their abort still hang, by a scaler of its own', async () => {
    const open: ((reading: Reading) => void)[] = [];
    const { clock, source, seen, subscribe } = setup({
      read: () => new Promise((resolve) => open.push(resolve)),
    });
    subscribe('q', 30);
    await clock.advance(600 * SECOND);
    expect(source.running).toBe(2);
    expect(source.built).toBe(2);
    expect(seen.at(-1)!.failures).toBeGreaterThan(15);
    open[0]!({ value: 5 });
    await clock.advance(0);
    // What an abandoned read brings in the end is nobody's sample.
    expect(seen.at(-1)?.outcome.kind).toBe('error');
    await clock.advance(30 * SECOND);
    expect(source.total).toBe(3);
  });

  it('does not keep a stop waiting beyond the drain limit', async () => {
    const { clock, source, sampling, subscribe } = setup({ read: hang });
    subscribe();
    await clock.advance(0);
    let stopped = false;
    const stop = sampling.stop().then(() => {
      stopped = true;
    });
    await clock.advance(4 * SECOND);
    expect(stopped).toBe(false);
    await clock.advance(SECOND);
    await stop;
    expect(source.closed).toBe(1);
    expect(sampling.size()).toBe(0);
  });
});

describe('a module that cannot be loaded', () => {
  it('is an error of the query and is tried again', async () => {
    const clock = createFakeClock();
    const source = createScriptedSource({ clock });
    const query = source.query('q');
    let broken = true;
    const load = query.definition.load;
    const definition = {
      ...query.definition,
      load: () => (broken ? Promise.reject(new Error('no such file')) : load()),
    };
    const sampling = createSampling({ clock, log: silentLogger });
    const reader = sampling.subscribe({ ...query, definition }, { intervalMs: 5 * SECOND, onSample: () => {} });
    await clock.advance(0);
    expect(reader.latest()?.outcome).toMatchObject({ kind: 'error', error: { code: 'Internal' } });
    broken = false;
    await clock.advance(5 * SECOND);
    expect(reader.latest()?.outcome.kind).toBe('value');
  });
});
