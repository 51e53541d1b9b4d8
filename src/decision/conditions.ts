import { getCondition, setCondition } from '../api/conditions.ts';
import type { Condition, ConditionType, Fallback } from '../api/index.ts';
import type { MetricVerdict, ObjectVerdict } from './activity.ts';
import { triggerLabel } from './trigger-state.ts';

type Wanted = Condition & { type: ConditionType };

/** Polls in a row that have to fail before Ready tells of a source that has worked before. */
export const FAILURES_UNTIL_NOT_READY = 3;

/** Reasons that a reconcile sets; what is wrong then is not mended by a source that answers. */
const RECONCILE_REASON = 'ScaledObjectCheckFailed';

/** Applies the conditions in turn; gives back the very list it got when nothing differs. */
export function withConditions(
  list: readonly Condition[],
  wanted: readonly (Wanted | undefined)[],
): readonly Condition[] {
  return wanted.reduce<readonly Condition[]>((all, next) => (next ? setCondition(all, next) : all), list);
}

/**
 * A source that Ready has to tell of: nothing stands in for it, and it either never worked, cannot work before somebody
 * acts, or has failed several polls in a row. KEDA 2.21 tells of the first failed read, and Ready flaps with the source.
 */
export function isBroken({ trigger, reading, fallback }: MetricVerdict): boolean {
  if (reading.kind !== 'error' || (fallback.engaged && fallback.kind !== 'failed')) return false;
  const neverWorked = trigger.lastGood === undefined && trigger.lastKnownActive === undefined;
  return reading.terminal === true || neverWorked || trigger.failures >= FAILURES_UNTIL_NOT_READY;
}

/**
 * Ready as far as sources matter to it; undefined leaves it alone. Messages name triggers but quote no errors: an error
 * text that differs at every poll would be a write at every poll; the event and `explain` have it.
 */
export function readyCondition(
  stored: readonly Condition[],
  verdict: Pick<ObjectVerdict, 'metrics' | 'state'>,
  options: { active: boolean; hasFallback: boolean },
): Wanted | undefined {
  const before = getCondition(stored, 'Ready');
  if (before?.reason === RECONCILE_REASON) return undefined;
  const erring = verdict.metrics.filter(({ reading }) => reading.kind === 'error');
  const broken = erring.filter(isBroken).map(({ trigger }) => triggerLabel(trigger));
  // A Ready that is True stays as it is worded: the reconcile may have put it differently.
  const ready: Wanted | undefined =
    before?.status === 'True'
      ? undefined
      : {
          type: 'Ready',
          status: 'True',
          reason: 'ScaledObjectReady',
          message: 'The ScaledObject is set up and ready to scale.',
        };
  // After a restart nothing has answered yet: what was told of the sources before stays until they do.
  if (verdict.metrics.some(({ reading }) => reading.kind === 'pending') && isAboutSources(stored)) return undefined;
  if (erring.length === 0) return ready;
  if (broken.length === 0) return undefined;
  if (options.active)
    return {
      type: 'Ready',
      status: 'Unknown',
      reason: 'PartialTriggerError',
      message: `Some triggers cannot be read: ${broken.join(', ')}.`,
    };
  // KEDA 2.21: with a fallback section Ready stays, also before the fallback stands in.
  if (options.hasFallback && erring.every(({ fallback }) => !fallback.engaged || fallback.kind !== 'failed'))
    return ready;
  return {
    type: 'Ready',
    status: 'False',
    reason: 'TriggerError',
    message: `Triggers cannot be read: ${broken.join(', ')}.`,
  };
}

function isAboutSources(stored: readonly Condition[]): boolean {
  const reason = getCondition(stored, 'Ready')?.reason;
  return reason === 'TriggerError' || reason === 'PartialTriggerError';
}

/** Ready while the current replicas of the target cannot be read. */
export function replicasUnknownCondition(problem: string): Wanted {
  return {
    type: 'Ready',
    status: 'False',
    reason: 'ErrorGettingCurrentReplicas',
    message: `The replicas of the target cannot be read: ${problem}`,
  };
}

/** Active; undefined leaves it as it is, which is what a hold means. */
export function activeCondition(state: 'active' | 'forced' | 'inactive' | 'cooldown' | 'hold'): Wanted | undefined {
  const active = (status: 'True' | 'False', reason: string, message: string): Wanted => ({
    type: 'Active',
    status,
    reason,
    message,
  });
  switch (state) {
    case 'active':
      return active('True', 'ScalerActive', 'Triggers are active.');
    case 'forced':
      return active('True', 'ScalerActive', 'The annotation force-activation makes the object active.');
    case 'inactive':
      return active('False', 'ScalerNotActive', 'No trigger is active.');
    case 'cooldown':
      return active('False', 'ScalerCooldown', 'No trigger is active; the cooldown is not over yet.');
    case 'hold':
      return undefined;
  }
}

/**
 * A fallback that stood in before a restart, of whose sources none has answered since. Failures are counted from the
 * restart on, so it does not stand in yet, but it has not come to an end either.
 */
export function fallbackGoesOn(
  stored: readonly Condition[],
  { metrics }: Pick<ObjectVerdict, 'metrics'>,
  fallback: Fallback | undefined,
): boolean {
  if (!fallback || getCondition(stored, 'Fallback')?.status !== 'True') return false;
  return metrics.some(({ trigger, reading }) => reading.kind === 'pending' || neverAnswered(trigger, reading));
}

/** An error, and no good reading since this process asks. */
export function neverAnswered(
  { lastGood }: MetricVerdict['trigger'],
  reading: Pick<MetricVerdict['reading'], 'kind'>,
): boolean {
  return reading.kind === 'error' && lastGood === undefined;
}

export function fallbackCondition(engaged: boolean): Wanted {
  return engaged
    ? {
        type: 'Fallback',
        status: 'True',
        reason: 'FallbackExists',
        message: 'The fallback stands in for at least one trigger.',
      }
    : { type: 'Fallback', status: 'False', reason: 'NoFallbackFound', message: 'No fallback stands in for a trigger.' };
}

/** HPAActive from the HPA's ScalingActive; undefined when the HPA or its condition is not known. */
export function hpaActiveCondition(
  scalingActive: { status: string; reason: string; message: string } | undefined,
): Wanted | undefined {
  if (!scalingActive) return undefined;
  const { status, reason, message } = scalingActive;
  if (status === 'True')
    return { type: 'HPAActive', status: 'True', reason: 'HPAActive', message: 'The HPA scales the target.' };
  // At zero replicas the HPA stands still, as it should.
  if (reason === 'ScalingDisabled') return { type: 'HPAActive', status: 'True', reason: 'ScalingDisabled', message };
  return {
    type: 'HPAActive',
    status: 'False',
    reason: reason || 'HPAMetricsUnavailable',
    message: `The HPA cannot scale: ${message || 'it gives no reason'}`,
  };
}
