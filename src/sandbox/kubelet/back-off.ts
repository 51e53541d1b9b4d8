/** Kubernetes: restarts of a container wait 10 s, doubling to 5 minutes; the first one does not wait. */
const FIRST = 10_000;
const LONGEST = 300_000;

export interface RestartBackOff {
  /** Milliseconds to wait before the restart after a run that ended `now`. */
  next(now: number): number;
}

/** Starts anew after twice the longest wait (10 minutes) without a restart. */
export function createRestartBackOff(): RestartBackOff {
  let wait = 0;
  let last: number | undefined;
  return {
    next(now) {
      if (last !== undefined && now - last > 2 * LONGEST) wait = 0;
      const current = wait;
      wait = wait === 0 ? FIRST : Math.min(wait * 2, LONGEST);
      last = now + current;
      return current;
    },
  };
}
