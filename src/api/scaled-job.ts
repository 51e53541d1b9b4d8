import type { KubeObject } from '../base/object.ts';
import {
  boolean,
  dateTime,
  floatText,
  int32,
  int64,
  listOf,
  object,
  oneOf,
  opaque,
  text,
  type ValueOf,
} from '../spec/object-fields.ts';
import { defineKind } from '../spec/object-kind.ts';
import { conditions } from './condition-field.ts';
import type { PodTemplate } from './pod.ts';
import { SCALED_JOBS } from './resources.ts';
import { scaledJobTriggers, triggersActivity } from './trigger.ts';

export const ROLLOUT_STRATEGIES = ['gradual', 'immediate'] as const;
export const SCALING_STRATEGIES = ['default', 'custom', 'accurate', 'eager'] as const;
export const SCALERS_CALCULATIONS = ['min', 'avg', 'sum', 'max'] as const;

/**
 * A batch/v1 JobSpec. Only its own plain fields are declared: Kubernetes checks the rest when a Job is made, and the
 * schema of a whole pod template would be 600 kB, more than `kubectl apply` can keep in an annotation.
 */
const jobTargetRef = object(
  'The Job to make for each piece of work, as the spec of a batch/v1 Job.',
  {
    template: opaque<PodTemplate>()('Template of the pods.', { required: true }),
    activeDeadlineSeconds: int64('Seconds a Job may take before it is ended.'),
    backoffLimit: int32('Retries before a Job counts as failed.'),
    backoffLimitPerIndex: int32('Retries of each index of an indexed Job.'),
    completionMode: text('NonIndexed or Indexed.'),
    completions: int32('Pods of a Job that have to succeed.'),
    managedBy: text('Controller that runs the Job in place of Kubernetes.'),
    manualSelector: boolean('The selector is given by hand.'),
    maxFailedIndexes: int32('Failed indexes after which an indexed Job counts as failed.'),
    parallelism: int32('Pods of a Job that run at a time.'),
    podFailurePolicy: opaque()('Which failures of pods count.'),
    podReplacementPolicy: text('When a replacement of a pod is made: TerminatingOrFailed or Failed.'),
    selector: opaque()('Labels of the pods; made by Kubernetes unless manualSelector is set.'),
    successPolicy: opaque()('When an indexed Job counts as succeeded.'),
    suspend: boolean('Make the Job but do not run it yet.'),
    ttlSecondsAfterFinished: int32('Seconds after its end when a Job is deleted.'),
  },
  { required: true },
);

const scalingStrategy = object('How the number of new Jobs follows from the queue.', {
  strategy: oneOf('The way of counting.', SCALING_STRATEGIES, { absent: 'default' }),
  customScalingQueueLengthDeduction: int32('Of strategy custom: taken off the queue length.', { absent: '0' }),
  customScalingRunningJobPercentage: floatText('Of strategy custom: share of running Jobs taken off, 0 to 1.'),
  pendingPodConditions: listOf(
    'Conditions a pod must have for its Job to count as running.',
    text('Type of a condition.'),
  ),
  multipleScalersCalculation: oneOf('How several triggers go together.', SCALERS_CALCULATIONS, { absent: 'max' }),
});

const spec = object(
  'Which Jobs to make, for what, and how many.',
  {
    jobTargetRef,
    pollingInterval: int32('Seconds between two looks at the sources.', { min: 1, absent: '30' }),
    successfulJobsHistoryLimit: int32('Succeeded Jobs to keep.', { min: 0, absent: '100' }),
    failedJobsHistoryLimit: int32('Failed Jobs to keep.', { min: 0, absent: '100' }),
    rolloutStrategy: oneOf('What happens to Jobs of an older spec.', ROLLOUT_STRATEGIES, {
      deprecated: 'use rollout.strategy; this field wins while it is set',
    }),
    rollout: object('What happens to Jobs of an older spec when the spec changes.', {
      strategy: oneOf('gradual keeps them, immediate deletes them.', ROLLOUT_STRATEGIES, { absent: 'immediate' }),
      propagationPolicy: oneOf('How they are deleted.', ['foreground', 'background'], { absent: 'background' }),
    }),
    envSourceContainerName: text('Container whose environment triggers may read.', { absent: 'the first container' }),
    minReplicaCount: int32('Jobs that always run, beside those for the queue.', { min: 0, absent: '0' }),
    maxReplicaCount: int32('Most Jobs at a time.', { min: 1, absent: '100' }),
    scalingStrategy,
    triggers: scaledJobTriggers,
  },
  { required: true },
);

const status = object('What was found out; written by the operator.', {
  lastActiveTime: dateTime('When a trigger last saw work.'),
  conditions,
  Paused: text('Kept for KEDA; not written.'),
  triggersTypes: text('Types of the triggers.'),
  authenticationsTypes: text('Names of the authentications that triggers refer to.'),
  externalMetricNames: listOf('Metrics of the triggers.', text('A metric.')),
  triggersActivity,
});

const condition = (type: string) => ({ name: type, path: `.status.conditions[?(@.type=="${type}")].status` });

export const scaledJobKind = defineKind({
  type: SCALED_JOBS,
  singular: 'scaledjob',
  shortNames: ['sj'],
  description: 'Makes Jobs for the events there are to work off.',
  columns: [
    { name: 'Min', path: '.spec.minReplicaCount', type: 'integer' },
    { name: 'Max', path: '.spec.maxReplicaCount', type: 'integer' },
    ...['Ready', 'Active', 'Paused'].map(condition),
    { name: 'Triggers', path: '.status.triggersTypes' },
    { name: 'Authentications', path: '.status.authenticationsTypes' },
    { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' },
  ],
  spec,
  status,
  specOptionalInCrd: true,
});

export type ScaledJobSpec = ValueOf<typeof spec>;
export type ScaledJobStatus = ValueOf<typeof status>;
export type ScalingStrategy = ValueOf<typeof scalingStrategy>;
export type JobSpec = ValueOf<typeof jobTargetRef>;

/** The CRD lets a ScaledJob without a spec pass (as KEDA 2.21's does), so one read from a cluster may lack it. */
export interface ScaledJob extends KubeObject {
  spec: ScaledJobSpec;
  status?: ScaledJobStatus;
}
