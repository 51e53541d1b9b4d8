import type { ScaledJob, ScaledObject } from '../api/index.ts';
import { pauseState } from '../decision/pause.ts';

/** Timers bear no more than 24 days; and a clock that was set meanwhile is noticed once a day. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/** Asks for a run when the pause of an object is over, if it has an end. */
export function whenPauseEnds(object: ScaledObject | ScaledJob, now: number, again: (ms: number) => void): void {
  const pause = pauseState(object, now);
  if (pause.paused && pause.until !== undefined) again(Math.min(pause.until - now, LONGEST_WAIT_MS));
}
