import { hasCode, isTerminal, WindlassError } from '../base/errors.ts';

const FIRST_MS = 500;
const LONGEST_MS = 300_000;
/** For errors that only a change mends; most changes are watched and come at once, this is for the others. */
const TERMINAL_MS = 300_000;

/** Targets of other kinds than Deployments and StatefulSets, and the kinds themselves, are not watched. */
const TARGET_MS = 15_000;

/** Milliseconds until something that failed `failures` times in a row is tried again; the source's own wish counts. */
export function retryDelay(error: unknown, failures: number): number {
  if (hasCode(error, 'TargetNotFound', 'TargetNotScalable')) return TARGET_MS;
  if (isTerminal(error)) return TERMINAL_MS;
  const asked = error instanceof WindlassError ? (error.retryAfter ?? 0) : 0;
  return Math.max(asked, Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS));
}
