import type { KubeObject, ResourceType } from '../../base/object.ts';
import { ownedBy } from './context.ts';
import type { Condition, Pod, PodTemplate } from './kinds.ts';

/** Neither ended nor on its way out. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isTerminating(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined;
}

export function readyCondition(pod: Pod): Condition | undefined {
  return pod.status?.conditions?.find((c) => c.type === 'Ready');
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True';
}

/** Milliseconds until a ready pod counts as available; 0 when it does now, undefined when it is not ready. */
export function untilAvailable(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const ready = readyCondition(pod);
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds <= 0) return 0;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  return Number.isNaN(since) ? 0 : Math.max(0, since + minReadySeconds * 1000 - now);
}

/** A pod to create from a workload's template, controlled by that workload. */
export function podFromTemplate(
  type: ResourceType,
  owner: KubeObject,
  template: PodTemplate,
  extra: {
    name?: string;
    generateName?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
  } = {},
): object {
  const { labels = {}, annotations = {}, finalizers = [] } = template.metadata ?? {};
  const allFinalizers = [...finalizers, ...(extra.finalizers ?? [])];
  const metadata = {
    // A name given beats a prefix; the prefix is what Kubernetes' controllers use: the owner's name and a dash.
    ...(extra.name ? { name: extra.name } : { generateName: extra.generateName ?? `${owner.metadata.name}-` }),
    namespace: owner.metadata.namespace,
    labels: { ...labels, ...extra.labels },
    annotations: { ...annotations, ...extra.annotations },
    ...(allFinalizers.length > 0 ? { finalizers: allFinalizers } : {}),
    ownerReferences: [ownedBy(type, owner)],
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: structuredClone(template.spec) };
}
