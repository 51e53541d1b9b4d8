import type { Fields } from '../fields.ts';
import { defaultAutoscaler, defaultAutoscalerV1 } from './autoscaling.ts';
import {
  defaultApiService,
  defaultCustomResourceDefinition,
  defaultNetworkPolicy,
  defaultPersistentVolume,
  defaultPriorityClass,
  defaultRoleBinding,
  defaultStorageClass,
  defaultWebhooks,
} from './cluster.ts';
import { defaultEndpointSlice, defaultEndpoints, defaultLimitRange, defaultService } from './core.ts';
import { defaultPod, defaultTemplate } from './pod.ts';
import {
  defaultCronJob,
  defaultDaemonSet,
  defaultDeployment,
  defaultJob,
  defaultPersistentVolumeClaim,
  defaultReplicaSet,
  defaultReplicationController,
  defaultStatefulSet,
} from './workloads.ts';

/** Fills a fresh copy in place. */
export type Defaulting = (object: Fields) => void;

/** By group/kind, and group/version/kind where versions differ. */
const DEFAULTS: Record<string, Defaulting> = {
  '/Pod': defaultPod,
  '/PodTemplate': defaultTemplate,
  '/Service': defaultService,
  '/Endpoints': defaultEndpoints,
  '/LimitRange': defaultLimitRange,
  '/ReplicationController': defaultReplicationController,
  '/PersistentVolume': defaultPersistentVolume,
  '/PersistentVolumeClaim': defaultPersistentVolumeClaim,
  'apps/Deployment': defaultDeployment,
  'apps/ReplicaSet': defaultReplicaSet,
  'apps/StatefulSet': defaultStatefulSet,
  'apps/DaemonSet': defaultDaemonSet,
  'batch/Job': defaultJob,
  'batch/CronJob': defaultCronJob,
  'autoscaling/v1/HorizontalPodAutoscaler': defaultAutoscalerV1,
  'autoscaling/HorizontalPodAutoscaler': defaultAutoscaler,
  'discovery.k8s.io/EndpointSlice': defaultEndpointSlice,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': defaultWebhooks,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': defaultWebhooks,
  'apiregistration.k8s.io/APIService': defaultApiService,
  'apiextensions.k8s.io/CustomResourceDefinition': defaultCustomResourceDefinition,
  'rbac.authorization.k8s.io/RoleBinding': defaultRoleBinding,
  'rbac.authorization.k8s.io/ClusterRoleBinding': defaultRoleBinding,
  'networking.k8s.io/NetworkPolicy': defaultNetworkPolicy,
  'storage.k8s.io/StorageClass': defaultStorageClass,
  'scheduling.k8s.io/PriorityClass': defaultPriorityClass,
};

/** The defaults of a built-in kind that the published schemas do not carry. */
export function defaultingOf(type: { group: string; version: string; kind: string }): Defaulting | undefined {
  return DEFAULTS[`${type.group}/${type.version}/${type.kind}`] ?? DEFAULTS[`${type.group}/${type.kind}`];
}
