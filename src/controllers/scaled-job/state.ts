import type { ScaledJobStatus } from '../../api/index.ts';
import type { ObjectStatus } from '../object-status.ts';
import type { Hold } from '../ownership.ts';
import type { Dependencies } from '../readers.ts';
import type { TriggerReports } from '../trigger-reports.ts';

/** What this process knows of a ScaledJob that it owns. All of it can be rebuilt from the objects and the sources. */
export interface ScaledJobState extends TriggerReports {
  uid: string;
  /** What everything is written through. */
  hold: Hold;
  status: ObjectStatus<ScaledJobStatus>;
  dependencies: Dependencies;
  /** When the object was last active, in milliseconds since 1970. */
  lastActiveAt: number | undefined;
  /** What the last reconcile was made for; another text asks for a new one. */
  reconciledFor: string | undefined;
  /** Something that the triggers were made from has changed. */
  stale: boolean;
  /** Reconciles that failed in a row for the same inputs, and when to try again (monotonic). */
  failures: number;
  retryAt: number;
  toldError: string | undefined;
  /** The reconcile came to its end: Jobs may be created. */
  runs: boolean;
  /** Until then (monotonic) no Jobs are created, because the last creation failed. */
  createRetryAt: number;
  /** What it failed by. */
  createFailure: string | undefined;
}
