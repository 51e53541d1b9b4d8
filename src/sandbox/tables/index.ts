import type { ResourceType } from '../../base/object.ts';
import type { AnyObject } from '../types.ts';
import { AUTOSCALERS } from './autoscalers.ts';
import {
  API_SERVICES,
  BINDINGS,
  BUDGETS,
  CONTROLLER_REVISIONS,
  DEFAULT,
  INGRESSES,
  LEASES,
  NETWORK_POLICIES,
  PRIORITY_CLASSES,
  QUOTAS,
  STORAGE_CLASSES,
  WEBHOOKS,
} from './cluster.ts';
import { AGE, type Column, NAME } from './column.ts';
import {
  CLAIMS,
  CONFIG_MAPS,
  ENDPOINT_SLICES,
  ENDPOINTS,
  EVENTS,
  NAMESPACES,
  NODES,
  SECRETS,
  SERVICES,
} from './core.ts';
import { customColumns } from './custom.ts';
import { PODS } from './pods.ts';
import { CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, JOBS, REPLICA_SETS, STATEFUL_SETS } from './workloads.ts';

const COLUMNS: Record<string, Column[]> = {
  '/Pod': PODS,
  '/ConfigMap': CONFIG_MAPS,
  '/Secret': SECRETS,
  '/Namespace': NAMESPACES,
  '/Service': SERVICES,
  '/Endpoints': ENDPOINTS,
  '/Event': EVENTS,
  '/ServiceAccount': [NAME, AGE],
  '/Node': NODES,
  '/PersistentVolumeClaim': CLAIMS,
  '/ResourceQuota': QUOTAS,
  '/ReplicationController': REPLICA_SETS,
  'events.k8s.io/Event': EVENTS,
  'apps/Deployment': DEPLOYMENTS,
  'apps/ReplicaSet': REPLICA_SETS,
  'apps/StatefulSet': STATEFUL_SETS,
  'apps/DaemonSet': DAEMON_SETS,
  'apps/ControllerRevision': CONTROLLER_REVISIONS,
  'batch/Job': JOBS,
  'batch/CronJob': CRON_JOBS,
  'autoscaling/HorizontalPodAutoscaler': AUTOSCALERS,
  'discovery.k8s.io/EndpointSlice': ENDPOINT_SLICES,
  'coordination.k8s.io/Lease': LEASES,
  'policy/PodDisruptionBudget': BUDGETS,
  'apiregistration.k8s.io/APIService': API_SERVICES,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': WEBHOOKS,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': WEBHOOKS,
  'rbac.authorization.k8s.io/RoleBinding': BINDINGS,
  'rbac.authorization.k8s.io/ClusterRoleBinding': BINDINGS,
  'networking.k8s.io/Ingress': INGRESSES,
  'networking.k8s.io/NetworkPolicy': NETWORK_POLICIES,
  'scheduling.k8s.io/PriorityClass': PRIORITY_CLASSES,
  'storage.k8s.io/StorageClass': STORAGE_CLASSES,
};

export interface TableOptions {
  /** The definition of a custom resource, for its columns. */
  crd?: AnyObject | undefined;
  /** What each row carries beside its cells; Metadata by default. */
  includeObject?: 'None' | 'Metadata' | 'Object' | undefined;
  /** The list's metadata (resourceVersion, continue). */
  list?: object | undefined;
  /** Milliseconds since 1970, for ages. */
  now: number;
}

const customColumnsOf = new WeakMap<AnyObject, Map<string, Column[]>>();

/** The meta.k8s.io/v1 Table of objects, from which kubectl prints. */
export function toTable(type: ResourceType, objects: readonly AnyObject[], options: TableOptions): object {
  const { crd, includeObject = 'Metadata', list, now } = options;
  const columns = crd === undefined ? builtinColumns(type) : cachedColumns(crd, type.version);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: list ?? {},
    columnDefinitions: columns.map(({ name, type: cellType, format = '', description = '', priority }) => ({
      name,
      type: cellType,
      format,
      description,
      priority,
    })),
    rows: objects.map((object) => {
      const cells = columns.map((one) => one.cell(object, now));
      if (includeObject === 'None') return { cells };
      return { cells, object: includeObject === 'Object' ? object : metadataOf(object) };
    }),
  };
}

function metadataOf(object: AnyObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function builtinColumns(type: ResourceType): Column[] {
  return COLUMNS[`${type.group}/${type.kind}`] ?? DEFAULT;
}

/** Columns are compiled once per definition; definitions are frozen, so a changed one is another object. */
function cachedColumns(crd: AnyObject, version: string): Column[] {
  const versions = customColumnsOf.get(crd) ?? new Map<string, Column[]>();
  customColumnsOf.set(crd, versions);
  const columns = versions.get(version) ?? customColumns(crd, version);
  versions.set(version, columns);
  return columns;
}
