import type { Pod } from '../kinds.ts';
import { isFinished, untilAvailable } from '../pods.ts';
import { ordinalOf, REVISION_LABEL, type StatefulSet } from './types.ts';

/** What to do next, in order. */
export type Step = { do: 'create'; ordinal: number; revision: 'current' | 'update' } | { do: 'delete'; pod: Pod };

export interface PlanInput {
  set: StatefulSet;
  pods: Pod[];
  currentRevision: string;
  updateRevision: string;
  now: number;
}

/**
 * The next steps for a StatefulSet. OrderedReady makes pods one by one, each when those before it are ready, and takes them away from the
 * highest number, one by one; Parallel does both at once. An update replaces pods from the highest number down to the partition, each when
 * all are ready again.
 */
export function plan({ set, pods, currentRevision, updateRevision, now }: PlanInput): Step[] {
  const { replicas = 1, ordinals, minReadySeconds = 0, updateStrategy } = set.spec;
  const start = ordinals?.start ?? 0;
  const end = start + replicas;
  const isOrdered = set.spec.podManagementPolicy !== 'Parallel';
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
  const isDeleting = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined;
  const isHealthy = (pod: Pod) => untilAvailable(pod, minReadySeconds, now) === 0 && !isDeleting(pod);
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  const steps: Step[] = [];

  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) {
      // Below the partition, and where updates wait for a deletion, a pod comes back as it was.
      const keepsCurrent = currentRevision !== updateRevision && ordinal < start + partition;
      steps.push({ do: 'create', ordinal, revision: keepsCurrent ? 'current' : 'update' });
      if (isOrdered) return steps;
    } else if (isFinished(pod) && !isDeleting(pod)) {
      // A pod that has ended is made anew under the same name.
      steps.push({ do: 'delete', pod });
      if (isOrdered) return steps;
    } else if (isOrdered && !isHealthy(pod)) return steps;
  }

  const condemned = pods
    .filter((pod) => {
      const ordinal = ordinalOf(set, pod) ?? -1;
      return ordinal < start || ordinal >= end;
    })
    .sort((a, b) => (ordinalOf(set, b) ?? -1) - (ordinalOf(set, a) ?? -1));
  for (const pod of condemned) {
    if (isDeleting(pod)) {
      if (isOrdered) return steps;
      continue;
    }
    steps.push({ do: 'delete', pod });
    if (isOrdered) return steps;
  }
  if (steps.length > 0 || updateStrategy?.type === 'OnDelete') return steps;

  for (let ordinal = end - 1; ordinal >= start + partition; ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) return steps;
    if (pod.metadata.labels?.[REVISION_LABEL] !== updateRevision && !isDeleting(pod)) return [{ do: 'delete', pod }];
    if (!isHealthy(pod)) return steps;
  }
  return steps;
}
