import { getCondition } from '../api/conditions.ts';
import type { Condition } from '../api/index.ts';
import type { ObjectVerdict } from './activity.ts';
import type { Action } from './record.ts';
import { activeTriggerLabels } from './scale-record.ts';

/** A Kubernetes event without its object: reasons are KEDA 2.21's. */
export interface EventText {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

export interface TargetName {
  kind: string;
  namespace: string;
  name: string;
}

/** What is told when an action worked or failed. Raising a target to its minimum is told by nothing (KEDA 2.21). */
export function scaleEvents(
  action: Action,
  target: TargetName,
  verdict: ObjectVerdict,
): { done: EventText | undefined; failed: EventText | undefined } {
  const which = `${target.kind} ${target.namespace}/${target.name}`;
  if (action.kind === 'activate') {
    const labels = activeTriggerLabels(verdict);
    const because = labels ? `, triggered by ${labels}` : '';
    return {
      done: {
        type: 'Normal',
        reason: 'KEDAScaleTargetActivated',
        message: `Scaled ${which} from ${action.from} to ${action.to}${because}`,
      },
      failed: {
        type: 'Warning',
        reason: 'KEDAScaleTargetActivationFailed',
        message: `Could not scale ${which} from ${action.from} to ${action.to}`,
      },
    };
  }
  if (action.kind === 'deactivate')
    return {
      done: {
        type: 'Normal',
        reason: 'KEDAScaleTargetDeactivated',
        message: `Scaled ${which} from ${action.from} to ${action.to}, as there is no work`,
      },
      failed: {
        type: 'Warning',
        reason: 'KEDAScaleTargetDeactivationFailed',
        message: `Could not scale ${which} from ${action.from} to ${action.to}`,
      },
    };
  return { done: undefined, failed: undefined };
}

/** Told when the fallback begins or ends, never while it stays. KEDA 2.21 tells the end at every poll with a formula. */
export function fallbackEvents(stored: readonly Condition[], engaged: boolean): EventText[] {
  const before = getCondition(stored, 'Fallback')?.status === 'True';
  if (before === engaged) return [];
  return engaged
    ? [
        {
          type: 'Normal',
          reason: 'ScaledObjectFallbackActivated',
          message: 'A source failed more often than failureThreshold allows: the fallback stands in for it',
        },
      ]
    : [
        {
          type: 'Normal',
          reason: 'ScaledObjectFallbackDeactivated',
          message: 'The sources answer again: the fallback is over',
        },
      ];
}
