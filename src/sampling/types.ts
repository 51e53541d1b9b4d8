import type { WindlassError } from '../base/errors.ts';
import type { ConfigOf, Fields } from '../spec/trigger-fields.ts';
import type { Reading, ScalerDefinition, ScalerDeps } from '../scalers/definition.ts';

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
  /** Reads that failed in a row, this one included; 0 after a success. */
  failures: number;
  /** The last good reading and when it was taken, also while errors go on. */
  lastGood: { reading: Reading; at: number; wallAt: number } | undefined;
  /** Reads so far; grows by one with each. */
  attempt: number;
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
}

export interface ReaderOptions {
  /** A reader asks for a sample at least this often, in milliseconds. */
  intervalMs: number;
  /** Called with every new sample; must not throw. */
  onSample(sample: Sample): void;
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
  setInterval(intervalMs: number): void;
  close(): void;
}

export interface Sampling {
  subscribe(query: Query, options: ReaderOptions): Subscription;
  /** Number of distinct queries, for metrics and tests. */
  size(): number;
  /** Closes every scaler and waits for it. */
  stop(): Promise<void>;
}
