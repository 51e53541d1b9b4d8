import type { Pod } from './kinds.ts';
import { readyCondition } from './pods.ts';

const PHASE: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

/** Kubernetes: controller.kubernetes.io/pod-deletion-cost, an int32 that defaults to 0; what cannot be read counts as 0. */
function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0';
  return /^-?\d+$/.test(text) ? Number(text) : 0;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((c) => c.restartCount));
}

/**
 * The order in which a controller gives up pods, cheapest loss first (Kubernetes: ActivePodsWithRanks): not yet on a node, pending,
 * not ready, low deletion cost, ready or created a shorter time ago, restarted more often.
 */
export function cheapestToDeleteFirst(pods: Pod[]): Pod[] {
  const time = (text: string | undefined) => Date.parse(text ?? '') || 0;
  const keys = (pod: Pod): number[] => {
    const ready = readyCondition(pod);
    return [
      pod.spec.nodeName ? 1 : 0,
      PHASE[pod.status?.phase ?? 'Pending'] ?? 1,
      ready?.status === 'True' ? 1 : 0,
      deletionCost(pod),
      ready?.status === 'True' ? -time(ready.lastTransitionTime) : 0,
      -restarts(pod),
      -time(pod.metadata.creationTimestamp),
    ];
  };
  return pods
    .map((pod) => ({ pod, keys: keys(pod) }))
    .sort((a, b) => {
      const at = a.keys.findIndex((value, i) => value !== b.keys[i]);
      if (at < 0) return b.pod.metadata.name.localeCompare(a.pod.metadata.name);
      return (a.keys[at] ?? 0) - (b.keys[at] ?? 0);
    })
    .map(({ pod }) => pod);
}
