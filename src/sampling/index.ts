import { createEngine } from './engine.ts';
import { createRhythm, heard } from './rhythm.ts';
import { createSampler, createSource, demandedInterval, type Reader, type Sampler, type Source } from './sampler.ts';
import type {
  Query,
  QueryState,
  ReaderOptions,
  Sample,
  Sampling,
  SamplingLimits,
  SamplingOptions,
  Subscription,
} from './types.ts';

const DEFAULT_LIMITS: SamplingLimits = { perSource: 10, starting: 128, readTimeoutMs: 30_000, drainMs: 5_000 };

/** No reader makes a query faster than this, whatever a manifest says. */
const LEAST_INTERVAL_MS = 100;

/**
 * The only caller of scalers. Equal queries are one query, read once at a time for everybody who wants it; a slow or
 * broken source costs the others nothing. To replace a subscription without losing what is known and connected,
 * subscribe anew before closing the old one.
 */
export function createSampling(options: SamplingOptions): Sampling {
  const { clock, log, random = Math.random, onRead = () => {} } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const engine = createEngine({ clock, log, random, limits, onRead });
  const samplers = new Map<string, Sampler>();
  const sources = new Map<string, Source>();

  const join = (query: Query): Sampler => {
    let sampler = samplers.get(query.key);
    if (sampler) return sampler;
    let source = sources.get(query.sourceKey);
    if (!source) {
      source = createSource(query.sourceKey);
      sources.set(query.sourceKey, source);
    }
    sampler = createSampler(query, source);
    source.samplers.add(sampler);
    samplers.set(query.key, sampler);
    return sampler;
  };

  const end = (sampler: Sampler) => {
    samplers.delete(sampler.query.key);
    engine.close(sampler);
    if (sampler.source.samplers.size === 0) sources.delete(sampler.source.key);
  };

  const adjust = (sampler: Sampler) => {
    const interval = demandedInterval(sampler);
    if (interval === sampler.intervalMs) return;
    sampler.intervalMs = interval;
    engine.plan(sampler);
  };

  const subscribe = (query: Query, { intervalMs, onSample, onActive, onSpecs }: ReaderOptions): Subscription => {
    const sampler = join(query);
    const reader: Reader = {
      intervalMs: Math.max(intervalMs, LEAST_INTERVAL_MS),
      onSample,
      onActive,
      onSpecs,
      rhythm: undefined,
      maxAgeMs: Number.POSITIVE_INFINITY,
      prepared: Number.NaN,
    };
    sampler.readers.add(reader);
    if (reader.intervalMs < sampler.intervalMs) {
      sampler.intervalMs = reader.intervalMs;
      engine.plan(sampler);
    }
    return {
      key: query.key,
      latest: () => sampler.sample,
      fresh({ maxAgeMs, deadlineMs }) {
        if (!sampler.readers.has(reader)) return Promise.resolve(sampler.sample);
        const now = clock.monotonic();
        reader.rhythm ??= createRhythm();
        reader.maxAgeMs = maxAgeMs;
        heard(reader.rhythm, now);
        if (sampler.sample && now - sampler.sample.at <= maxAgeMs) {
          engine.nudge(sampler, reader);
          return Promise.resolve(sampler.sample);
        }
        if (!engine.request(sampler, true)) return Promise.resolve(sampler.sample);
        return awaitSample(sampler, deadlineMs);
      },
      specs: () => sampler.signals.specs,
      isActive: () => sampler.signals.activeAt !== undefined,
      setInterval(ms) {
        reader.intervalMs = Math.max(ms, LEAST_INTERVAL_MS);
        if (sampler.readers.has(reader)) adjust(sampler);
      },
      close() {
        if (!sampler.readers.delete(reader)) return;
        if (sampler.readers.size === 0) end(sampler);
        else adjust(sampler);
      },
    };
  };

  const awaitSample = (sampler: Sampler, deadlineMs: number) =>
    new Promise<Sample | undefined>((resolve) => {
      const waiter = {
        resolve,
        timer: clock.after(deadlineMs, () => {
          const at = sampler.waiters.indexOf(waiter);
          if (at >= 0) sampler.waiters.splice(at, 1);
          resolve(sampler.sample);
        }),
      };
      sampler.waiters.push(waiter);
    });

  return {
    subscribe,
    size: () => samplers.size,
    *queries(): IterableIterator<QueryState> {
      const now = clock.monotonic();
      for (const sampler of samplers.values()) {
        yield {
          key: sampler.query.key,
          type: sampler.query.definition.type,
          readers: sampler.readers.size,
          intervalMs: sampler.intervalMs,
          sample: sampler.sample,
          dueInMs: sampler.slot < 0 ? undefined : Math.max(0, sampler.due - now),
          held: sampler.source.breaker.hold !== undefined,
        };
      }
    },
    async stop() {
      for (const sampler of [...samplers.values()]) {
        sampler.readers.clear();
        end(sampler);
      }
      await engine.drained();
    },
  };
}
