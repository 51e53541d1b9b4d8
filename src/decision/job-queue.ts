import type { MetricVerdict } from './activity.ts';

/** What one trigger of a ScaledJob says about the queue. */
export interface QueueEntry {
  /** Position of the trigger. */
  index: number;
  queueLength: number;
  /** Jobs that the queue asks for: queue length / target. */
  need: number;
  /** The same, at most `mostJobs`: what KEDA counts with. */
  jobs: number;
  active: boolean;
  /** When the oldest reading in it was taken, in wall-clock milliseconds. */
  readAt: number;
}

/** The queue that Jobs are created for. */
export interface Queue {
  active: boolean;
  queueLength: number;
  need: number;
  jobs: number;
  readAt: number | undefined;
}

/**
 * One entry per trigger that could be read. A trigger with several metrics (external scalers) counts as KEDA 2.21 counts
 * it: the values of its first metric's name add up, and their targets are averaged.
 */
export function queueEntries(metrics: readonly MetricVerdict[], mostJobs: number, now: number): QueueEntry[] {
  const byTrigger = Map.groupBy(metrics, ({ trigger }) => trigger.index);
  return [...byTrigger].flatMap(([index, all]) => {
    const read = all.flatMap(({ reading }) => (reading.kind === 'value' ? [reading] : []));
    const firstName = all[0]?.trigger.metricName;
    // A trigger that is known in part is not known.
    if (read.length < all.length || read.length === 0) return [];
    const queueLength = all.reduce(
      (sum, { trigger, reading }) =>
        reading.kind === 'value' && trigger.metricName === firstName ? sum + reading.value : sum,
      0,
    );
    const targets = all.flatMap(({ trigger }) => (trigger.metricType === 'AverageValue' ? [trigger.target] : []));
    const target = targets.length === 0 ? 0 : targets.reduce((a, b) => a + b, 0) / targets.length;
    const need = target > 0 ? Math.max(0, queueLength) / target : 0;
    const age = Math.max(...all.map(({ trigger }) => trigger.ageMs ?? 0));
    return [
      {
        index,
        queueLength,
        need,
        jobs: Math.min(need, mostJobs),
        active: all.some(({ activity }) => activity === 'active'),
        readAt: now - age,
      },
    ];
  });
}

/**
 * Several triggers as one queue, by KEDA 2.21's rules over the active ones. `max` needs a queue that is longer than
 * zero: an active trigger with an empty queue alone starts nothing. `min` takes a value of zero for "not set".
 */
export function combineQueues(entries: readonly QueueEntry[], how: 'max' | 'min' | 'avg' | 'sum'): Queue {
  const active = entries.filter((entry) => entry.active);
  const none: Queue = { active: false, queueLength: 0, need: 0, jobs: 0, readAt: undefined };
  const chosen = (entry: QueueEntry | undefined): Queue => (entry ? { ...entry, active: true } : none);
  switch (how) {
    case 'max':
      return chosen(
        active.reduce<QueueEntry | undefined>((a, b) => (b.queueLength > (a?.queueLength ?? 0) ? b : a), undefined),
      );
    case 'min':
      return chosen(
        active.reduce<QueueEntry | undefined>(
          (a, b) => (a === undefined || a.queueLength === 0 || b.queueLength < a.queueLength ? b : a),
          undefined,
        ),
      );
    case 'avg':
    case 'sum': {
      if (active.length === 0) return none;
      const share = how === 'avg' ? active.length : 1;
      const total = (of: (entry: QueueEntry) => number) => active.reduce((sum, entry) => sum + of(entry), 0) / share;
      return {
        active: true,
        queueLength: total((entry) => entry.queueLength),
        need: total((entry) => entry.need),
        jobs: total((entry) => entry.jobs),
        // Jobs are counted against the oldest of the readings: those since then are in none or some of them.
        readAt: Math.min(...active.map(({ readAt }) => readAt)),
      };
    }
  }
}
