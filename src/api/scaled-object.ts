import type { KubeObject } from '../base/object.ts';
import {
  boolean,
  dateTime,
  floatText,
  int32,
  listOf,
  mapOf,
  type ObjectRule,
  object,
  oneOf,
  text,
  type ValueOf,
} from '../spec/object-fields.ts';
import { defineKind } from '../spec/object-kind.ts';
import { conditions } from './condition-field.ts';
import { hpaBehavior } from './hpa-behavior.ts';
import { SCALED_OBJECTS } from './resources.ts';
import { scaledObjectTriggers, triggersActivity } from './trigger.ts';

export const FALLBACK_BEHAVIORS = [
  'static',
  'currentReplicas',
  'currentReplicasIfHigher',
  'currentReplicasIfLower',
  'scalingModifiers',
] as const;

const COOLDOWN_POLICIES = ['immediate', 'afterScaleDown'] as const;
const ACTIVATION_REPLICAS = ['minimum', 'computed'] as const;

const minWithinMax: ObjectRule = {
  cel: '!has(self.minReplicaCount) || self.minReplicaCount <= (has(self.maxReplicaCount) ? self.maxReplicaCount : 100)',
  message: 'minReplicaCount must not be greater than maxReplicaCount (100 when that is absent)',
  field: 'minReplicaCount',
  holds: ({ minReplicaCount: min, maxReplicaCount: max }) =>
    typeof min !== 'number' || min <= (typeof max === 'number' ? max : 100),
};

const scaleTargetRef = object(
  'What to scale: anything in the same namespace that has a /scale subresource.',
  {
    name: text('Name of the target.', { required: true, minLength: 1 }),
    apiVersion: text('Group and version of the target.', { absent: 'apps/v1' }),
    kind: text('Kind of the target.', { absent: 'Deployment' }),
    envSourceContainerName: text('Container whose environment triggers may read.', { absent: 'the first container' }),
  },
  { required: true },
);

const scalingModifiers = object('One formula over all triggers in place of the largest demand.', {
  formula: text('Expression over the names of triggers, for example `(queue + topic) / 2`.'),
  target: floatText('Value of the formula that one replica takes; greater than 0.'),
  activationTarget: floatText('The object is active above this value.', { absent: '0' }),
  metricType: oneOf('How the value is set against the target.', ['AverageValue', 'Value'], { absent: 'AverageValue' }),
});

const spec = object(
  'What to scale, on what, and within which bounds.',
  {
    scaleTargetRef,
    pollingInterval: int32('Seconds between two looks at the sources.', { min: 1, absent: '30' }),
    initialCooldownPeriod: int32('Seconds after creation before the first scaling to zero.', { min: 0, absent: '0' }),
    cooldownPeriod: int32('Seconds without work before scaling to zero (or to idleReplicaCount).', {
      min: 0,
      absent: '300',
    }),
    idleReplicaCount: int32('Replicas while there is no work; less than minReplicaCount.', {
      min: 0,
      absent: 'minReplicaCount',
    }),
    minReplicaCount: int32('Fewest replicas.', { min: 0, absent: '0' }),
    maxReplicaCount: int32('Most replicas.', { min: 1, absent: '100' }),
    advanced: object('Settings that few objects need.', {
      restoreToOriginalReplicaCount: boolean(
        'When the object is deleted, give the target the replicas it had before.',
        {
          absent: 'false',
        },
      ),
      horizontalPodAutoscalerConfig: object('Settings of the HPA that is made for the object.', {
        name: text('Name of the HPA.', { absent: 'keda-hpa-<name>' }),
        behavior: hpaBehavior,
      }),
      scalingModifiers,
      cooldownPolicy: oneOf(
        'Where scaling to zero (or to idleReplicaCount) starts when the cooldown is over: at any count, or only where the HPA has scaled in to by its own behavior. An addition of Windlass.',
        COOLDOWN_POLICIES,
        { absent: 'immediate' },
      ),
      activationReplicas: oneOf(
        'Replicas that a target is woken up with: minReplicaCount (at least 1), or as many as the triggers ask for. An addition of Windlass.',
        ACTIVATION_REPLICAS,
        { absent: 'minimum' },
      ),
    }),
    triggers: scaledObjectTriggers,
    fallback: object('What to do while a source cannot be read.', {
      failureThreshold: int32('Failed reads in a row after which the fallback counts.', { required: true, min: 0 }),
      replicas: int32('Replicas to fall back to.', { required: true, min: 0 }),
      behavior: oneOf('How the replicas of the fallback and the current ones go together.', FALLBACK_BEHAVIORS, {
        default: 'static',
      }),
    }),
  },
  { required: true, rules: [minWithinMax] },
);

const status = object('What was found out; written by the operator.', {
  scaleTargetKind: text('Kind of the target as group/version.Kind.'),
  scaleTargetGVKR: object('Group, version, kind and resource of the target.', {
    group: text('Group.', { required: true }),
    version: text('Version.', { required: true }),
    kind: text('Kind.', { required: true }),
    resource: text('Plural name.', { required: true }),
  }),
  originalReplicaCount: int32('Replicas the target had before.'),
  lastActiveTime: dateTime('When a trigger last saw work.'),
  externalMetricNames: listOf('Metrics that the HPA asks us for.', text('A metric.')),
  resourceMetricNames: listOf('Metrics that Kubernetes measures itself.', text('A metric.')),
  compositeScalerName: text('Name of the metric of the formula.'),
  conditions,
  health: mapOf(
    'Failures of the sources, by metric name.',
    object('Failures of one source.', {
      numberOfFailures: int32('Failed reads in a row.'),
      status: oneOf('Whether the source can be read.', ['Happy', 'Failing'], { enforced: false }),
    }),
  ),
  triggersActivity,
  pausedReplicaCount: int32('Replicas the object is paused at.'),
  hpaName: text('Name of the HPA.'),
  triggersTypes: text('Types of the triggers.'),
  authenticationsTypes: text('Names of the authentications that triggers refer to.'),
});

const condition = (type: string) => ({ name: type, path: `.status.conditions[?(@.type=="${type}")].status` });

export const scaledObjectKind = defineKind({
  type: SCALED_OBJECTS,
  singular: 'scaledobject',
  shortNames: ['so'],
  description: 'Scales a workload on the events it has to work off, down to zero when there are none.',
  columns: [
    { name: 'ScaleTargetKind', path: '.status.scaleTargetKind' },
    { name: 'ScaleTargetName', path: '.spec.scaleTargetRef.name' },
    { name: 'Min', path: '.spec.minReplicaCount', type: 'integer' },
    { name: 'Max', path: '.spec.maxReplicaCount', type: 'integer' },
    ...['Ready', 'Active', 'Fallback', 'Paused'].map(condition),
    { name: 'Triggers', path: '.status.triggersTypes' },
    { name: 'Authentications', path: '.status.authenticationsTypes' },
    { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' },
  ],
  spec,
  status,
});

export type ScaledObjectSpec = ValueOf<typeof spec>;
export type ScaledObjectStatus = ValueOf<typeof status>;
export type Fallback = NonNullable<ScaledObjectSpec['fallback']>;
export type ScalingModifiers = ValueOf<typeof scalingModifiers>;

export interface ScaledObject extends KubeObject {
  spec: ScaledObjectSpec;
  status?: ScaledObjectStatus;
}
