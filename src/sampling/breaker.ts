import { WindlassError } from '../base/errors.ts';

/** What is known about the reachability of one source. */
export interface Breaker {
  /** Reads in a row that did not reach the source, over all its queries. */
  misses: number;
  /** Set while the source is not asked; `until` is when the next probe may go out. */
  hold: { until: number; since: number; error: WindlassError } | undefined;
  /** Probes in a row that failed. */
  probes: number;
}

/** Five reads in a row, of any of the source's queries: one broken query alone is kept back by its own delay. */
const MISSES_TO_OPEN = 5;
const FIRST_PROBE_MS = 1_000;
/** An HPA asks every 15 s; a source that is back should be found within that time. */
const LAST_PROBE_MS = 15_000;
/** No vendor's Retry-After keeps a source away for longer than this. */
const LONGEST_PAUSE_MS = 600_000;

export function createBreaker(): Breaker {
  return { misses: 0, hold: undefined, probes: 0 };
}

/** `base` doubled with each step up to `cap`, of which the upper half is spread by `random`. */
export function backoff(step: number, base: number, cap: number, random: () => number): number {
  const full = Math.min(cap, base * 2 ** Math.min(step, 30));
  return full * (0.5 + random() / 2);
}

/** The source answered, whatever it said. */
export function reached(breaker: Breaker): void {
  breaker.misses = 0;
  breaker.probes = 0;
  breaker.hold = undefined;
}

/**
 * A read failed. Opens or prolongs the hold when the source seems to be away or asked for a pause; an error that only
 * says that this one query is wrong proves that the source is there.
 */
export function missed(breaker: Breaker, error: WindlassError, now: number, random: () => number): void {
  const since = breaker.hold?.since ?? now;
  if (error.code === 'SourceThrottled' || (error.retryAfter !== undefined && error.family === 'unavailable')) {
    const pause = Math.min(
      error.retryAfter ?? backoff(breaker.probes, FIRST_PROBE_MS, LAST_PROBE_MS, random),
      LONGEST_PAUSE_MS,
    );
    breaker.probes++;
    breaker.hold = { until: now + pause, since, error };
    return;
  }
  if (error.code !== 'SourceUnavailable' && error.code !== 'SourceTimeout') {
    if (error.family !== 'internal') reached(breaker);
    return;
  }
  breaker.misses++;
  if (breaker.misses < MISSES_TO_OPEN && !breaker.hold) return;
  const pause = backoff(breaker.probes, FIRST_PROBE_MS, LAST_PROBE_MS, random);
  breaker.probes++;
  breaker.hold = { until: now + pause, since, error };
}

/** The error to serve for a query whose source is held: the source's own, with its age, and never a number. */
export function holdError(hold: NonNullable<Breaker['hold']>, now: number): WindlassError {
  const age = Math.max(0, Math.round((now - hold.since) / 1000));
  const left = Math.max(0, Math.ceil((hold.until - now) / 1000));
  return new WindlassError(
    hold.error.code,
    `the source is not asked for now, it has been failing for ${age} s: ${hold.error.message}`,
    { cause: hold.error, hint: hold.error.hint ?? `it is tried again in ${left} s` },
  );
}
