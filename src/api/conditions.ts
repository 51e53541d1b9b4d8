import type { Condition } from './condition-field.ts';

export type { Condition } from './condition-field.ts';

export type ConditionType = 'Ready' | 'Active' | 'Fallback' | 'Paused' | 'HPAActive';

/** The condition of a type, if the list has it. */
export function getCondition(list: readonly Condition[] | undefined, type: ConditionType): Condition | undefined {
  return list?.find((condition) => condition.type === type);
}

/**
 * A list in which the condition stands, in its old place or at the end. Gives back the very list it got when nothing
 * differs, so that a caller can compare by identity and write nothing. Empty reasons and messages count as absent.
 */
export function setCondition(
  list: readonly Condition[],
  wanted: Condition & { type: ConditionType },
): readonly Condition[] {
  const next = compact(wanted);
  const index = list.findIndex((condition) => condition.type === next.type);
  const found = list[index];
  if (found === undefined) return [...list, next];
  const same =
    found.status === next.status &&
    (found.reason ?? '') === (next.reason ?? '') &&
    (found.message ?? '') === (next.message ?? '');
  return same ? list : list.with(index, next);
}

function compact({ type, status, reason, message }: Condition): Condition {
  return { type, status, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
}

/** What a ScaledObject or ScaledJob starts with. KEDA 2.21: Paused is known to be False, the rest is not known yet. */
export function initialConditions(): Condition[] {
  return [
    { type: 'Ready', status: 'Unknown' },
    { type: 'Active', status: 'Unknown' },
    { type: 'Fallback', status: 'Unknown' },
    { type: 'Paused', status: 'False' },
  ];
}

/** Whether all four initial conditions are there; a list that lacks one is replaced as a whole (KEDA 2.21). */
export function hasInitialConditions(list: readonly Condition[] | undefined): boolean {
  return initialConditions().every(({ type }) => list?.some((condition) => condition.type === type));
}

/** What a CloudEventSource or ClusterCloudEventSource starts with. */
export function initialEventSourceConditions(): Condition[] {
  return [{ type: 'Active', status: 'Unknown' }];
}
