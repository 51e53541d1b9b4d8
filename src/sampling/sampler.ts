import type { Timer } from '../base/clock.ts';
import type { Scaler } from '../scalers/definition.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { createLane, type Lane } from './gate.ts';
import { expected, lead, type Rhythm } from './rhythm.ts';
import type { Scheduled } from './schedule.ts';
import { createSignals, type Signals } from './signals.ts';
import type { Query, Sample, StreamState } from './types.ts';

/** One host and credential, with everything that asks it. */
export interface Source extends Scheduled {
  kind: 'source';
  key: string;
  lane: Lane<Sampler>;
  breaker: Breaker;
  samplers: Set<Sampler>;
}

/** Somebody who wants samples of a query. */
export interface Reader {
  intervalMs: number;
  onSample(sample: Sample): void;
  onActive: (() => void) | undefined;
  onSpecs: (() => void) | undefined;
  /** Only for readers that ask by themselves. */
  rhythm: Rhythm | undefined;
  maxAgeMs: number;
  /** The expected read that a refresh was already begun for. */
  prepared: number;
}

/** A read that is under way. */
export interface Run {
  controller: AbortController;
  startedAt: number;
  /** Milliseconds after its planned time. */
  late: number;
  starting: boolean;
  over: boolean;
  slow: Timer | undefined;
  deadline: Timer | undefined;
  settled: Promise<void>;
}

/** One query: plain data, since there may be ten thousand of them. */
export interface Sampler extends Scheduled {
  kind: 'sampler';
  query: Query;
  source: Source;
  readers: Set<Reader>;
  intervalMs: number;
  /** Where in its interval this query is asked, 0 to 1; spreads queries that were created together. */
  phase: number;
  scaler: Scaler | undefined;
  run: Run | undefined;
  queued: boolean;
  closed: boolean;
  sample: Sample | undefined;
  /** When the last read began, and how long reads take on average. */
  startedAt: number;
  took: number;
  /** Reads in a row that failed, and when the first of them began. */
  misses: number;
  failBase: number;
  /** Not asked again before this, because of its own failures. */
  retryAt: number;
  /** Reads given up at their deadline whose promise is still open. */
  hanging: number;
  waiters: { resolve(sample: Sample | undefined): void; timer: Timer }[];
  stream: { control: AbortController; state: StreamState | undefined; pushedAt: number } | undefined;
  signals: Signals;
}

export function createSource(key: string): Source {
  return { kind: 'source', due: 0, slot: -1, key, lane: createLane(), breaker: createBreaker(), samplers: new Set() };
}

export function createSampler(query: Query, source: Source): Sampler {
  return {
    kind: 'sampler',
    due: 0,
    slot: -1,
    query,
    source,
    readers: new Set(),
    intervalMs: Number.POSITIVE_INFINITY,
    phase: phaseOf(query.key),
    scaler: undefined,
    run: undefined,
    queued: false,
    closed: false,
    sample: undefined,
    startedAt: Number.NEGATIVE_INFINITY,
    took: 0,
    misses: 0,
    failBase: 0,
    retryAt: 0,
    hanging: 0,
    waiters: [],
    stream: undefined,
    signals: createSignals(),
  };
}

/** FNV-1a of the key as a fraction: the same query has the same place in its interval on every replica. */
export function phaseOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  // Murmur's last mixing step: alone, FNV leaves the upper bits of keys that differ in their last letters alike.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** The least of the readers' intervals. Stops looking as soon as the present one is confirmed. */
export function demandedInterval(sampler: Sampler): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { intervalMs } of sampler.readers) {
    if (intervalMs === sampler.intervalMs) return intervalMs;
    least = Math.min(least, intervalMs);
  }
  return least;
}

/** Whether the stream tells everything, so that the last reading is the present one and need not be asked for. */
export function streamSuffices(sampler: Sampler): boolean {
  const { scaler, stream, sample } = sampler;
  if (!scaler?.watchIsComplete || stream?.state?.state !== 'live' || sample?.outcome.kind !== 'value') return false;
  return stream.pushedAt >= stream.state.since;
}

/** When to begin a refresh for one reader's expected read; undefined when none is needed. */
export function refreshFor(sampler: Sampler, reader: Reader, now: number): number | undefined {
  if (!reader.rhythm || !sampler.sample) return undefined;
  const next = expected(reader.rhythm, now);
  if (next === undefined || next === reader.prepared || sampler.sample.at + reader.maxAgeMs >= next) return undefined;
  return Math.max(now, next - lead(reader.rhythm, sampler.took, reader.maxAgeMs));
}

/**
 * When a query that does not fail is to be read next: an interval after the last read began, or ahead of the read
 * that some reader is expected to make. Queries nobody asks by the clock move to their own place in the interval, by
 * at most half an interval at a time, so the gap between two reads is never longer than the interval.
 */
export function nextRead(sampler: Sampler, now: number): number {
  const { startedAt, intervalMs, phase } = sampler;
  let due = startedAt + intervalMs;
  let driven = false;
  for (const reader of sampler.readers) {
    if (!reader.rhythm || Number.isNaN(reader.rhythm.period)) continue;
    driven ||= expected(reader.rhythm, now) !== undefined;
    due = Math.min(due, refreshFor(sampler, reader, now) ?? due);
  }
  if (driven) return due;
  const past = (((due - phase * intervalMs) % intervalMs) + intervalMs) % intervalMs;
  return due - Math.min(past, intervalMs / 2);
}
