import { quantityToNumber } from '../../base/quantity.ts';
import type { HpaMetric } from '../../decision/hpa.ts';
import type { MetricSpec } from '../../scalers/definition.ts';

export interface KnownMetrics {
  /** Metrics of the object's HPA, if it has one. */
  hpa: readonly HpaMetric[] | undefined;
  /** status.externalMetricNames. */
  names: readonly string[] | undefined;
  /** A formula is what the HPA has; targets of single metrics are then of no use. */
  usesFormula: boolean;
}

/**
 * The metrics of a trigger as the process before this one left them: a source that is away just when an operator starts
 * anew must not change anything. Undefined when there were none.
 */
export function knownSpecs(
  { hpa = [], names = [], usesFormula }: KnownMetrics,
  index: number,
): MetricSpec[] | undefined {
  const prefix = `s${index}-`;
  const specs: MetricSpec[] = [];
  for (const full of names) {
    if (!full.startsWith(prefix)) continue;
    const target = usesFormula ? 0 : targetIn(hpa, full);
    if (target === undefined) return undefined;
    const precision = Number.isInteger(target) ? 'int' : 'milli';
    specs.push({ kind: 'external', name: full.slice(prefix.length), target, precision });
  }
  return specs.length > 0 ? specs : undefined;
}

function targetIn(metrics: readonly HpaMetric[], name: string): number | undefined {
  for (const metric of metrics) {
    if (metric.type !== 'External' || metric.external.metric.name !== name) continue;
    const { target } = metric.external;
    if (target.type === 'AverageValue') return quantityToNumber(target.averageValue);
    if (target.type === 'Value') return quantityToNumber(target.value);
  }
  return undefined;
}
