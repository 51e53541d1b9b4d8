import type { Fallback, ScaledObject } from '../api/index.ts';
import type { ObjectVerdict } from './activity.ts';
import { neverAnswered } from './conditions.ts';

type Status = NonNullable<ScaledObject['status']>;

/**
 * status.triggersActivity: what is known of each metric, also when a formula decides for the object. A metric of which
 * nothing is known keeps its entry. The very object it got when nothing differs.
 */
export function triggersActivityOf(
  stored: Status['triggersActivity'],
  { metrics }: Pick<ObjectVerdict, 'metrics'>,
): Status['triggersActivity'] {
  const next: NonNullable<Status['triggersActivity']> = {};
  for (const { trigger, activity, held } of metrics) {
    const before = stored?.[trigger.metricName];
    if (!held && activity !== 'unknown') next[trigger.metricName] = { isActive: activity === 'active' };
    else if (before) next[trigger.metricName] = before;
  }
  return unchanged(stored, next) ? stored : next;
}

/**
 * status.health, kept only for an object with a fallback (KEDA 2.21). The count stops at one above the threshold: what
 * it says then stays true, and a source that is down for a day is not a write at every poll.
 */
export function healthOf(
  stored: Status['health'],
  { metrics }: Pick<ObjectVerdict, 'metrics'>,
  fallback: Fallback | undefined,
): Status['health'] {
  if (!fallback) return stored;
  const next: NonNullable<Status['health']> = {};
  for (const { trigger, reading } of metrics) {
    const before = stored?.[trigger.metricName];
    if (reading.kind === 'error') {
      // A restart counts from nought again, which is no improvement to be told of.
      const known = neverAnswered(trigger, reading) ? (before?.numberOfFailures ?? 0) : 0;
      const numberOfFailures = Math.min(Math.max(trigger.failures, known), fallback.failureThreshold + 1);
      next[trigger.metricName] = { numberOfFailures, status: 'Failing' };
    } else if (reading.kind === 'value') next[trigger.metricName] = { numberOfFailures: 0, status: 'Happy' };
    else if (before) next[trigger.metricName] = before;
  }
  return unchanged(stored, next) ? stored : next;
}

function unchanged(
  stored: Readonly<Record<string, object>> | undefined,
  next: Readonly<Record<string, object>>,
): boolean {
  const names = Object.keys(next);
  if (names.length !== Object.keys(stored ?? {}).length) return false;
  return names.every((name) => {
    const before: object | undefined = stored?.[name];
    return before !== undefined && JSON.stringify(sorted(before)) === JSON.stringify(sorted(next[name] ?? {}));
  });
}

function sorted(entry: object): [string, unknown][] {
  return Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
