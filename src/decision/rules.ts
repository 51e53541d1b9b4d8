/**
 * Every rule that can decide, with what it means. A decision record names exactly one of them: the one that settled
 * what was done, or what kept something from being done.
 */
export const RULES = {
  // ScaledObject
  paused: 'The object is paused: nothing is scaled.',
  'paused-replicas': 'The object is paused at a number of replicas, which is set once.',
  'paused-scale-in': 'Nothing is left to do, but scaling in is paused, so the replicas stay.',
  'paused-scale-out': 'There is work, but scaling out is paused, so no replicas are added.',
  'replicas-unknown': 'The current replicas of the target could not be read, so nothing is changed.',
  activate: 'A trigger is active and the target runs fewer replicas than work needs to start: it is woken up.',
  'force-activation': 'The annotation force-activation makes the object count as active.',
  'resource-only': 'All triggers are cpu or memory, so the object always counts as active and the HPA scales it.',
  hpa: 'The object is active and runs: the HPA scales it between its bounds.',
  fallback: 'A source has failed more often than failureThreshold allows, so the fallback stands in for it.',
  'fallback-zero': 'The fallback stands in for a failing source and asks for no replicas.',
  'error-hold': 'A source cannot be read, which is no evidence that there is no work: the replicas stay.',
  'no-data-hold': 'A source has no value at the moment, which is no evidence that there is no work: the replicas stay.',
  'formula-hold': 'The formula gives no number, which is no evidence that there is no work: the replicas stay.',
  cooldown: 'There is no work, but cooldownPeriod has not passed since there last was.',
  'initial-cooldown': 'There was no work yet, and initialCooldownPeriod has not passed since the object was made.',
  'scale-down-first':
    'There is no work and the cooldown is over, but cooldownPolicy lets the HPA scale in to its minimum first.',
  deactivate: 'There is no work and the cooldown is over: the target goes to its idle replicas, or to zero.',
  'below-min': 'The target runs fewer replicas than minReplicaCount, so it is set to that.',
  'at-rest': 'There is no work and the target is where it rests; above that the HPA scales it.',
  // ScaledJob
  'jobs-paused': 'The ScaledJob is paused: no Jobs are created.',
  'jobs-unknown': 'The list of Jobs is not known at the moment, so none are created: they could be there already.',
  'jobs-error-hold': 'No source could be read, so nothing is known of work and no Jobs are created.',
  'jobs-no-data-hold': 'No source has a value at the moment, so nothing is known of work and no Jobs are created.',
  'jobs-inactive': 'No trigger is active: there is no work to create Jobs for.',
  'jobs-min': 'Fewer Jobs run than minReplicaCount, so the missing ones are created.',
  'jobs-max': 'There is more work than Jobs may run at a time: maxReplicaCount limits them.',
  'jobs-covered': 'Every piece of work in the reading has a Job already.',
  'jobs-strategy': 'The scaling strategy asks for fewer Jobs than there is work and room for.',
  'jobs-queue': 'A Job is created for each piece of work that has none.',
} as const satisfies Record<string, string>;

export type Rule = keyof typeof RULES;
