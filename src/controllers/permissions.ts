import {
  CLOUD_EVENT_SOURCES,
  CLUSTER_CLOUD_EVENT_SOURCES,
  CLUSTER_TRIGGER_AUTHENTICATIONS,
  CONFIG_MAPS,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  EVENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  LEASES,
  PODS,
  SCALED_JOBS,
  SCALED_OBJECTS,
  SECRETS,
  SERVICE_ACCOUNTS,
  STATEFUL_SETS,
  TRIGGER_AUTHENTICATIONS,
} from '../api/resources.ts';
import type { ResourceType } from '../base/object.ts';
import { FOLLOW, FOLLOW_ONE, type Permission, permission } from '../kube/permission.ts';

/** Our own kinds: read, labelled and given a finalizer, and their status written. Never made, never deleted. */
function ownKind(type: ResourceType): Permission[] {
  return [
    permission(type, ['get', 'list', 'watch', 'patch'], `follow ${type.kind}s, and set their finalizer and label`),
    permission(type, ['patch'], 'write conditions and status', { subresource: 'status' }),
  ];
}

/**
 * Owner references with blockOwnerDeletion need it where the API server runs OwnerReferencesPermissionEnforcement, as
 * OpenShift does.
 */
const owner = (type: ResourceType, of: string): Permission =>
  permission(type, ['update'], `make ${type.kind}s the owners of ${of}`, { subresource: 'finalizers' });

/** What is referenced by name and followed from then on. */
const referenced = (type: ResourceType, why: string): Permission => permission(type, FOLLOW_ONE, why);

const SECRETS_WHY = 'read the Secrets that triggers and containers name, each by a watch of that name alone';

/** Everything the controllers and the scalers they run ask of the API server. */
export const CONTROLLER_PERMISSIONS: readonly Permission[] = [
  ...ownKind(SCALED_OBJECTS),
  ...ownKind(SCALED_JOBS),
  ...ownKind(TRIGGER_AUTHENTICATIONS),
  ...ownKind(CLUSTER_TRIGGER_AUTHENTICATIONS),
  ...ownKind(CLOUD_EVENT_SOURCES),
  ...ownKind(CLUSTER_CLOUD_EVENT_SOURCES),
  owner(SCALED_OBJECTS, 'HPAs'),
  owner(SCALED_JOBS, 'Jobs'),

  permission(
    HORIZONTAL_POD_AUTOSCALERS,
    ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    'keep one HPA for each ScaledObject; server-side apply creates with create and patch',
  ),
  permission(
    JOBS,
    ['get', 'list', 'watch', 'create', 'delete'],
    'start Jobs, and delete those that are over or outdated',
  ),

  ...[DEPLOYMENTS, STATEFUL_SETS].flatMap((type) => [
    permission(type, ['get', 'list', 'watch'], 'know replicas, and the environment of the containers'),
    permission(type, ['get', 'patch'], 'set replicas', { subresource: 'scale' }),
  ]),
  {
    scope: 'watched',
    group: '*',
    resource: '*/scale',
    verbs: ['get', 'patch'],
    when: 'any-target',
    why: 'read and set the replicas of any kind that has a scale subresource',
  },
  {
    scope: 'watched',
    group: '*',
    resource: '*',
    verbs: ['get'],
    when: 'any-target',
    why: 'read the pod template of a target of any kind, for the environment of its containers',
  },

  permission(PODS, ['get', ...FOLLOW], 'count pods for kubernetes-workload, ready pods for fallbacks, pods of Jobs'),
  permission(ENDPOINT_SLICES, ['list'], 'ask every pod behind a Service, for metrics-api'),
  referenced(CONFIG_MAPS, 'read the ConfigMaps that triggers and containers name'),
  referenced(SERVICE_ACCOUNTS, 'read the cloud identity that a workload has'),
  permission(SECRETS, FOLLOW_ONE, SECRETS_WHY, { when: 'secrets-everywhere' }),
  permission(SECRETS, FOLLOW_ONE, 'read the Secrets of ClusterTriggerAuthentications, each by name', {
    scope: 'own',
    when: 'secrets-own',
  }),
  permission(SERVICE_ACCOUNTS, ['create'], 'ask for tokens of service accounts', {
    subresource: 'token',
    when: 'tokens-everywhere',
  }),

  permission(EVENTS, ['create', 'patch'], 'tell what happened'),
  permission(LEASES, ['get', 'list', 'watch', 'create', 'patch', 'delete'], 'share the objects among replicas', {
    scope: 'own',
  }),
];
