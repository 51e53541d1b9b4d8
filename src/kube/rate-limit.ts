import type { Clock } from '../base/clock.ts';

/** Lets `burst` through at once and `perSecond` on average. */
export interface TokenBucket {
  /** Takes a token if there is one. */
  tryTake(): boolean;
  /** Resolves when a token is there, in the order asked; rejects with the signal's reason. */
  take(signal?: AbortSignal): Promise<void>;
}

/** Creates a full bucket. `perSecond` and `burst` are at least a tiny bit above zero. */
export function createTokenBucket(options: { perSecond: number; burst: number; clock: Clock }): TokenBucket {
  const { perSecond, burst, clock } = options;
  // Below zero: promised to callers that wait already.
  let tokens = burst;
  let at = clock.monotonic();
  const refill = () => {
    const now = clock.monotonic();
    tokens = Math.min(burst, tokens + ((now - at) / 1000) * perSecond);
    at = now;
  };
  return {
    tryTake() {
      refill();
      if (tokens < 1) return false;
      tokens--;
      return true;
    },
    async take(signal) {
      refill();
      tokens--;
      if (tokens >= 0) return;
      try {
        await clock.sleep((-tokens / perSecond) * 1000, signal);
      } catch (error) {
        tokens++;
        throw error;
      }
    },
  };
}
