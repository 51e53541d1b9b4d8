import type { Clock } from '../base/clock.ts';
import type { WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { MetricSpec, Reading, ScalerDefinition, ScalerDeps } from '../scalers/definition.ts';
import type { ConfigOf, Fields } from '../spec/trigger-fields.ts';

/** What came out of asking a source once: a number, nothing, or an error; never mixed. */
export type Outcome =
  | { kind: 'value'; reading: Reading }
  | { kind: 'no-data'; reason: string }
  | { kind: 'error'; error: WindlassError };

/** The newest knowledge about one query. Times are Clock.monotonic milliseconds unless they say otherwise. */
export interface Sample {
  outcome: Outcome;
  /** When the answer arrived. */
  at: number;
  /** The same as wall-clock milliseconds since 1970. */
  wallAt: number;
  /** How long the source took, in milliseconds. */
  took: number;
  /**
   * Polls that failed in a row, this one included; 0 after a success. One per polling interval since the first
   * failure, however often the source was really asked in between (early retries, reads by the HPA, an open breaker).
   */
  failures: number;
  /** When the first of those failures arrived; undefined after a success. */
  failingSince: number | undefined;
  /** The last good reading and when it was taken, also while errors go on. */
  lastGood: { reading: Reading; at: number; wallAt: number } | undefined;
  /** How long after its planned time the read began, in milliseconds; 0 for one that was asked for. */
  late?: number | undefined;
  /** Reads so far; grows by one with each. */
  attempt: number;
  /** Only for sources that push: whether their stream lives, since when, and why not. Polling goes on either way. */
  stream?: StreamState | undefined;
}

export interface StreamState {
  state: 'live' | 'broken';
  since: number;
  error?: WindlassError | undefined;
}

/** One query to one source. Equal keys are one query however many triggers ask. */
export interface Query<F extends Fields = Fields> {
  /** Trigger type, parsed configuration without target and activation, credential identity, scope. */
  key: string;
  /** Host and credential: what limits and breakers are counted by. */
  sourceKey: string;
  definition: ScalerDefinition<F>;
  config: ConfigOf<F>;
  deps: ScalerDeps;
  /** Longest time one read may take, in milliseconds; for triggers with a `timeout` of their own above the general one. */
  readTimeoutMs?: number | undefined;
}

export interface ReaderOptions {
  /** A reader asks for a sample at least this often, in milliseconds. */
  intervalMs: number;
  /** Called with every new sample; must not throw. */
  onSample(sample: Sample): void;
  /** Called when the source says by itself that there is work, at most once a second; see `Subscription.isActive`. */
  onActive?: (() => void) | undefined;
  /** Called when the source names its metrics, or other ones than before; see `Subscription.specs`. */
  onSpecs?: (() => void) | undefined;
}

/** A reader's hold on a query; the query stops when its last reader is gone. */
export interface Subscription {
  readonly key: string;
  /** The newest sample, if any. */
  latest(): Sample | undefined;
  /**
   * A sample not older than `maxAgeMs`: the newest if it is fresh, else the result of a refresh (shared with
   * everybody who waits for one). Waits at most `deadlineMs`, then gives the newest sample there is.
   */
  fresh(options: { maxAgeMs: number; deadlineMs: number }): Promise<Sample | undefined>;
  /** The metrics as the source last named them; undefined while it has not, and for sources that name none. */
  specs(): readonly MetricSpec[] | undefined;
  /** The source said by itself that there is work, and no later reading has taken over. */
  isActive(): boolean;
  setInterval(intervalMs: number): void;
  close(): void;
}

export interface Sampling {
  subscribe(query: Query, options: ReaderOptions): Subscription;
  /** Number of distinct queries, for metrics and tests. */
  size(): number;
  /** What is known of every query, for the page and for diagnosis. */
  queries(): IterableIterator<QueryState>;
  /** Closes every scaler and waits for it. */
  stop(): Promise<void>;
}

export interface QueryState {
  key: string;
  type: string;
  readers: number;
  intervalMs: number;
  sample: Sample | undefined;
  /** Milliseconds until the next planned read or report; undefined while one runs. */
  dueInMs: number | undefined;
  /** The source is not asked for now, because it failed again and again or asked for a pause. */
  held: boolean;
}

export interface SamplingLimits {
  /** Reads of one source (host and credential) at the same time. Default 10. */
  perSource: number;
  /**
   * Reads of all sources that are in their first second at the same time. Older ones do not count, so that hanging
   * sources cannot use up what the others need. Default 128.
   */
  starting: number;
  /** Longest time of one read in milliseconds, unless the query says otherwise. Default 30,000. */
  readTimeoutMs: number;
  /** Longest wait for running reads and for a scaler's close, in milliseconds. Default 5,000. */
  drainMs: number;
}

export interface SamplingOptions {
  clock: Clock;
  log: Logger;
  /** Numbers in [0, 1) for jitter. */
  random?: () => number;
  limits?: Partial<SamplingLimits>;
  /** Called after every question that was really asked of a source (not for repeated errors); for metrics. */
  onRead?: (query: Query, sample: Sample) => void;
}
