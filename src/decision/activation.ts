import type { ScaledObjectSettings } from '../api/defaults.ts';
import type { ScaledObject } from '../api/index.ts';
import type { ObjectVerdict } from './activity.ts';
import type { Modifiers } from './modifiers.ts';
import { demandOf } from './wanted.ts';

/**
 * Replicas that a target is woken up with. KEDA 2.21: minReplicaCount, at least 1; the HPA does the rest from its next
 * round on. With `activationReplicas: computed` the target goes at once to what the HPA would ask for: 1,000 messages at
 * 100 a replica are 10 replicas now, not one now and, by Kubernetes' default of doubling, ten a minute later. Where no
 * number can be said (a source that has none, a metric of type Value at no replicas), it is the minimum.
 */
export function activationCount(
  object: ScaledObject,
  { activationReplicas }: ScaledObjectSettings,
  bounds: { min: number; max: number },
  verdict: ObjectVerdict,
  modifiers: Modifiers | undefined,
  current: number,
): number {
  const least = Math.max(bounds.min, 1);
  if (activationReplicas !== 'computed') return least;
  // Whoever forbids the HPA to scale out does not want it done in its place.
  const scaleUp = object.spec.advanced?.horizontalPodAutoscalerConfig?.behavior?.scaleUp;
  if (scaleUp?.selectPolicy === 'Disabled') return least;
  return Math.min(bounds.max, Math.max(least, demandOf(verdict, modifiers, current) ?? 0));
}
