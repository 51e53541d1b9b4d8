import { boolean, type ConfigOf, duration, number, string } from '../../spec/trigger-fields.ts';
import { checkHttpAuth, httpAuthFields } from '../_http/auth-fields.ts';
import { defineScaler } from '../definition.ts';
import { normalizeMetricName } from '../metric-name.ts';

const fields = {
  url: string('Address that is asked with GET and has to answer 200.', { required: true }),
  valueLocation: string('Where in the answer the value is.', {
    required: true,
    note: 'json: a GJSON path such as `queues.0.length` or `queues.#(name=="orders").length`. yaml and xml: names and list positions separated by dots. prometheus: a metric with labels, such as `queue_length{queue="orders"}`.',
  }),
  format: string('Format of the answer.', { default: 'json', allowed: ['prometheus', 'json', 'xml', 'yaml'] }),
  targetValue: number('Value that one replica is meant to handle.', { default: '0', nonZero: true, role: 'target' }),
  activationTargetValue: number('Value above which the workload is started.', { default: '0', role: 'activation' }),
  timeout: duration('How long a request may take; default is the one of the operator.'),
  unsafeSsl: boolean("Do not check the server's certificate.", { default: 'false' }),
  aggregateFromKubeServiceEndpoints: boolean('Ask every ready endpoint of the Service that the address names.', {
    default: 'false',
    note: 'The host of `url` then has to be `<service>.<namespace>`, with or without more after it.',
  }),
  aggregationType: string('How the answers of several endpoints become one value.', {
    default: 'average',
    allowed: ['average', 'sum', 'max', 'min'],
  }),
  ...httpAuthFields,
};

export type Config = ConfigOf<typeof fields>;

export const definition = defineScaler({
  type: 'metrics-api',
  title: 'Metrics API',
  summary: 'Scales on a number that any HTTP endpoint answers.',
  category: 'Observability and metrics',
  scalerLabel: 'metricsAPIScaler',
  fields,
  podIdentity: [],
  validate: (config) => checkHttpAuth(config),
  advise({ url, authModes = [] }) {
    const doubts = [];
    if (url !== undefined && !(URL.canParse(url) && /^https?:/i.test(url)))
      doubts.push({ field: 'url', message: 'url is not an http or https address; write it as http://host:port/path' });
    for (const mode of authModes)
      if (mode === 'custom' || mode === 'oauth')
        doubts.push({ field: 'authModes', message: `authModes ${mode} is not used by metrics-api triggers` });
    return doubts;
  },
  metrics: ({ valueLocation, targetValue, activationTargetValue }) => [
    {
      kind: 'external',
      name: normalizeMetricName(`metric-api-${valueLocation}`),
      target: targetValue,
      precision: 'milli',
      activation: activationTargetValue,
    },
  ],
  examples: [
    {
      title: 'A number in a JSON answer, with a bearer token',
      metadata: {
        url: 'http://orders.shop.svc:8080/stats',
        valueLocation: 'queues.0.length',
        targetValue: '10',
        authMode: 'bearer',
      },
      authentication: { token: 'secret-token' },
    },
    {
      title: 'The sum over all endpoints of a Service, from their Prometheus pages',
      metadata: {
        url: 'http://orders.shop.svc:8080/metrics',
        format: 'prometheus',
        valueLocation: 'queue_length{queue="orders"}',
        aggregateFromKubeServiceEndpoints: 'true',
        aggregationType: 'sum',
        targetValue: '10',
      },
    },
  ],
  load: () => import('./scaler.ts'),
});
