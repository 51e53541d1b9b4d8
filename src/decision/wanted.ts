import type { ObjectVerdict } from './activity.ts';
import type { Modifiers } from './modifiers.ts';

/**
 * Replicas that a metric alone makes the HPA want: value / target for AverageValue, current × value / target for Value
 * (Kubernetes: the HPA's formula without its tolerance of a tenth). Undefined where that cannot be said.
 */
export function replicasFor(
  metric: { value: number; target: number; metricType: 'AverageValue' | 'Value' },
  current: number | undefined,
): number | undefined {
  const { value, target, metricType } = metric;
  if (!(target > 0) || !Number.isFinite(value)) return undefined;
  const ratio = Math.max(0, value) / target;
  if (metricType === 'AverageValue') return roundUp(ratio);
  // At zero replicas there is nothing to multiply: the first replica comes from activation.
  return current === undefined || current === 0 ? undefined : roundUp(ratio * current);
}

/** Rounded up, but not by the last bit of a floating-point division: 2.1 / 0.7 is 3.0000000000000004 and means 3. */
function roundUp(value: number): number {
  return Math.ceil(value - 1e-9);
}

/** The largest demand of all metrics (or the formula's), unbounded; undefined when none can be said. */
export function demandOf(
  verdict: ObjectVerdict,
  modifiers: Modifiers | undefined,
  current: number | undefined,
): number | undefined {
  if (modifiers) {
    const { composite } = verdict;
    if (!composite || composite.kind === 'unknown') return undefined;
    if (composite.kind === 'fallback') return composite.replicas;
    return replicasFor({ ...modifiers, value: composite.value }, current);
  }
  const demands = verdict.metrics.flatMap(({ trigger, reading, fallback }) => {
    if (fallback.engaged && fallback.kind === 'replicas') return [fallback.replicas];
    const wants = reading.kind === 'value' ? replicasFor({ ...trigger, value: reading.value }, current) : undefined;
    return wants === undefined ? [] : [wants];
  });
  return demands.length === 0 ? undefined : Math.max(...demands);
}
