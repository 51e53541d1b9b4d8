import type { Reading, Scaler, ScalerDeps } from '../definition.ts';
import type { Config } from './definition.ts';
import { nextTime, parseSchedule } from './schedule.ts';

/** A machine's clock may be set while nothing happens, so a sleep to an edge is never trusted for longer than this. */
const LONGEST_SLEEP_MS = 10 * 60_000;

/** Tells by the clock whether a window is open. */
export function createScaler(config: Config, { clock }: Pick<ScalerDeps, 'clock'>): Scaler {
  const start = parseSchedule(config.start);
  const end = parseSchedule(config.end);

  const look = (): { reading: Reading; edge: number } => {
    const now = clock.now();
    const nextStart = nextTime(start, now, config.timezone);
    const nextEnd = nextTime(end, now, config.timezone);
    // KEDA 2.21: open unless the next start comes before the next end. A start that never comes leaves it open, an end
    // that never comes leaves it closed.
    const active = nextEnd !== undefined && (nextStart === undefined || nextEnd <= nextStart);
    return {
      reading: { value: active ? config.desiredReplicas : 0, active },
      edge: Math.min(nextStart ?? Number.POSITIVE_INFINITY, nextEnd ?? Number.POSITIVE_INFINITY),
    };
  };

  return {
    async read(signal) {
      signal.throwIfAborted();
      return look().reading;
    },
    async watch(signal, onReading) {
      let last: Reading | undefined;
      while (!signal.aborted) {
        const { reading, edge } = look();
        if (reading.active !== last?.active) onReading(reading);
        last = reading;
        await clock.sleep(Math.min(edge - clock.now(), LONGEST_SLEEP_MS), signal).catch(() => {});
      }
    },
    async check() {
      const { reading, edge } = look();
      const state = reading.active ? 'open' : 'closed';
      const until = Number.isFinite(edge)
        ? `the next edge is at ${new Date(edge).toISOString()}`
        : 'it has no next edge';
      return { ok: true, message: `the window is ${state}; ${until}` };
    },
    async close() {},
  };
}
