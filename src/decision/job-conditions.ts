import { getCondition } from '../api/conditions.ts';
import type { Condition, ConditionType } from '../api/index.ts';
import type { MetricVerdict } from './activity.ts';
import { isBroken } from './conditions.ts';
import { triggerLabel } from './trigger-state.ts';

type Wanted = Condition & { type: ConditionType };

/** Ready of a ScaledJob as far as sources matter to it; undefined leaves it alone. The rules are those of readyCondition. */
export function jobReadyCondition(
  stored: readonly Condition[],
  metrics: readonly MetricVerdict[],
  active: boolean,
): Wanted | undefined {
  const before = getCondition(stored, 'Ready');
  if (before?.reason === 'ScaledJobCheckFailed') return undefined;
  const erring = metrics.filter(({ reading }) => reading.kind === 'error');
  const broken = erring.filter(isBroken).map(({ trigger }) => triggerLabel(trigger));
  const ready: Wanted | undefined =
    before?.status === 'True'
      ? undefined
      : {
          type: 'Ready',
          status: 'True',
          reason: 'ScaledJobReady',
          message: 'The ScaledJob is set up and ready to scale.',
        };
  if (erring.length === 0) return ready;
  if (broken.length === 0) return undefined;
  return active
    ? {
        type: 'Ready',
        status: 'Unknown',
        reason: 'PartialTriggerError',
        message: `Some triggers cannot be read: ${broken.join(', ')}.`,
      }
    : {
        type: 'Ready',
        status: 'False',
        reason: 'TriggerError',
        message: `Triggers cannot be read: ${broken.join(', ')}.`,
      };
}

export function jobActiveCondition(active: boolean): Wanted {
  return active
    ? { type: 'Active', status: 'True', reason: 'ScalerActive', message: 'Triggers are active.' }
    : { type: 'Active', status: 'False', reason: 'ScalerNotActive', message: 'No trigger is active.' };
}
