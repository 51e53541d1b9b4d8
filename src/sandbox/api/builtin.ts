import type { ResourceType } from '../../base/object.ts';
import { coreEvent, newEvent, toAutoscalingV1, toAutoscalingV2 } from './conversion.ts';
import type { Resource, ScalePaths } from './resource.ts';

interface Row {
  group: string;
  version?: string;
  kind: string;
  plural: string;
  short?: string[];
  cluster?: true;
  /** In `kubectl get all`. */
  all?: true;
  status?: true;
  generation?: true;
  scale?: true;
  conditional?: true;
  createOnUpdate?: true;
  fields?: string[];
  virtual?: true;
}

const REPLICAS: ScalePaths = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.spec.selector',
};

const EVENT_FIELDS = {
  core: ['involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid']
    .concat(['involvedObject.apiVersion', 'involvedObject.resourceVersion', 'involvedObject.fieldPath'])
    .concat(['reason', 'reportingComponent', 'source', 'type']),
  events: ['regarding.kind', 'regarding.namespace', 'regarding.name', 'regarding.uid', 'regarding.apiVersion']
    .concat(['regarding.resourceVersion', 'regarding.fieldPath', 'reason', 'reportingController', 'type'])
    .concat(['involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid']),
};

const RBAC = 'rbac.authorization.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';

// Order within a group is the order of `kubectl api-resources`.
const ROWS: Row[] = [
  { group: '', kind: 'ConfigMap', plural: 'configmaps', short: ['cm'] },
  { group: '', kind: 'Endpoints', plural: 'endpoints', short: ['ep'], createOnUpdate: true },
  { group: '', kind: 'Event', plural: 'events', short: ['ev'], createOnUpdate: true, fields: EVENT_FIELDS.core },
  { group: '', kind: 'LimitRange', plural: 'limitranges', short: ['limits'] },
  {
    group: '',
    kind: 'Namespace',
    plural: 'namespaces',
    short: ['ns'],
    cluster: true,
    status: true,
    fields: ['status.phase'],
  },
  {
    group: '',
    kind: 'Node',
    plural: 'nodes',
    short: ['no'],
    cluster: true,
    status: true,
    fields: ['spec.unschedulable'],
  },
  {
    group: '',
    kind: 'Pod',
    plural: 'pods',
    short: ['po'],
    all: true,
    status: true,
    generation: true,
    fields: ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName'].concat([
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.nominatedNodeName',
    ]),
  },
  { group: '', kind: 'ResourceQuota', plural: 'resourcequotas', short: ['quota'], status: true },
  { group: '', kind: 'Secret', plural: 'secrets', fields: ['type'] },
  { group: '', kind: 'ServiceAccount', plural: 'serviceaccounts', short: ['sa'] },
  {
    group: '',
    kind: 'Service',
    plural: 'services',
    short: ['svc'],
    all: true,
    status: true,
    fields: ['spec.clusterIP', 'spec.type'],
  },
  {
    group: ADMISSION,
    kind: 'MutatingWebhookConfiguration',
    plural: 'mutatingwebhookconfigurations',
    cluster: true,
    generation: true,
    conditional: true,
  },
  {
    group: ADMISSION,
    kind: 'ValidatingWebhookConfiguration',
    plural: 'validatingwebhookconfigurations',
    cluster: true,
    generation: true,
    conditional: true,
  },
  {
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    short: ['crd', 'crds'],
    cluster: true,
    status: true,
    generation: true,
    conditional: true,
  },
  {
    group: 'apiregistration.k8s.io',
    kind: 'APIService',
    plural: 'apiservices',
    cluster: true,
    status: true,
    conditional: true,
  },
  { group: 'apps', kind: 'ControllerRevision', plural: 'controllerrevisions' },
  {
    group: 'apps',
    kind: 'DaemonSet',
    plural: 'daemonsets',
    short: ['ds'],
    all: true,
    status: true,
    generation: true,
  },
  {
    group: 'apps',
    kind: 'Deployment',
    plural: 'deployments',
    short: ['deploy'],
    all: true,
    status: true,
    generation: true,
    scale: true,
  },
  {
    group: 'apps',
    kind: 'ReplicaSet',
    plural: 'replicasets',
    short: ['rs'],
    all: true,
    status: true,
    generation: true,
    scale: true,
    fields: ['status.replicas'],
  },
  {
    group: 'apps',
    kind: 'StatefulSet',
    plural: 'statefulsets',
    short: ['sts'],
    all: true,
    status: true,
    generation: true,
    scale: true,
  },
  {
    group: 'authentication.k8s.io',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    cluster: true,
    virtual: true,
  },
  { group: 'authentication.k8s.io', kind: 'TokenReview', plural: 'tokenreviews', cluster: true, virtual: true },
  {
    group: 'authorization.k8s.io',
    kind: 'LocalSubjectAccessReview',
    plural: 'localsubjectaccessreviews',
    virtual: true,
  },
  {
    group: 'authorization.k8s.io',
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    cluster: true,
    virtual: true,
  },
  {
    group: 'authorization.k8s.io',
    kind: 'SelfSubjectRulesReview',
    plural: 'selfsubjectrulesreviews',
    cluster: true,
    virtual: true,
  },
  {
    group: 'authorization.k8s.io',
    kind: 'SubjectAccessReview',
    plural: 'subjectaccessreviews',
    cluster: true,
    virtual: true,
  },
  {
    group: 'autoscaling',
    version: 'v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    short: ['hpa'],
    all: true,
    status: true,
  },
  { group: 'batch', kind: 'CronJob', plural: 'cronjobs', short: ['cj'], all: true, status: true, generation: true },
  {
    group: 'batch',
    kind: 'Job',
    plural: 'jobs',
    all: true,
    status: true,
    generation: true,
    fields: ['status.successful'],
  },
  { group: 'coordination.k8s.io', kind: 'Lease', plural: 'leases', conditional: true, createOnUpdate: true },
  { group: 'discovery.k8s.io', kind: 'EndpointSlice', plural: 'endpointslices', generation: true },
  { group: 'networking.k8s.io', kind: 'Ingress', plural: 'ingresses', short: ['ing'], status: true, generation: true },
  { group: 'networking.k8s.io', kind: 'NetworkPolicy', plural: 'networkpolicies', short: ['netpol'], generation: true },
  {
    group: 'policy',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    short: ['pdb'],
    status: true,
    generation: true,
  },
  { group: RBAC, kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', cluster: true },
  { group: RBAC, kind: 'ClusterRole', plural: 'clusterroles', cluster: true },
  { group: RBAC, kind: 'RoleBinding', plural: 'rolebindings' },
  { group: RBAC, kind: 'Role', plural: 'roles' },
  {
    group: 'scheduling.k8s.io',
    kind: 'PriorityClass',
    plural: 'priorityclasses',
    short: ['pc'],
    cluster: true,
    generation: true,
  },
];

