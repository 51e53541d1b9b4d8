import type { ScaledJob } from './scaled-job.ts';
import type { ScaledObject } from './scaled-object.ts';

/** What absent fields mean. KEDA 2.21 applies these when an object is used and never writes them back. */
export const DEFAULTS = {
  pollingInterval: 30,
  cooldownPeriod: 300,
  initialCooldownPeriod: 0,
  minReplicaCount: 0,
  maxReplicaCount: 100,
  jobsHistoryLimit: 100,
  targetApiVersion: 'apps/v1',
  targetKind: 'Deployment',
  metricType: 'AverageValue',
} as const;

/** Name of the metric that a formula gives. */
export const COMPOSITE_METRIC = 'composite-metric';

/** Name of the HPA of a ScaledObject. */
export function hpaNameOf(object: ScaledObject): string {
  return object.spec.advanced?.horizontalPodAutoscalerConfig?.name || `keda-hpa-${object.metadata.name}`;
}

/** The target of a ScaledObject with absent fields filled in. */
export function scaleTargetOf(object: ScaledObject): { apiVersion: string; kind: string; name: string } {
  const { apiVersion, kind, name } = object.spec.scaleTargetRef;
  return { apiVersion: apiVersion || DEFAULTS.targetApiVersion, kind: kind || DEFAULTS.targetKind, name };
}

export interface ScaledObjectSettings {
  /** Seconds. */
  pollingInterval: number;
  /** Seconds. */
  cooldownPeriod: number;
  /** Seconds. */
  initialCooldownPeriod: number;
  /** Undefined means that idle mode is off. */
  idleReplicaCount: number | undefined;
  minReplicaCount: number;
  maxReplicaCount: number;
  /** minReplicas of the HPA, which cannot be 0. */
  hpaMinReplicas: number;
  hpaName: string;
  restoreToOriginalReplicaCount: boolean;
  cooldownPolicy: 'immediate' | 'afterScaleDown';
  activationReplicas: 'minimum' | 'computed';
}

/** The settings of a ScaledObject with absent fields filled in. */
export function scaledObjectSettings(object: ScaledObject): ScaledObjectSettings {
  const { spec } = object;
  const minReplicaCount = spec.minReplicaCount ?? DEFAULTS.minReplicaCount;
  return {
    pollingInterval: spec.pollingInterval ?? DEFAULTS.pollingInterval,
    cooldownPeriod: spec.cooldownPeriod ?? DEFAULTS.cooldownPeriod,
    initialCooldownPeriod: spec.initialCooldownPeriod ?? DEFAULTS.initialCooldownPeriod,
    idleReplicaCount: spec.idleReplicaCount,
    minReplicaCount,
    maxReplicaCount: spec.maxReplicaCount ?? DEFAULTS.maxReplicaCount,
    hpaMinReplicas: Math.max(minReplicaCount, 1),
    hpaName: hpaNameOf(object),
    restoreToOriginalReplicaCount: spec.advanced?.restoreToOriginalReplicaCount ?? false,
    cooldownPolicy: spec.advanced?.cooldownPolicy ?? 'immediate',
    activationReplicas: spec.advanced?.activationReplicas ?? 'minimum',
  };
}

/** Whether any field of scalingModifiers is set, which turns the formula on. An empty text counts as absent. */
export function usesScalingModifiers(object: ScaledObject): boolean {
  const modifiers = object.spec.advanced?.scalingModifiers;
  return Boolean(modifiers?.formula || modifiers?.target || modifiers?.activationTarget || modifiers?.metricType);
}

export interface ScaledJobSettings {
  /** Seconds. */
  pollingInterval: number;
  minReplicaCount: number;
  maxReplicaCount: number;
  successfulJobsHistoryLimit: number;
  failedJobsHistoryLimit: number;
  rolloutStrategy: 'gradual' | 'immediate';
  propagationPolicy: 'Foreground' | 'Background';
  scalingStrategy: 'default' | 'custom' | 'accurate' | 'eager';
  multipleScalersCalculation: 'min' | 'avg' | 'sum' | 'max';
}

/** The settings of a ScaledJob with absent fields filled in. */
export function scaledJobSettings(job: ScaledJob): ScaledJobSettings {
  const { spec } = job;
  return {
    pollingInterval: spec.pollingInterval ?? DEFAULTS.pollingInterval,
    minReplicaCount: spec.minReplicaCount ?? DEFAULTS.minReplicaCount,
    maxReplicaCount: spec.maxReplicaCount ?? DEFAULTS.maxReplicaCount,
    successfulJobsHistoryLimit: spec.successfulJobsHistoryLimit ?? DEFAULTS.jobsHistoryLimit,
    failedJobsHistoryLimit: spec.failedJobsHistoryLimit ?? DEFAULTS.jobsHistoryLimit,
    // KEDA 2.21: the deprecated field wins.
    rolloutStrategy: spec.rolloutStrategy ?? spec.rollout?.strategy ?? 'immediate',
    propagationPolicy: spec.rollout?.propagationPolicy === 'foreground' ? 'Foreground' : 'Background',
    scalingStrategy: spec.scalingStrategy?.strategy ?? 'default',
    multipleScalersCalculation: spec.scalingStrategy?.multipleScalersCalculation ?? 'max',
  };
}
