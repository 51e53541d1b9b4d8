import { boolean, listOf, mapOf, object, oneOf, text, type ValueOf } from '../spec/object-fields.ts';

export const AUTHENTICATION_KINDS = ['TriggerAuthentication', 'ClusterTriggerAuthentication'] as const;

/** Reference to the object that holds the credentials. */
export const authenticationRef = object('Where the credentials come from.', {
  name: text('Name of the TriggerAuthentication or ClusterTriggerAuthentication.', { required: true }),
  kind: oneOf('Kind of the object referred to.', AUTHENTICATION_KINDS, { absent: 'TriggerAuthentication' }),
});

export type AuthenticationRef = ValueOf<typeof authenticationRef>;

const shared = {
  type: text('Type of the source: rabbitmq, kafka, cron, …', { required: true, minLength: 1 }),
  name: text('Name of the trigger, unique among the triggers of the object; formulas refer to it.'),
  metadata: mapOf('Settings of the source, all as text; the page of the trigger type lists them.', text('A setting.'), {
    required: true,
  }),
  useCachedMetrics: boolean('Answer the HPA with the value of the last poll. Not for cpu, memory and cron.', {
    absent: 'false',
  }),
  authenticationRef,
};

export const ON_ERROR = ['hold', 'ignore', 'fallback'] as const;

const trigger = object('A source of events, and how much work one replica takes.', {
  ...shared,
  onError: oneOf(
    'What the trigger counts as while it cannot be read: its last value, nothing, or what spec.fallback says. An addition of Windlass.',
    ON_ERROR,
    { absent: 'fallback if the object has one, else the replicas stay' },
  ),
  metricType: oneOf(
    'How the value is set against the target: per replica, in all, or as a percentage (cpu and memory).',
    ['AverageValue', 'Value', 'Utilization'],
    { enforced: false, absent: 'AverageValue; cpu and memory require one' },
  ),
});

/** A trigger of a ScaledObject; a ScaledJob's has the same fields but metricType and onError. */
export type Trigger = ValueOf<typeof trigger>;

export const scaledObjectTriggers = listOf('What to scale on; the largest demand wins.', trigger, {
  required: true,
  minItems: 1,
});

// KEDA 2.21 ships the CRD of ScaledJob without metricType.
export const scaledJobTriggers = listOf(
  'What to make Jobs for.',
  object('A source of events, and how much work one Job takes.', shared),
  { required: true, minItems: 1 },
);

/** Progress of the triggers, by metric name. */
export const triggersActivity = mapOf(
  'Which triggers see work, by metric name.',
  object('Activity of one trigger.', { isActive: boolean('The trigger sees work.') }),
);
