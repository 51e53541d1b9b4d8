import { parseBoolean } from '../base/boolean.ts';

/** Names that KEDA 2.21 reads or writes on objects; every one of them is part of the drop-in contract. */

/** On a ScaledObject or ScaledJob: freeze it. Read with readBooleanAnnotation. */
export const PAUSED = 'autoscaling.keda.sh/paused';
/** On a ScaledObject: freeze it at this count. Its presence alone pauses. */
export const PAUSED_REPLICAS = 'autoscaling.keda.sh/paused-replicas';
/** On a ScaledObject: no scaling in. Read with readBooleanAnnotation. */
export const PAUSED_SCALE_IN = 'autoscaling.keda.sh/paused-scale-in';
/** On a ScaledObject: no scaling out. Read with readBooleanAnnotation. */
export const PAUSED_SCALE_OUT = 'autoscaling.keda.sh/paused-scale-out';
/** On a ScaledObject: treat it as active. Read with readBooleanAnnotation. */
export const FORCE_ACTIVATION = 'autoscaling.keda.sh/force-activation';

/**
 * On a ScaledObject or ScaledJob, an addition of Windlass: an RFC 3339 time until which it is frozen. With PAUSED or
 * PAUSED_REPLICAS, when those end. Read with pauseState.
 */
export const PAUSED_UNTIL = 'windlass.dev/paused-until';
/** On a ScaledObject or ScaledJob, an addition of Windlass: decide and tell, scale nothing. Read with readBooleanAnnotation. */
export const DRY_RUN = 'windlass.dev/dry-run';

/** Annotations of a ScaledObject whose change alone makes it reconcile. */
export const RECONCILING_ANNOTATIONS = [
  PAUSED,
  PAUSED_REPLICAS,
  PAUSED_SCALE_IN,
  PAUSED_SCALE_OUT,
  FORCE_ACTIVATION,
] as const;

/** On a ScaledObject: keys of labels, split on commas without trimming, that its HPA does not get. */
export const HPA_EXCLUDED_LABELS = 'scaledobject.keda.sh/hpa-excluded-labels';
/** On a ScaledObject, exactly "true": it may take over the HPA that its configuration names. */
export const TRANSFER_HPA_OWNERSHIP = 'scaledobject.keda.sh/transfer-hpa-ownership';
/** On an HPA, "false": admission does not mind it beside a ScaledObject. */
export const VALIDATE_HPA_OWNERSHIP = 'validations.keda.sh/hpa-ownership';

/** On a ScaledJob: keys of labels, split on commas without trimming, that its Jobs do not get. */
export const JOB_EXCLUDED_LABELS = 'scaledjob.keda.sh/job-excluded-labels';
/** On a Job: generation of the ScaledJob that it was made from. */
export const SCALED_JOB_GENERATION = 'scaledjob.keda.sh/generation';

/** On a service account: the AWS role it stands for. */
export const EKS_ROLE_ARN = 'eks.amazonaws.com/role-arn';

/** Label on ScaledObjects, and in the selector of every external metric: the ScaledObject's name. */
export const SCALED_OBJECT_NAME = 'scaledobject.keda.sh/name';
/** Label on Jobs and their pods: the ScaledJob's name. */
export const SCALED_JOB_NAME = 'scaledjob.keda.sh/name';
/** Label that the Job controller puts on pods. */
export const JOB_NAME = 'job-name';

export const APP_NAME = 'app.kubernetes.io/name';
export const APP_VERSION = 'app.kubernetes.io/version';
export const APP_PART_OF = 'app.kubernetes.io/part-of';
export const APP_MANAGED_BY = 'app.kubernetes.io/managed-by';
/** Value of APP_MANAGED_BY on HPAs and Jobs, which tools written for KEDA select by. */
export const MANAGER = 'keda-operator';

export const FINALIZER = 'finalizer.keda.sh';

type Annotated = { metadata: { annotations?: Readonly<Record<string, string>> | undefined } };

/** Whether everything is decided and nothing done. */
export function isDryRun(object: Annotated): boolean {
  return readBooleanAnnotation(object, DRY_RUN);
}

/** RFC 3339 in milliseconds since 1970; undefined for a text that is no such time. */
export function parseTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text.trim())) return undefined;
  const time = Date.parse(text.trim().toUpperCase());
  return Number.isNaN(time) ? undefined : time;
}

/**
 * A switch kept as an annotation. KEDA 2.21: present but not a Go boolean, even empty, counts as true, so that
 * `paused: ""` pauses; absent is false.
 */
export function readBooleanAnnotation(object: Annotated, name: string): boolean {
  const text = object.metadata.annotations?.[name];
  if (text === undefined) return false;
  try {
    return parseBoolean(text);
  } catch {
    return true;
  }
}
