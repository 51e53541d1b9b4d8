import type { OptionDefinition } from '../command.ts';

/** Which of KEDA's programs has a flag; `windlass` for our own. */
export type FlagOwner = 'operator' | 'metrics server' | 'webhooks' | 'windlass';

export interface Flag extends OptionDefinition {
  of: readonly FlagOwner[];
  /** What is done instead, for flags that KEDA's Deployments carry and that mean nothing here. */
  ignored?: string;
}

const ALL: readonly FlagOwner[] = ['operator', 'metrics server', 'webhooks'];
const OPERATOR: readonly FlagOwner[] = ['operator'];
const METRICS: readonly FlagOwner[] = ['metrics server'];
const OWN: readonly FlagOwner[] = ['windlass'];
const text = (argument: string, description: string, more: Partial<Flag> & Pick<Flag, 'of'>): Flag => ({
  type: 'string',
  argument,
  description,
  ...more,
});
const truth = (description: string, value: boolean, of: readonly FlagOwner[]): Flag => ({
  type: 'boolean',
  default: String(value),
  description,
  of,
});

/** Flags that do something. */
export const FLAGS = {
  kubeconfig: text('FILE', 'Kubeconfig of the cluster', { of: ALL }),
  context: text('NAME', 'Context of the kubeconfig', { of: OWN }),
  roles: text('LIST', 'What this process does: operator, metrics (the external metrics API), webhooks', {
    of: OWN,
    default: 'operator,metrics,webhooks',
  }),
  'secure-port': text('PORT', 'Port of the external metrics API; 0 is a free one', { of: METRICS, default: '6443' }),
  'metrics-api-host': text('ADDRESS', 'Address on which the external metrics API listens', {
    of: OWN,
    default: '0.0.0.0',
  }),
  'webhooks-port': text(
    'PORT',
    'Port of the admission webhooks; 0 is a free one. Default 9443; beside a cluster (--reachable-at) there are none without it',
    { of: OWN },
  ),
  'webhooks-host': text('ADDRESS', 'Address on which the admission webhooks listen', { of: OWN, default: '0.0.0.0' }),
  'reachable-at': text(
    'HOST',
    'Register the external metrics API and the webhooks under this host name, for an operator that runs beside the cluster instead of in it',
    { of: OWN },
  ),
  'metrics-server-service-name': text('NAME', 'Service in front of the external metrics API', {
    of: OPERATOR,
    default: 'keda-metrics-apiserver',
  }),
  'webhooks-service-name': text('NAME', 'Service in front of the admission webhooks', {
    of: OPERATOR,
    default: 'keda-admission-webhooks',
  }),
  'operator-service-name': text('NAME', 'Service of the operator; the certificate is for it too', {
    of: OPERATOR,
    default: 'keda-operator',
  }),
  'k8s-cluster-domain': text('DOMAIN', 'Domain of the cluster, for the names in the certificate', {
    of: OPERATOR,
    default: 'cluster.local',
  }),
  'enable-cert-rotation': truth('Make certificates, share them in a Secret and renew them', false, OPERATOR),
  'cert-secret-name': text('NAME', 'The Secret, in POD_NAMESPACE', { of: OPERATOR, default: 'kedaorg-certs' }),
  'cert-dir': text('FOLDER', 'Without rotation: where tls.crt, tls.key and ca.crt are; read again when they change', {
    of: ALL,
    default: '/certs',
  }),
  'enable-apiservice-patching': truth('Put the authority of the certificate into the APIService', true, OPERATOR),
  'enable-webhook-patching': truth(
    'Put the authority of the certificate into the ValidatingWebhookConfiguration',
    true,
    OPERATOR,
  ),
  'validating-webhook-name': text('NAME', 'The ValidatingWebhookConfiguration', {
    of: OPERATOR,
    default: 'keda-admission',
  }),
  'enable-prometheus-metrics': truth('Serve /metrics', true, OPERATOR),
  'enable-high-cardinality-metrics-labels': truth(
    "All six labels on the duration of scalers' HTTP requests",
    false,
    OPERATOR,
  ),
  'metrics-bind-address': text('ADDRESS', 'Where /metrics is served; 0 switches it off', {
    of: ['operator', 'webhooks'],
    default: ':8080',
  }),
  'health-probe-bind-address': text('ADDRESS', 'Where /healthz and /readyz are served; 0 switches them off', {
    of: ['operator', 'webhooks'],
    default: ':8081',
  }),
  'metrics-service-bind-address': text(
    'ADDRESS',
    'Where other replicas and gRPC clients ask this one for metrics; :9666, or with --reachable-at a free port of this machine',
    { of: OPERATOR },
  ),
  'explain-bind-address': text('ADDRESS', 'Where `windlass explain` asks, on loopback only; 0 switches it off', {
    of: OWN,
    default: '127.0.0.1:8082',
  }),
  'ca-dir': text('FOLDER', 'Authorities that triggers trust beside those of the system: every file of the folder', {
    of: OPERATOR,
    multiple: true,
  }),
  'filepath-auth-root-path': text('FOLDER', 'Folder under which ClusterTriggerAuthentications may name files', {
    of: OPERATOR,
  }),
  'http-max-idle-conns': text('NUMBER', 'Checked to be 0 or more; idle connections are few, as triggers share them', {
    of: OPERATOR,
    default: '0',
  }),
  'http-max-idle-conns-per-host': text('NUMBER', 'Checked to be above 0; as above', { of: OPERATOR, default: '1000' }),
  'http-idle-conn-timeout': text('DURATION', 'Checked to be above 0; as above', { of: OPERATOR, default: '90s' }),
  'zap-log-level': text('debug|info|error', 'What to log; a number above 0 is debug', { of: ALL, default: 'info' }),
  'zap-encoder': text('json|console', 'How to log', { of: ALL, default: 'json' }),
} as const satisfies Record<string, Flag>;

