import type { ResourceType } from '../../../base/object.ts';
import type { AnyObject } from '../../types.ts';
import { checkDefinition } from '../custom/definition.ts';
import type { FieldError } from '../field-error.ts';
import type { Fields } from '../fields.ts';
import { checkAutoscaler, checkScale } from './autoscaling.ts';
import {
  checkApiService,
  checkBinding,
  checkBudget,
  checkConfigMap,
  checkLease,
  checkRole,
  checkSecret,
  checkService,
  checkWebhooks,
} from './core.ts';
import { checkMetadata } from './metadata.ts';
import { checkPod } from './pod.ts';
import {
  checkCronJob,
  checkDaemonSet,
  checkDeployment,
  checkJob,
  checkReplicaSet,
  checkStatefulSet,
} from './workloads.ts';

type Rule = (object: Fields, old: Fields | undefined) => FieldError[];

/** By group/kind: what no schema says. */
const RULES: Record<string, Rule> = {
  '/Pod': checkPod,
  '/ConfigMap': checkConfigMap,
  '/Secret': checkSecret,
  '/Service': checkService,
  'apps/Deployment': checkDeployment,
  'apps/ReplicaSet': checkReplicaSet,
  'apps/StatefulSet': checkStatefulSet,
  'apps/DaemonSet': checkDaemonSet,
  'batch/Job': checkJob,
  'batch/CronJob': checkCronJob,
  'autoscaling/HorizontalPodAutoscaler': checkAutoscaler,
  'autoscaling/Scale': checkScale,
  'coordination.k8s.io/Lease': checkLease,
  'policy/PodDisruptionBudget': checkBudget,
  'apiregistration.k8s.io/APIService': checkApiService,
  'apiextensions.k8s.io/CustomResourceDefinition': checkDefinition,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': checkWebhooks,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': checkWebhooks,
  'rbac.authorization.k8s.io/Role': checkRole,
  'rbac.authorization.k8s.io/ClusterRole': checkRole,
  'rbac.authorization.k8s.io/RoleBinding': checkBinding,
  'rbac.authorization.k8s.io/ClusterRoleBinding': checkBinding,
};

/** What is wrong with an object of a built-in kind, defaults filled in; `old` on updates. */
export function checkBuiltin(type: ResourceType, object: Fields, old: AnyObject | undefined): FieldError[] {
  return [...checkMetadata(type, object), ...(RULES[`${type.group}/${type.kind}`]?.(object, old) ?? [])];
}
