import { parseSelector } from '../../base/selector.ts';
import { boolean, type ConfigOf, number, string } from '../../spec/trigger-fields.ts';
import { defineScaler } from '../definition.ts';
import { normalizeMetricName } from '../metric-name.ts';
import { problemsOf } from '../problem.ts';

const fields = {
  podSelector: string('Label selector of the pods to count, in the namespace of the scaled object.', {
    required: true,
    note: 'Equality and set forms are read, such as `app=web` or `app in (web, api)`.',
  }),
  value: number('Counted pods per replica.', { default: '0', positive: true, role: 'target' }),
  activationValue: number('Counted pods above which the workload is started.', { default: '0', role: 'activation' }),
  groupByNode: boolean('Count the nodes that the pods run on, not the pods.', { default: 'false' }),
};

export type Config = ConfigOf<typeof fields>;

export const definition = defineScaler({
  type: 'kubernetes-workload',
  title: 'Kubernetes workload',
  summary: 'Scales on the number of running pods that match a label selector.',
  category: 'Kubernetes, time and resources',
  scalerLabel: 'kubernetesWorkloadScaler',
  fields,
  podIdentity: [],
  scope: 'namespace',
  validate({ podSelector }) {
    return podSelector === undefined ? [] : problemsOf('podSelector', () => parseSelector(podSelector));
  },
  metrics: ({ value, activationValue }, { namespace }) => [
    {
      kind: 'external',
      name: normalizeMetricName(`workload-${namespace}`),
      target: value,
      precision: 'milli',
      activation: activationValue,
    },
  ],
  examples: [
    {
      title: 'One replica for every two pods of another workload',
      metadata: { podSelector: 'app=backend', value: '2' },
    },
    {
      title: 'One replica for every node that a workload runs on',
      metadata: { podSelector: 'app in (web, api)', value: '1', groupByNode: 'true' },
    },
  ],
  load: () => import('./scaler.ts'),
});
