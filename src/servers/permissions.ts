import {
  API_SERVICES,
  CLUSTER_TRIGGER_AUTHENTICATIONS,
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  LIMIT_RANGES,
  SCALED_OBJECTS,
  SECRETS,
  STATEFUL_SETS,
  SUBJECT_ACCESS_REVIEWS,
  TOKEN_REVIEWS,
  TRIGGER_AUTHENTICATIONS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '../api/resources.ts';
import { FOLLOW, FOLLOW_ONE, type Permission, permission } from '../kube/permission.ts';

/** Names that manifests give to what the operator changes; with them its rights end at these objects. */
export const INSTALLED_NAMES = {
  apiService: 'v1beta1.external.metrics.k8s.io',
  webhookConfiguration: 'keda-admission',
  certificateSecret: 'kedaorg-certs',
};

const TRUST = ['get', 'patch'] as const;

/** What the servers ask of the API server. */
export const SERVER_PERMISSIONS: readonly Permission[] = [
  permission(TOKEN_REVIEWS, ['create'], 'learn who asks for metrics', { when: 'metrics-api' }),
  permission(SUBJECT_ACCESS_REVIEWS, ['create'], 'learn whether they may', { when: 'metrics-api' }),

  permission(HORIZONTAL_POD_AUTOSCALERS, ['get', ...FOLLOW], 'find HPAs that scale the same target', {
    when: 'admission',
  }),
  permission(SCALED_OBJECTS, ['get', ...FOLLOW], 'find ScaledObjects that scale the same target', {
    when: 'admission',
  }),
  ...[DEPLOYMENTS, STATEFUL_SETS].map((type) =>
    permission(type, ['get'], 'see what the containers request', { when: 'admission' }),
  ),
  ...[TRIGGER_AUTHENTICATIONS, CLUSTER_TRIGGER_AUTHENTICATIONS].map((type) =>
    permission(type, ['get'], 'see whether a trigger refers to one that exists', { when: 'admission' }),
  ),
  permission(LIMIT_RANGES, ['list'], 'see what containers request by default', { when: 'admission' }),

  permission(SECRETS, FOLLOW_ONE, 'read the certificate that the replicas share', {
    scope: 'own',
    names: [INSTALLED_NAMES.certificateSecret],
    when: 'own-certificates',
  }),
  permission(SECRETS, ['update'], 'renew it', {
    scope: 'own',
    names: [INSTALLED_NAMES.certificateSecret],
    when: 'own-certificates',
  }),
  // Kubernetes cannot limit create to a name.
  permission(SECRETS, ['create'], 'make it', { scope: 'own', when: 'own-certificates' }),
  permission(API_SERVICES, TRUST, 'put the authority of our certificate into the registration', {
    names: [INSTALLED_NAMES.apiService],
    when: 'own-certificates',
  }),
  permission(VALIDATING_WEBHOOK_CONFIGURATIONS, TRUST, 'put the authority of our certificate into the registration', {
    names: [INSTALLED_NAMES.webhookConfiguration],
    when: 'own-certificates',
  }),
];

/**
 * Kubernetes' own role for servers behind the aggregation layer: they read whom the API server vouches for from the
 * ConfigMap kube-system/extension-apiserver-authentication.
 */
export const AGGREGATION_ROLE = { namespace: 'kube-system', role: 'extension-apiserver-authentication-reader' };

/** What the HPA controller needs, by which the metrics API judges it: every metric name is a resource there. */
export const METRICS_READER: Permission = {
  scope: 'cluster',
  group: 'external.metrics.k8s.io',
  resource: '*',
  verbs: ['get', 'list'],
  when: 'metrics-api',
  why: 'read external metrics',
};
