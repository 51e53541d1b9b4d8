import { defineCommand } from '../command.ts';
import { EXPLAIN_ADDRESS } from './explain.ts';

export const operator = defineCommand({
  name: 'operator',
  summary: 'Run the operator against a cluster: scales workloads, creates Jobs, answers the HPA',
  description: `
Finds the cluster as kubectl does: --kubeconfig, else KUBECONFIG, else the service account of the pod it runs in, else
~/.kube/config. The CRDs (config/crd/all.yaml) have to be installed. Settings come from the environment under the names
that KEDA's operator has (WATCH_NAMESPACE, POD_NAMESPACE, KEDA_HTTP_DEFAULT_TIMEOUT and so on).
`,
  options: {
    kubeconfig: { type: 'string', argument: 'FILE', description: 'Kubeconfig of the cluster' },
    context: { type: 'string', argument: 'NAME', description: 'Context of the kubeconfig' },
    'metrics-api-host': {
      type: 'string',
      argument: 'ADDRESS',
      default: '0.0.0.0',
      description: 'Address on which the external metrics API listens',
    },
    'secure-port': { type: 'string', argument: 'PORT', default: '6443', description: 'Its port; 0 is a free one' },
    'metrics-server-service-name': {
      type: 'string',
      argument: 'NAME',
      default: 'keda-metrics-apiserver',
      description: 'Service in front of the external metrics API',
    },
    'reachable-at': {
      type: 'string',
      argument: 'HOST',
      description:
        'Register the external metrics API and the webhooks under this host name, for an operator that runs beside the cluster instead of in it',
    },
    'webhooks-port': {
      type: 'string',
      argument: 'PORT',
      description: 'Port of the admission webhooks; 0 is a free one. Without it there are none',
    },
    'webhooks-host': {
      type: 'string',
      argument: 'ADDRESS',
      default: '0.0.0.0',
      description: 'Address on which they listen',
    },
    'webhooks-service-name': {
      type: 'string',
      argument: 'NAME',
      default: 'keda-admission-webhooks',
      description: 'Service in front of them',
    },
    'validating-webhook-name': {
      type: 'string',
      argument: 'NAME',
      default: 'keda-admission',
      description: 'ValidatingWebhookConfiguration that gets the authority of their certificate',
    },
    'enable-webhook-patching': {
      type: 'string',
      argument: 'true|false',
      default: 'true',
      description: 'Whether it gets that',
    },
    'explain-bind-address': {
      type: 'string',
      argument: 'ADDRESS',
      default: EXPLAIN_ADDRESS,
      description: 'Where `windlass explain` asks, on loopback only; 0 switches it off',
    },
    'metrics-service-bind-address': {
      type: 'string',
      argument: 'ADDRESS',
      description:
        'Where the other replicas ask this one for metrics; :9666, or with --reachable-at a free port of this machine',
    },
    'leader-elect': {
      type: 'boolean',
      description: 'Taken as KEDA has it, and without meaning: all replicas work, and share the objects out',
    },
    'zap-log-level': { type: 'string', argument: 'debug|info|error', default: 'info', description: 'What to log' },
    'zap-encoder': { type: 'string', argument: 'json|console', default: 'json', description: 'How to log' },
  },
  examples: [
    {
      command:
        'windlass operator --kubeconfig .cache/sandbox/kubeconfig --metrics-api-host 127.0.0.1 --secure-port 0 --reachable-at localhost',
      what: 'Run beside a sandbox that was started with --operator no',
    },
  ],
  async run({ options, env, signal }) {
    const { runOperator } = await import('../operator/run.ts');
    return runOperator({
      kubeconfig: options.kubeconfig as string | undefined,
      context: options.context as string | undefined,
      host: String(options['metrics-api-host']),
      port: String(options['secure-port']),
      service: String(options['metrics-server-service-name']),
      reachableAt: options['reachable-at'] as string | undefined,
      webhooks: {
        host: String(options['webhooks-host']),
        port: options['webhooks-port'] as string | undefined,
        service: String(options['webhooks-service-name']),
        configuration: String(options['validating-webhook-name']),
        patching: String(options['enable-webhook-patching']),
      },
      peersAt: options['metrics-service-bind-address'] as string | undefined,
      explainAt: String(options['explain-bind-address']),
      logLevel: String(options['zap-log-level']),
      logEncoder: String(options['zap-encoder']),
      env,
      signal,
    });
  },
});
