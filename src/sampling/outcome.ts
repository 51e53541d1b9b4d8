import { describeError, WindlassError } from '../base/errors.ts';
import type { Reading } from '../scalers/definition.ts';
import type { Outcome, Sample, StreamState } from './types.ts';

/** Anything a scaler threw as one of our errors. */
export function errorOf(thrown: unknown, type: string): WindlassError {
  if (thrown instanceof WindlassError) return thrown;
  return new WindlassError('Internal', `the ${type} trigger failed in an unexpected way: ${describeError(thrown)}`, {
    cause: thrown,
  });
}

/** A thrown thing as an outcome: "no data" is none of the errors. */
export function failureOf(thrown: unknown, type: string): Outcome {
  const error = errorOf(thrown, type);
  return error.family === 'no-data' ? { kind: 'no-data', reason: error.message } : { kind: 'error', error };
}

/** A reading as an outcome. What is not a finite number is no value: KEDA 2.21 would report 0 and scale in. */
export function outcomeOf(reading: Reading, type: string): Outcome {
  const unsound = [reading.value, ...Object.values(reading.values ?? {})].find((value) => !Number.isFinite(value));
  if (unsound === undefined) return { kind: 'value', reading };
  const error = new WindlassError('SourceAnswerInvalid', `the ${type} trigger's source answered ${unsound}`, {
    hint: 'change the query so that it gives a finite number',
  });
  return { kind: 'error', error };
}

/** Polls that have failed by now, one per interval since the first failing read began. */
export function failedPolls(firstStart: number, now: number, intervalMs: number): number {
  // The epsilon keeps a poll that comes at the exact multiple from being counted late by a rounding error.
  return 1 + Math.max(0, Math.floor((now - firstStart) / intervalMs + 1e-9));
}

/** A moment on both clocks. */
export interface Moment {
  at: number;
  wallAt: number;
}

/** The sample after a read. `failures` is 0 unless it failed. */
export function sampleOfRead(
  before: Sample | undefined,
  read: {
    outcome: Outcome;
    moment: Moment;
    took: number;
    late?: number;
    failures: number;
    stream: StreamState | undefined;
  },
): Sample {
  const { outcome, moment, took, late = 0, failures, stream } = read;
  return {
    outcome,
    ...moment,
    took,
    late,
    failures,
    failingSince: outcome.kind === 'error' ? (before?.failingSince ?? moment.at) : undefined,
    lastGood: outcome.kind === 'value' ? { reading: outcome.reading, ...moment } : before?.lastGood,
    attempt: (before?.attempt ?? 0) + 1,
    stream,
  };
}

/** The sample after a poll that did not ask because the query is held back: as old as the error that it repeats. */
export function sampleOfHold(
  before: Sample | undefined,
  hold: { error: WindlassError; moment: Moment; failures: number; stream: StreamState | undefined },
): Sample {
  const { error, moment, failures, stream } = hold;
  const { at, wallAt } = before?.outcome.kind === 'error' ? before : moment;
  return {
    outcome: { kind: 'error', error },
    at,
    wallAt,
    took: 0,
    failures,
    failingSince: before?.failingSince ?? moment.at,
    lastGood: before?.lastGood,
    attempt: before?.attempt ?? 0,
    stream,
  };
}
