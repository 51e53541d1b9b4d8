import type { Clock } from '../../base/clock.ts';

export interface ExpiringCache<V> {
  get(key: string, load: () => Promise<V>): Promise<V> | V;
  size(): number;
}

/** A refresh that failed is not tried again before this. */
const REFRESH_AGAIN_MS = 1_000;

/**
 * Remembers answers for `ttlMs`. Equal questions that come together are asked once, and a remembered answer that is
 * used in the second half of its time is renewed behind the scenes, so that steady users never wait. An answer that
 * could not be had is not remembered, and one whose time is over is never given.
 * @param limit answers kept; the ones that were asked for first make way
 */
export function createExpiringCache<V>(options: { clock: Clock; ttlMs: number; limit: number }): ExpiringCache<V> {
  const { clock, ttlMs, limit } = options;
  const known = new Map<string, { value: V; at: number; refreshAt: number }>();
  const asking = new Map<string, Promise<V>>();

  const ask = (key: string, load: () => Promise<V>): Promise<V> => {
    const running = asking.get(key);
    if (running) return running;
    const promise = load()
      .then((value) => {
        const at = clock.monotonic();
        known.delete(key);
        known.set(key, { value, at, refreshAt: at + ttlMs / 2 });
        const oldest = known.size > limit ? known.keys().next().value : undefined;
        if (oldest !== undefined) known.delete(oldest);
        return value;
      })
      .finally(() => asking.delete(key));
    asking.set(key, promise);
    return promise;
  };

  return {
    get(key, load) {
      const entry = known.get(key);
      const now = clock.monotonic();
      if (!entry || now - entry.at >= ttlMs) return ask(key, load);
      if (now >= entry.refreshAt) {
        entry.refreshAt = now + REFRESH_AGAIN_MS;
        // Whoever asks after the end of its time gets the error.
        ask(key, load).catch(() => {});
      }
      return entry.value;
    },
    size: () => known.size,
  };
}