function fromRow(row: Row): Resource {
  const type: ResourceType = {
    group: row.group,
    version: row.version ?? 'v1',
    plural: row.plural,
    kind: row.kind,
    namespaced: row.cluster !== true,
  };
  return {
    type,
    storage: storageOf(type),
    storageType: type,
    singular: row.kind.toLowerCase(),
    shortNames: row.short ?? [],
    categories: row.all ? ['all'] : row.group === ADMISSION ? ['api-extensions'] : [],
    status: row.status === true,
    scale: row.scale ? REPLICAS : undefined,
    generation: row.generation === true,
    unconditionalUpdate: row.conditional !== true,
    createOnUpdate: row.createOnUpdate === true,
    fields: row.fields ?? [],
    virtual: row.virtual === true,
  };
}

/** The name under which the objects of a type are kept, whatever the version. */
export function storageOf(type: { group: string; plural: string }): string {
  return `${type.group}/${type.plural}`;
}

/** The types that every cluster serves. */
export function builtinResources(): Resource[] {
  const resources = ROWS.map(fromRow);
  const events = resources.find((r) => r.type.kind === 'Event');
  const autoscaler = resources.find((r) => r.type.kind === 'HorizontalPodAutoscaler');
  if (events) {
    resources.push({
      ...events,
      type: { ...events.type, group: 'events.k8s.io' },
      fields: EVENT_FIELDS.events,
      fromStorage: newEvent,
      toStorage: coreEvent,
    });
  }
  if (autoscaler) {
    resources.push({
      ...autoscaler,
      type: { ...autoscaler.type, version: 'v1' },
      fromStorage: toAutoscalingV1,
      toStorage: toAutoscalingV2,
    });
  }
  return resources;
}
