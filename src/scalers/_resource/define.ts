import { canonicalQuantity } from '../../base/quantity.ts';
import { string } from '../../spec/trigger-fields.ts';
import { defineScaler, type FieldProblem, type ResourceMetric } from '../definition.ts';

const fields = {
  value: string('The target: percent of the requests with metricType Utilization, a quantity with AverageValue.', {
    required: true,
    role: 'target',
  }),
  containerName: string('Measure only this container of each pod, not the whole pod.'),
  type: string('The former place of the metric type.', {
    allowed: ['Utilization', 'AverageValue'],
    deprecated: { since: '2.18', use: "the trigger's metricType", effect: 'rejected' },
  }),
};

interface ResourceTrigger {
  resource: ResourceMetric['resource'];
  title: string;
  summary: string;
  /** A quantity for the example. */
  amount: string;
}

/** A trigger whose metric the HPA takes from Kubernetes itself: nothing is ever asked, and it is always active. */
export function defineResourceTrigger({ resource, title, summary, amount }: ResourceTrigger) {
  return defineScaler({
    type: resource,
    title,
    summary,
    category: 'Kubernetes, time and resources',
    scalerLabel: 'cpuMemoryScaler',
    fields,
    podIdentity: [],
    cacheable: false,
    metricTypes: ['Utilization', 'AverageValue'],
    validate({ value }, { metricType }) {
      if (value === undefined || (metricType !== 'Utilization' && metricType !== 'AverageValue')) return [];
      return metricType === 'Utilization' ? checkPercent(value) : checkQuantity(value);
    },
    metrics({ value, containerName }, { metricType }) {
      return [
        {
          kind: 'resource',
          resource,
          ...(containerName === undefined ? {} : { containerName }),
          target:
            metricType === 'Utilization'
              ? { type: 'Utilization', percent: Number(value) }
              : { type: 'AverageValue', quantity: canonicalQuantity(value) },
        },
      ];
    },
    examples: [
      { title: 'Half of what the pods request', metricType: 'Utilization', metadata: { value: '50' } },
      {
        title: 'An amount per pod, measured in one container',
        metricType: 'AverageValue',
        metadata: { value: amount, containerName: 'app' },
      },
    ],
    load: () => import('./scaler.ts'),
  });
}

function checkPercent(value: string): FieldProblem[] {
  if (/^\+?\d+$/.test(value) && Number(value) >= 1 && Number(value) <= 2 ** 31 - 1) return [];
  return [
    {
      field: 'value',
      message: `value is "${value}", which must be a whole number of percent from 1 up with metricType Utilization, such as 50`,
    },
  ];
}

function checkQuantity(value: string): FieldProblem[] {
  try {
    canonicalQuantity(value);
    return [];
  } catch {
    return [
      {
        field: 'value',
        message: `value is "${value}", which must be a quantity with metricType AverageValue, such as 500m or 200Mi`,
      },
    ];
  }
}
