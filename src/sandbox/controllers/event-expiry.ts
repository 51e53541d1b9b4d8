import type { Timer } from '../../base/clock.ts';
import type { AnyObject, Running } from '../types.ts';
import type { ControllerContext } from './context.ts';
import { deleteIfPresent } from './context.ts';
import { EVENTS } from './kinds.ts';

/** Kubernetes: --event-ttl of the API server, an hour since the last change. */
const LIFETIME = 3_600_000;
const PERIOD = 300_000;

/** Forgets old events, so that a sandbox that runs for days does not grow by them. */
export function startEventExpiry({ api, clock, log }: ControllerContext): Running {
  let timer: Timer | undefined;
  let round: Promise<void> = Promise.resolve();
  const age = (event: AnyObject): number => {
    const { lastTimestamp, eventTime, series } = event as {
      lastTimestamp?: string;
      eventTime?: string;
      series?: unknown;
    };
    const observed = (series as { lastObservedTime?: string } | undefined)?.lastObservedTime;
    const at = Date.parse(observed ?? lastTimestamp ?? eventTime ?? event.metadata.creationTimestamp ?? '');
    return clock.now() - at;
  };
  const sweep = async () => {
    for (const event of api.list(EVENTS)) if (age(event) >= LIFETIME) await deleteIfPresent(api, EVENTS, event);
  };
  const schedule = () => {
    timer = clock.after(PERIOD, () => {
      round = sweep().catch((error: unknown) => log.warn('cannot delete old events', { error }));
      schedule();
    });
  };
  schedule();
  return {
    async stop() {
      timer?.cancel();
      await round;
    },
  };
}
