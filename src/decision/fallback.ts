import type { Fallback } from '../api/index.ts';
import { toMilli } from './milli.ts';

/** What the fallback needs to know of the target. */
export interface FallbackTarget {
  /** Current replicas, if they are known. */
  current: number | undefined;
  /** Running pods that are ready, if they are known; only metrics of type Value need them. */
  readyPods: number | undefined;
}

export type FallbackOutcome =
  /** The source answers, or has not failed often enough. */
  | { engaged: false }
  /** `replicas`: what the fallback asks for. `value`: the metric value that makes the HPA want just that. */
  | { engaged: true; kind: 'replicas'; replicas: number; value: number }
  /** The trigger has no value in the formula, which says by `??` what to do. */
  | { engaged: true; kind: 'nil' }
  /** The fallback should stand in, but what it goes by is not known. */
  | { engaged: true; kind: 'failed'; problem: string };

/** Whether a fallback can be used at all, and why not. Undefined when the object has none or it is sound. */
export function fallbackProblem(fallback: Fallback | undefined, hasFormula: boolean): string | undefined {
  if (fallback === undefined) return undefined;
  if (!(fallback.failureThreshold >= 0)) return 'fallback.failureThreshold must not be negative';
  if (!(fallback.replicas >= 0)) return 'fallback.replicas must not be negative';
  if (fallback.behavior === 'scalingModifiers' && !hasFormula)
    return 'fallback.behavior scalingModifiers needs a formula in advanced.scalingModifiers';
  return undefined;
}

/** The fallback, unless it cannot be used: then it counts as none, and lint and admission say why. */
export function usableFallback(fallback: Fallback | undefined, hasFormula: boolean): Fallback | undefined {
  return fallbackProblem(fallback, hasFormula) === undefined ? fallback : undefined;
}

/**
 * What the fallback makes of a metric whose source has failed `failures` polls in a row. KEDA 2.21: it stands in when
 * there are more failures than failureThreshold, so a threshold of 0 means at the first one. KEDA counts reads of the
 * HPA as failures too, which makes it engage two or three times as early as the threshold says; here only polls count.
 */
export function metricFallback(
  fallback: Fallback | undefined,
  metric: { failures: number; target: number; metricType: 'AverageValue' | 'Value' },
  target: FallbackTarget,
): FallbackOutcome {
  if (fallback === undefined || metric.failures <= fallback.failureThreshold) return { engaged: false };
  if (fallback.behavior === 'scalingModifiers') return { engaged: true, kind: 'nil' };
  const replicas = fallbackReplicas(fallback, target.current);
  if (replicas === undefined)
    return { engaged: true, kind: 'failed', problem: `fallback ${fallback.behavior} needs the current replicas` };
  if (metric.metricType === 'AverageValue')
    return { engaged: true, kind: 'replicas', replicas, value: toMilli(metric.target * replicas) };
  if (replicas === 0) return { engaged: true, kind: 'replicas', replicas, value: 0 };
  // The HPA multiplies a Value by the ready pods: replicas = pods × value / target.
  if (!target.readyPods)
    return {
      engaged: true,
      kind: 'failed',
      problem: 'a fallback for metricType Value needs ready pods, and there are none',
    };
  return { engaged: true, kind: 'replicas', replicas, value: toMilli((metric.target * replicas) / target.readyPods) };
}

/** Replicas that the fallback asks for; undefined when its behavior needs the current ones and they are not known. */
function fallbackReplicas({ behavior, replicas }: Fallback, current: number | undefined): number | undefined {
  switch (behavior) {
    case 'currentReplicas':
      return current;
    case 'currentReplicasIfHigher':
      return current === undefined ? undefined : Math.max(current, replicas);
    case 'currentReplicasIfLower':
      return current === undefined ? undefined : Math.min(current, replicas);
    default:
      return replicas;
  }
}
