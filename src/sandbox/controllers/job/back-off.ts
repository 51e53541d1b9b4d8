import type { Pod } from '../kinds.ts';
import { isPodFailed, isPodSucceeded, type JobSpec } from './types.ts';

/** What the wait before the next pod depends on. */
export interface BackOff {
  failuresAfterLastSuccess: number;
  /** Milliseconds since 1970. */
  lastFailure: number;
}

export const NO_FAILURES: BackOff = { failuresAfterLastSuccess: 0, lastFailure: 0 };

/** Kubernetes: DefaultJobPodFailureBackOff and MaxJobPodFailureBackOff. */
const FIRST = 10_000;
const LONGEST = 10 * 60_000;

/** The record after some more pods have ended; a success starts it anew. */
export function withFinished(record: BackOff, pods: Pod[], spec: JobSpec): BackOff {
  const ended = pods
    .filter((pod) => isPodFailed(pod, spec) || isPodSucceeded(pod))
    .map((pod) => ({ at: endOf(pod), ok: isPodSucceeded(pod) }))
    .sort((a, b) => a.at - b.at);
  let next = record;
  for (const { at, ok } of ended)
    next = ok
      ? NO_FAILURES
      : {
          failuresAfterLastSuccess: next.failuresAfterLastSuccess + 1,
          lastFailure: Math.max(at, next.lastFailure),
        };
  return next;
}

/** Milliseconds before another pod may start: 10 s after the first failure in a row, doubling, at most 10 minutes. */
export function remaining(record: BackOff, now: number): number {
  if (record.failuresAfterLastSuccess === 0) return 0;
  const wait = Math.min(FIRST * 2 ** (record.failuresAfterLastSuccess - 1), LONGEST);
  return Math.max(0, record.lastFailure + wait - now);
}

/** When the last container ended; lacking that when the pod stopped being ready, was deleted or was created. */
function endOf(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map((c) => Date.parse(c.state.terminated?.finishedAt ?? ''));
  const last = Math.max(...ends.filter((t) => !Number.isNaN(t)), 0);
  if (last > 0) return last;
  const ready = pod.status?.conditions?.find((c) => c.type === 'Ready' && c.status === 'False');
  const { deletionTimestamp, creationTimestamp } = pod.metadata;
  return Date.parse(deletionTimestamp ?? ready?.lastTransitionTime ?? creationTimestamp ?? '') || 0;
}
