import type { Clock } from '../base/clock.ts';
import type { MetricSpec, Reading, Scaler } from '../scalers/definition.ts';
import type { Reader, Run, Sampler } from './sampler.ts';

/** What a source says beside readings: that there is work, and which metrics it has. */
export interface Signals {
  specs: readonly MetricSpec[] | undefined;
  /** When the stream last told the metrics. */
  specsPushedAt: number;
  /** When the source last said that there is work, until a reading of later takes over. */
  activeAt: number | undefined;
  /** When readers were last told so, and when a reading was last asked for because of it. */
  toldAt: number;
  askedAt: number;
}

/** A source may repeat itself many times a second; readers hear of it once. */
const TELL_EVERY_MS = 1_000;
const ASK_EVERY_MS = 5_000;
/**
 * A signal counts at least this long whatever is read meanwhile: some sources say "work" once and, asked a moment later,
 * have nothing to show for it. KEDA 2.21 acts upon the event itself.
 */
const ACTIVE_MS = 5_000;

export function createSignals(): Signals {
  const never = Number.NEGATIVE_INFINITY;
  return { specs: undefined, specsPushedAt: never, activeAt: undefined, toldAt: never, askedAt: never };
}

export type Tell = (sampler: Sampler, tell: (reader: Reader) => void) => void;

/** Reads a source and, where it names its metrics itself, asks for these at the same time. */
export function readWithSpecs(sampler: Sampler, scaler: Scaler, run: Run, tell: Tell): Promise<Reading> {
  const { signal } = run.controller;
  if (!scaler.metricSpecs) return scaler.read(signal);
  const specs = scaler.metricSpecs(signal).then((told) => {
    // What the stream said since this question was put is newer than its answer.
    if (sampler.scaler === scaler && sampler.signals.specsPushedAt < run.startedAt) noteSpecs(sampler, told, tell);
  });
  return Promise.allSettled([specs, scaler.read(signal)]).then(([asked, read]) => {
    if (asked.status === 'rejected') throw asked.reason;
    if (read.status === 'rejected') throw read.reason;
    return read.value;
  });
}

/** Keeps the metrics and tells readers if they are other ones than before. */
function noteSpecs(sampler: Sampler, specs: readonly MetricSpec[], tell: Tell): void {
  const { signals } = sampler;
  if (sampler.closed || JSON.stringify(signals.specs) === JSON.stringify(specs)) return;
  signals.specs = specs;
  tell(sampler, (reader) => reader.onSpecs?.());
}

/** The source says that there is work. True when that is news, so that a reading is wanted. */
function noteActive(sampler: Sampler, now: number, tell: Tell): boolean {
  const { signals, sample } = sampler;
  if (sampler.closed) return false;
  signals.activeAt = now;
  if (now - signals.toldAt >= TELL_EVERY_MS) {
    signals.toldAt = now;
    tell(sampler, (reader) => reader.onActive?.());
  }
  const known = sample?.outcome.kind === 'value' && sample.outcome.reading.active === true;
  if (known || now - signals.askedAt < ASK_EVERY_MS) return false;
  signals.askedAt = now;
  return true;
}

/** What a stream's signals do to its query; `ask` wants a reading at once. */
export function streamSignals(sampler: Sampler, clock: Pick<Clock, 'monotonic'>, tell: Tell, ask: () => void) {
  return {
    onActive() {
      if (noteActive(sampler, clock.monotonic(), tell)) ask();
    },
    onSpecs(specs: MetricSpec[]) {
      sampler.signals.specsPushedAt = clock.monotonic();
      noteSpecs(sampler, specs, tell);
    },
    onReopen() {
      // A complete stream says everything again by itself.
      if (!sampler.scaler?.watchIsComplete) ask();
    },
  };
}

/** A reading came: it says from now on whether there is work, unless a signal is newer. */
export function settleActive(sampler: Sampler, askedAt: number): void {
  const { signals } = sampler;
  if (signals.activeAt === undefined || askedAt < signals.activeAt + ACTIVE_MS) return;
  signals.activeAt = undefined;
  signals.toldAt = Number.NEGATIVE_INFINITY;
}
