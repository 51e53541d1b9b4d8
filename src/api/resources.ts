import type { ResourceType } from '../base/object.ts';

const namespaced = (group: string, version: string, kind: string, plural: string): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced: true,
});
const clusterWide = (group: string, version: string, kind: string, plural: string): ResourceType => ({
  ...namespaced(group, version, kind, plural),
  namespaced: false,
});

export const KEDA_GROUP = 'keda.sh';
export const EVENTING_GROUP = 'eventing.keda.sh';

export const SCALED_OBJECTS = namespaced(KEDA_GROUP, 'v1alpha1', 'ScaledObject', 'scaledobjects');
export const SCALED_JOBS = namespaced(KEDA_GROUP, 'v1alpha1', 'ScaledJob', 'scaledjobs');
export const TRIGGER_AUTHENTICATIONS = namespaced(
  KEDA_GROUP,
  'v1alpha1',
  'TriggerAuthentication',
  'triggerauthentications',
);
export const CLUSTER_TRIGGER_AUTHENTICATIONS = clusterWide(
  KEDA_GROUP,
  'v1alpha1',
  'ClusterTriggerAuthentication',
  'clustertriggerauthentications',
);
export const CLOUD_EVENT_SOURCES = namespaced(EVENTING_GROUP, 'v1alpha1', 'CloudEventSource', 'cloudeventsources');
export const CLUSTER_CLOUD_EVENT_SOURCES = clusterWide(
  EVENTING_GROUP,
  'v1alpha1',
  'ClusterCloudEventSource',
  'clustercloudeventsources',
);

export const DEPLOYMENTS = namespaced('apps', 'v1', 'Deployment', 'deployments');
export const STATEFUL_SETS = namespaced('apps', 'v1', 'StatefulSet', 'statefulsets');
export const REPLICA_SETS = namespaced('apps', 'v1', 'ReplicaSet', 'replicasets');
export const JOBS = namespaced('batch', 'v1', 'Job', 'jobs');
export const HORIZONTAL_POD_AUTOSCALERS = namespaced(
  'autoscaling',
  'v2',
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
);
/** The body of every `/scale` subresource. */
export const SCALES = namespaced('autoscaling', 'v1', 'Scale', 'scales');
export const LEASES = namespaced('coordination.k8s.io', 'v1', 'Lease', 'leases');
export const ENDPOINT_SLICES = namespaced('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices');
export const EVENTS = namespaced('events.k8s.io', 'v1', 'Event', 'events');

export const PODS = namespaced('', 'v1', 'Pod', 'pods');
export const SECRETS = namespaced('', 'v1', 'Secret', 'secrets');
export const CONFIG_MAPS = namespaced('', 'v1', 'ConfigMap', 'configmaps');
export const SERVICES = namespaced('', 'v1', 'Service', 'services');
export const SERVICE_ACCOUNTS = namespaced('', 'v1', 'ServiceAccount', 'serviceaccounts');
export const LIMIT_RANGES = namespaced('', 'v1', 'LimitRange', 'limitranges');
export const NAMESPACES = clusterWide('', 'v1', 'Namespace', 'namespaces');
export const NODES = clusterWide('', 'v1', 'Node', 'nodes');

export const CUSTOM_RESOURCE_DEFINITIONS = clusterWide(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
);
export const API_SERVICES = clusterWide('apiregistration.k8s.io', 'v1', 'APIService', 'apiservices');
export const VALIDATING_WEBHOOK_CONFIGURATIONS = clusterWide(
  'admissionregistration.k8s.io',
  'v1',
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
);
export const TOKEN_REVIEWS = clusterWide('authentication.k8s.io', 'v1', 'TokenReview', 'tokenreviews');
export const TOKEN_REQUESTS = namespaced('authentication.k8s.io', 'v1', 'TokenRequest', 'tokenrequests');
export const SUBJECT_ACCESS_REVIEWS = clusterWide(
  'authorization.k8s.io',
  'v1',
  'SubjectAccessReview',
  'subjectaccessreviews',
);
