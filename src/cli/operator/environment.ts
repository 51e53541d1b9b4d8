/** Variables that the operator reads, for the reference; settings.ts reads most of them. */
export const VARIABLES: Record<string, { default: string; description: string }> = {
  WATCH_NAMESPACE: { default: '', description: 'Namespaces to work in, separated by commas; empty for all' },
  WATCH_LABEL_SELECTOR: { default: '', description: 'Only ScaledObjects and ScaledJobs with these labels' },
  WATCH_LABEL_SELECTOR_FOR_TRIGGERAUTH: {
    default: '',
    description: 'Only TriggerAuthentications and ClusterTriggerAuthentications with these labels, also for triggers',
  },
  POD_NAMESPACE: {
    default: "the pod's, else keda",
    description: 'Namespace of the operator: its Services, Leases and the Secret of its certificates',
  },
  POD_NAME: { default: "the machine's name", description: 'Name of this replica' },
  POD_IP: { default: 'found out', description: 'Address under which other replicas reach this one' },
  KEDA_CLUSTER_OBJECT_NAMESPACE: {
    default: 'POD_NAMESPACE',
    description: 'Where the Secrets of ClusterTriggerAuthentications are',
  },
  KEDA_RESTRICT_SECRET_ACCESS: { default: 'false', description: 'Read Secrets of that namespace only' },
  KEDA_BOUND_SERVICE_ACCOUNT_TOKEN_EXPIRY: {
    default: '1h',
    description: 'Life of the tokens of service accounts, 1h to 6h',
  },
  KEDA_HTTP_DEFAULT_TIMEOUT: {
    default: '3000',
    description: "Milliseconds for a trigger's HTTP request; 0 or less means 300",
  },
  KEDA_HTTP_DISABLE_KEEP_ALIVE: { default: 'false', description: 'A new connection for every request of a trigger' },
  KEDA_HTTP_MIN_TLS_VERSION: { default: 'TLS12', description: 'Lowest TLS version for triggers: TLS10 to TLS13' },
  KEDA_SERVICE_MIN_TLS_VERSION: {
    default: 'KEDA_HTTP_MIN_TLS_VERSION',
    description: 'Lowest TLS version of the admission webhooks',
  },
  KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES: { default: '16', description: 'ScaledObjects worked on at the same time' },
  KEDA_SCALEDJOB_CTRL_MAX_RECONCILES: { default: '8', description: 'ScaledJobs worked on at the same time' },
  KEDA_OPERATOR_LEADER_ELECTION_LEASE_DURATION: {
    default: '5s',
    description: 'A replica that was not heard of for so long is replaced',
  },
  KEDA_OPERATOR_LEADER_ELECTION_RETRY_PERIOD: {
    default: 'a quarter of that',
    description: 'How often a replica renews its Lease; never less often than the default',
  },
  KEDA_OPERATOR_LEADER_ELECTION_RENEW_DEADLINE: {
    default: '',
    description: 'Checked to be a duration; a replica stops writing after half of its lease',
  },
  RAW_METRICS_GRPC_PROTOCOL: {
    default: '',
    description: 'enabled: send every reading to those who subscribed to it over gRPC',
  },
  RAW_METRICS_MODE: {
    default: 'all',
    description: 'Readings that are sent: those of polls (pollinginterval), of the HPA (hpa), or all',
  },
  HTTP_PROXY: { default: '', description: "Proxy for triggers' requests to http addresses" },
  HTTPS_PROXY: { default: '', description: "Proxy for triggers' requests to https addresses" },
  NO_PROXY: { default: '', description: 'Hosts that are reached directly' },
  KUBECONFIG: { default: '', description: 'Kubeconfig, as kubectl reads it' },
};

/** Variables of KEDA that mean nothing here, and why. */
export const IGNORED_VARIABLES: Record<string, string> = {
  KEDA_HTTP_TLS_CIPHER_LIST: 'requests of triggers use the ciphers of Node.js',
  KEDA_SERVICE_TLS_CIPHER_LIST: 'the webhooks use the ciphers of Node.js',
  KEDA_CHECK_UNEXPECTED_SCALERS_PARAMS: 'parameters that a trigger does not know are always told',
};
