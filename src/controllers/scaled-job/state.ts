import type { ScaledJobStatus } from '../../api/index.ts';
import type { ObjectState } from '../object-state.ts';

/** What this process knows of a ScaledJob that it owns. */
export interface ScaledJobState extends ObjectState<ScaledJobStatus> {
  /** Until then (monotonic) no Jobs are created, because the last creation failed. */
  createRetryAt: number;
  /** What it failed by. */
  createFailure: string | undefined;
}
