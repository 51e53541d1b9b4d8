import type { Fallback } from '../api/index.ts';
import { type CompositeOutcome, evaluateComposite } from './composite.ts';
import { type FallbackOutcome, type FallbackTarget, metricFallback } from './fallback.ts';
import type { Modifiers } from './modifiers.ts';
import { type ExternalTriggerState, soundReading, type TriggerReading, type TriggerState } from './trigger-state.ts';

/** What one external metric says about work, once the fallback has had its say. */
export interface MetricVerdict {
  trigger: ExternalTriggerState;
  reading: TriggerReading;
  activity: 'active' | 'inactive' | 'unknown';
  /** The reading says nothing; the activity is the one last known and is no evidence. */
  held: boolean;
  /** It cannot be read and counts for nothing meanwhile (`onError: ignore`). */
  ignored?: true;
  fallback: FallbackOutcome;
}

export interface ObjectVerdict {
  /** `hold`: nothing shows work, but something that could show it cannot be read. */
  state: 'active' | 'inactive' | 'hold';
  /** Why, where it is a hold. */
  hold: 'error' | 'no-data' | 'formula' | undefined;
  /** All triggers are cpu or memory, which count as active (KEDA 2.21). */
  resourceOnly: boolean;
  metrics: MetricVerdict[];
  composite: CompositeOutcome | undefined;
  /** The fallback stands in for at least one metric. */
  fallbackEngaged: boolean;
  /** Active only because the fallback asks for replicas. */
  activeByFallback: boolean;
}

export interface ActivityInput {
  triggers: readonly TriggerState[];
  /** A sound fallback of the object, if it has one. */
  fallback: Fallback | undefined;
  modifiers: Modifiers | undefined;
  target: FallbackTarget;
}

/**
 * What one metric says. A value is active when it is strictly greater than the activation, or when the scaler says so.
 *
 * What a source says by itself is active at once (KEDA 2.21, push scalers), whatever was read before.
 *
 * No data and errors are not evidence: the trigger keeps the activity it was last known to have, marked as held. A held
 * activity never wakes a target up and never puts it to rest. When the fallback stands in, the replicas it asks for
 * decide: some are work, none are not.
 */
export function metricVerdict(
  trigger: ExternalTriggerState,
  fallback: Fallback | undefined,
  target: FallbackTarget,
): MetricVerdict {
  const verdict = verdictOfReading(trigger, fallback, target);
  return trigger.signalled ? { ...verdict, activity: 'active', held: false } : verdict;
}

function verdictOfReading(
  trigger: ExternalTriggerState,
  fallback: Fallback | undefined,
  target: FallbackTarget,
): MetricVerdict {
  const reading = soundReading(trigger.reading);
  if (reading.kind === 'value') {
    const active = reading.active ?? reading.value > (trigger.activation ?? 0);
    return { trigger, reading, activity: active ? 'active' : 'inactive', held: false, fallback: { engaged: false } };
  }
  if (reading.kind === 'no-data' && reading.active !== undefined)
    return {
      trigger,
      reading,
      activity: reading.active ? 'active' : 'inactive',
      held: false,
      fallback: { engaged: false },
    };
  const known = trigger.lastKnownActive;
  const held = {
    trigger,
    reading,
    activity: known === undefined ? 'unknown' : known ? 'active' : 'inactive',
    held: true,
  } as const;
  if (reading.kind !== 'error') return { ...held, fallback: { engaged: false } };
  if (trigger.onError === 'ignore')
    return { trigger, reading, activity: 'unknown', held: false, ignored: true, fallback: { engaged: false } };
  if (trigger.onError === 'hold') return { ...held, fallback: { engaged: false } };
  const standIn = metricFallback(fallback, trigger, target);
  if (standIn.engaged && standIn.kind === 'replicas')
    return { trigger, reading, activity: standIn.replicas > 0 ? 'active' : 'inactive', held: false, fallback: standIn };
  return { ...held, fallback: standIn };
}

/**
 * Whether the object has work. Without a formula one active trigger is enough; with one the formula alone counts.
 * Unlike KEDA 2.21, where an error reads as "inactive" first and is caught later case by case, an error here is a
 * state of its own until the fallback stands in for it.
 */
export function objectVerdict(input: ActivityInput): ObjectVerdict {
  const external = input.triggers.filter((trigger) => trigger.kind === 'external');
  const metrics = external.map((trigger) => metricVerdict(trigger, input.fallback, input.target));
  const fallbackEngaged = metrics.some(({ fallback }) => fallback.engaged && fallback.kind !== 'failed');
  const base = { metrics, fallbackEngaged, resourceOnly: false, composite: undefined, activeByFallback: false };
  if (input.modifiers) {
    const composite = evaluateComposite(input.modifiers, metrics, input.fallback, input.target);
    const verdict = { ...base, composite };
    const signalled = external.some((trigger) => trigger.signalled);
    if (composite.kind === 'unknown' && signalled) return { ...verdict, state: 'active', hold: undefined };
    if (composite.kind === 'unknown') return { ...verdict, state: 'hold', hold: composite.because };
    // KEDA 2.21: what a push scaler says goes past the formula; the next readings are judged by it again.
    const active = composite.active || signalled;
    return {
      ...verdict,
      state: active ? 'active' : 'inactive',
      hold: undefined,
      activeByFallback: active && composite.kind === 'fallback',
    };
  }
  if (external.length === 0 && input.triggers.length > 0)
    return { ...base, resourceOnly: true, state: 'active', hold: undefined };
  const evidence = metrics.filter(({ activity, held }) => activity === 'active' && !held);
  if (evidence.length > 0) {
    const activeByFallback = evidence.every(({ fallback }) => fallback.engaged);
    return { ...base, activeByFallback, state: 'active', hold: undefined };
  }
  // With nobody left to go by, what is ignored is no evidence either.
  if (metrics.some(isOpenError) || metrics.every(({ ignored }) => ignored))
    return { ...base, state: 'hold', hold: 'error' };
  if (metrics.some(isMissing)) return { ...base, state: 'hold', hold: 'no-data' };
  return { ...base, state: 'inactive', hold: undefined };
}

/** An error that no fallback stands in for. */
function isOpenError({ reading, held }: MetricVerdict): boolean {
  return reading.kind === 'error' && held;
}

/**
 * No value, and nothing that says the trigger was inactive before. After a restart a trigger has not answered yet: what
 * it was before then is no reason to act, so that counts as missing whatever it was.
 */
function isMissing({ reading, activity }: MetricVerdict): boolean {
  return reading.kind === 'pending' || (reading.kind === 'no-data' && activity !== 'inactive');
}
