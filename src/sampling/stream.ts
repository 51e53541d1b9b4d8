import type { Clock } from '../base/clock.ts';
import { WindlassError } from '../base/errors.ts';
import type { MetricSpec, Reading, Scaler } from '../scalers/definition.ts';
import { backoff } from './breaker.ts';
import { errorOf } from './outcome.ts';
import type { StreamState } from './types.ts';

/** A stream that has said nothing counts as alive once it has stayed up for this long. */
const SETTLED_MS = 5_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

export interface StreamOptions {
  /** A trigger type, for messages. */
  type: string;
  watch: NonNullable<Scaler['watch']>;
  signal: AbortSignal;
  clock: Clock;
  random: () => number;
  onReading(reading: Reading): void;
  onActive(): void;
  onSpecs(specs: MetricSpec[]): void;
  /** A stream that had broken is open again: what it would have said in between has to be asked for. */
  onReopen(): void;
  /** `quiet` when a reading that carries the news follows at once. */
  onState(state: StreamState, quiet: boolean): void;
}

/** Keeps a scaler's stream open until the signal is aborted; a stream that breaks or ends is opened again with back-off. */
export async function followStream(options: StreamOptions): Promise<void> {
  const { type, watch, signal, clock, random, onReading, onState } = options;
  let failures = 0;
  let wasLive = false;
  while (!signal.aborted) {
    let live = false;
    const settled = (quiet: boolean) => {
      if (live || signal.aborted) return;
      live = true;
      wasLive = true;
      failures = 0;
      onState({ state: 'live', since: clock.monotonic() }, quiet);
    };
    const timer = clock.after(SETTLED_MS, () => settled(false));
    let error: WindlassError;
    try {
      const hear = (isReading: boolean, act: () => void) => {
        if (signal.aborted) return;
        settled(isReading);
        act();
      };
      const streaming = watch(signal, (reading) => hear(true, () => onReading(reading)), {
        active: () => hear(false, options.onActive),
        specs: (specs) => hear(false, () => options.onSpecs(specs)),
        alive: () => hear(false, () => {}),
      });
      if (wasLive) options.onReopen();
      wasLive = false;
      await streaming;
      error = new WindlassError('SourceUnavailable', `the stream of the ${type} trigger ended`);
    } catch (thrown) {
      error = errorOf(thrown, type);
    } finally {
      timer.cancel();
    }
    if (signal.aborted) return;
    onState({ state: 'broken', since: clock.monotonic(), error }, false);
    const pause = error.retryAfter ?? backoff(failures++, FIRST_RETRY_MS, LAST_RETRY_MS, random);
    await clock.sleep(pause, signal).catch(() => {});
  }
}
