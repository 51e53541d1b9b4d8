import type { Logger } from '../../src/base/log.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { Query } from '../../src/sampling/types.ts';
import type {
  ClusterReader,
  MetricSpec,
  Reading,
  Scaler,
  ScalerDefinition,
  StreamSignals,
} from '../../src/scalers/definition.ts';
import type { FakeClock } from './fake-clock.ts';

export interface ScriptedSource {
  /** Times (monotonic ms) at which reads began, per query key. */
  asked: Map<string, number[]>;
  /** All reads that began. */
  readonly total: number;
  /** Reads that run now, and the most that ever did. */
  readonly running: number;
  readonly peak: number;
  readonly built: number;
  readonly closed: number;
  readonly loads: number;
  query(key: string, sourceKey?: string): Query;
}

export interface Script {
  clock: FakeClock;
  /** Answers one read; `count` is 1 for the key's first. Default: the value 1 at once. */
  read?: (key: string, signal: AbortSignal, count: number) => Promise<Reading> | Reading;
  watch?: (
    key: string,
    signal: AbortSignal,
    onReading: (reading: Reading) => void,
    signals?: StreamSignals,
  ) => Promise<void>;
  /** For sources that name their metrics themselves. */
  metricSpecs?: () => Promise<MetricSpec[]>;
  watchIsComplete?: boolean;
  log?: Logger;
}

const noCluster: ClusterReader = {
  watchPods: () => Promise.reject(new Error('no cluster in this test')),
  serviceEndpoints: () => Promise.reject(new Error('no cluster in this test')),
  listPods: () => Promise.reject(new Error('no cluster in this test')),
};

/** A trigger type whose source does what a test says, and that counts what it is asked. */
export function createScriptedSource(script: Script): ScriptedSource {
  const { clock } = script;
  const asked = new Map<string, number[]>();
  const counts = { total: 0, running: 0, peak: 0, built: 0, closed: 0, loads: 0 };

  const createScaler = (key: string): Scaler => {
    counts.built++;
    let closed = false;
    const { watch, metricSpecs } = script;
    return {
      async read(signal) {
        if (closed) throw new Error('read after close');
        const times = asked.get(key) ?? [];
        asked.set(key, times);
        times.push(clock.monotonic());
        counts.total++;
        counts.running++;
        counts.peak = Math.max(counts.peak, counts.running);
        try {
          return (await script.read?.(key, signal, times.length)) ?? { value: 1 };
        } finally {
          counts.running--;
        }
      },
      ...(watch ? { watch: (signal, onReading, signals) => watch(key, signal, onReading, signals) } : {}),
      ...(metricSpecs ? { metricSpecs } : {}),
      ...(script.watchIsComplete ? { watchIsComplete: true } : {}),
      async close() {
        if (!closed) counts.closed++;
        closed = true;
      },
    };
  };

  const definition: ScalerDefinition = {
    type: 'scripted',
    title: 'Scripted',
    summary: 'Answers what a test says.',
    category: 'External',
    scalerLabel: 'scriptedScaler',
    fields: {},
    podIdentity: ['none'],
    metrics: () => [],
    examples: [],
    async load() {
      counts.loads++;
      return { createScaler: (config) => createScaler((config as { key: string }).key) };
    },
  };

  return {
    asked,
    get total() {
      return counts.total;
    },
    get running() {
      return counts.running;
    },
    get peak() {
      return counts.peak;
    },
    get built() {
      return counts.built;
    },
    get closed() {
      return counts.closed;
    },
    get loads() {
      return counts.loads;
    },
    query: (key, sourceKey = key) => ({
      key,
      sourceKey,
      definition,
      config: { key } as never,
      deps: {
        clock,
        log: script.log ?? silentLogger,
        http: { timeoutMs: 3000, keepAlive: true, minTlsVersion: 'TLSv1.2', extraCa: [] },
        cluster: noCluster,
        context: {
          triggerIndex: 0,
          namespace: 'default',
          objectName: key,
          objectKind: 'ScaledObject',
          triggerName: undefined,
          metricType: undefined,
          podIdentity: { provider: 'none' },
          asMetricSource: false,
        },
        env: {},
      },
    }),
  };
}

/** A read that takes `ms` of the test's clock and then answers; an abort ends it at once. */
export function answerAfter(clock: FakeClock, ms: number, value: number) {
  return async (_key: string, signal: AbortSignal): Promise<Reading> => {
    await clock.sleep(ms, signal);
    return { value };
  };
}