const ignored = (of: readonly FlagOwner[], why: string, type: Flag['type'] = 'string'): Flag => ({
  type,
  of,
  description: why,
  ignored: why,
  hidden: true,
});
const LOG_FLAG = 'logs go to standard error, one line each; --zap-log-level and --zap-encoder say which and how';
const DELEGATED = 'who may read metrics is found out from the cluster that the operator works for';
const FAIRNESS = "the API server's own priority and fairness limits requests; nothing waits here";
const TLS = 'TLS 1.2 and later with the ciphers of Node.js';
const AUDIT = 'the API server in front of it keeps the audit log';

/** Flags that are taken because KEDA's Deployments carry them, and named in a line of the log. */
export const IGNORED: Record<string, Flag> = {
  'leader-elect': ignored(OPERATOR, 'all replicas work, and share the objects out', 'boolean'),
  'leader-election-id': ignored(OPERATOR, 'replicas have a Lease each'),
  'enable-opentelemetry-metrics': ignored(OPERATOR, 'metrics are served to Prometheus, not pushed', 'boolean'),
  'kube-api-qps': ignored(ALL, FAIRNESS),
  'kube-api-burst': ignored(ALL, FAIRNESS),
  'disable-compression': ignored(ALL, 'answers of the API server come as they are', 'boolean'),
  'profiling-bind-address': ignored(ALL, 'profile with `node --inspect` or `node --cpu-prof`'),
  'k8s-cluster-name': ignored(OPERATOR, 'nothing that is written names the cluster'),
  'metrics-service-address': ignored(METRICS, 'metrics are answered in the process that reads them'),
  'metrics-service-grpc-authority': ignored(METRICS, 'metrics are answered in the process that reads them'),
  port: ignored(['metrics server', 'webhooks'], '--metrics-bind-address and --webhooks-port say it without doubt'),
  'cache-miss-to-direct-client': ignored(['webhooks'], 'what is not known yet is always asked for', 'boolean'),
  'zap-devel': ignored(ALL, LOG_FLAG, 'boolean'),
  'zap-stacktrace-level': ignored(ALL, LOG_FLAG),
  'zap-time-encoding': ignored(ALL, 'times are RFC 3339'),
  msg: ignored(METRICS, LOG_FLAG),
  v: ignored(ALL, LOG_FLAG),
  vmodule: ignored(ALL, LOG_FLAG),
  logtostderr: ignored(ALL, LOG_FLAG, 'boolean'),
  alsologtostderr: ignored(ALL, LOG_FLAG, 'boolean'),
  stderrthreshold: ignored(ALL, LOG_FLAG),
  'log-dir': ignored(ALL, LOG_FLAG),
  'log-file': ignored(ALL, LOG_FLAG),
  'log-file-max-size': ignored(ALL, LOG_FLAG),
  'log-backtrace-at': ignored(ALL, LOG_FLAG),
  'log-flush-frequency': ignored(ALL, LOG_FLAG),
  'add-dir-header': ignored(ALL, LOG_FLAG, 'boolean'),
  'skip-headers': ignored(ALL, LOG_FLAG, 'boolean'),
  'skip-log-headers': ignored(ALL, LOG_FLAG, 'boolean'),
  'one-output': ignored(ALL, LOG_FLAG, 'boolean'),
  'bind-address': ignored(METRICS, '--metrics-api-host is the address'),
  'tls-cert-file': ignored(METRICS, '--cert-dir names the folder'),
  'tls-private-key-file': ignored(METRICS, '--cert-dir names the folder'),
  'tls-sni-cert-key': ignored(METRICS, 'there is one certificate, for all names'),
  'tls-min-version': ignored(METRICS, TLS),
  'tls-cipher-suites': ignored(METRICS, TLS),
  'client-ca-file': ignored(METRICS, DELEGATED),
  'requestheader-client-ca-file': ignored(METRICS, DELEGATED),
  'requestheader-allowed-names': ignored(METRICS, DELEGATED),
  'requestheader-username-headers': ignored(METRICS, DELEGATED),
  'requestheader-group-headers': ignored(METRICS, DELEGATED),
  'requestheader-uid-headers': ignored(METRICS, DELEGATED),
  'requestheader-extra-headers-prefix': ignored(METRICS, DELEGATED),
  'authentication-kubeconfig': ignored(METRICS, DELEGATED),
  'authentication-skip-lookup': ignored(METRICS, DELEGATED, 'boolean'),
  'authentication-tolerate-lookup-failure': ignored(METRICS, DELEGATED, 'boolean'),
  'authentication-token-webhook-cache-ttl': ignored(METRICS, DELEGATED),
  'authorization-kubeconfig': ignored(METRICS, DELEGATED),
  'authorization-always-allow-paths': ignored(METRICS, DELEGATED),
  'authorization-webhook-cache-authorized-ttl': ignored(METRICS, DELEGATED),
  'authorization-webhook-cache-unauthorized-ttl': ignored(METRICS, DELEGATED),
  'lister-kubeconfig': ignored(METRICS, '--kubeconfig is for everything'),
  'discovery-interval': ignored(METRICS, 'kinds are looked up when they are needed'),
  'client-qps': ignored(METRICS, FAIRNESS),
  'client-burst': ignored(METRICS, FAIRNESS),
  'audit-log-path': ignored(METRICS, AUDIT),
  'audit-log-maxage': ignored(METRICS, AUDIT),
  'audit-log-maxbackup': ignored(METRICS, AUDIT),
  'audit-log-maxsize': ignored(METRICS, AUDIT),
  'audit-policy-file': ignored(METRICS, AUDIT),
  'feature-gates': ignored(METRICS, 'there are none'),
  profiling: ignored(METRICS, 'profile with `node --inspect` or `node --cpu-prof`', 'boolean'),
};
