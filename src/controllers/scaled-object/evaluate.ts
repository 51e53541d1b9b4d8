import { isDryRun } from '../../api/annotations.ts';
import { getCondition, setCondition } from '../../api/conditions.ts';
import { DEFAULTS } from '../../api/defaults.ts';
import type { ScaledObject } from '../../api/index.ts';
import { describeError, hasCode } from '../../base/errors.ts';
import { hpaActiveCondition } from '../../decision/conditions.ts';
import type { EventText } from '../../decision/events.ts';
import { leftOutMetrics } from '../../decision/left-out.ts';
import { clip } from '../../decision/record.ts';
import { decideScale, restsAboveZero, type ScaleDecision } from '../../decision/scale.ts';
import type { TriggerState } from '../../decision/trigger-state.ts';
import type { ControllerContext } from '../context.ts';
import { noteDryRun } from '../dry-run.ts';
import type { Target } from '../targets.ts';
import { reportFormula, reportTriggers } from '../trigger-reports.ts';
import { triggerStates } from '../trigger-states.ts';
import type { HpaStore } from './hpa.ts';
import type { ScaledObjectState } from './state.ts';

export interface Evaluation {
  ctx: ControllerContext;
  hpas: HpaStore;
  state: ScaledObjectState;
  object: ScaledObject;
  /** Asks for another run after that many milliseconds. */
  again(ms: number): void;
}

const NONE_LEFT_OUT: ReadonlySet<string> = new Set();

/** A watch that fell behind catches up, or is asked again whether it did. */
const CATCH_UP_MS = 1_000;

/** Our own scaling counts as the current state until the watch shows it, but no longer than this. */
const ASSUMED_MS = 10_000;

/** Decides about a ScaledObject from what is known of its triggers, acts, and notes the outcome in its status. */
export async function evaluate({ ctx, hpas, state, object, again }: Evaluation): Promise<void> {
  const { target } = state;
  if (!target) return;
  const now = ctx.clock.now();
  const { status } = state;
  const triggers = statesOf(ctx, state);
  reportTriggers(ctx, 'ScaledObject', object, state, triggers);
  const current = await currentReplicas(ctx, state, target);
  const decision = decideScale({
    object: { ...object, status: status.current },
    cause: 'sample',
    now,
    lastActiveAt: state.lastActiveAt,
    current,
    readyPods: await readyPodsIfNeeded(ctx, object, triggers, target),
    triggers,
    modifiers: state.modifiers,
  });
  reportFormula(ctx, object, decision.record.formula);
  state.lastActiveAt = decision.lastActiveAt;
  if (isDryRun(object)) noteDryRun(ctx, state, object, decision.record);
  else {
    state.toldDryRun = undefined;
    const failure = await act(ctx, state, object, target, decision, again);
    ctx.records.add(failure === undefined ? decision.record : { ...decision.record, failure: clip(failure) });
  }
  adaptHpa(state, triggers, decision, again);
  for (const event of decision.events) tell(ctx, object, event);
  noteOutcome(state, decision, hpaState(hpas, state, object, { now, again }));
  if (decision.nextCheckAt !== undefined) again(Math.max(0, decision.nextCheckAt - now));
}

/**
 * Asks for a reconcile when the HPA is to have other metrics or another minimum than before. A formula is one metric, and
 * stays. While nothing is known of the target or its work, its minimum stays.
 */
function adaptHpa(
  state: ScaledObjectState,
  triggers: readonly TriggerState[],
  decision: ScaleDecision,
  again: Evaluation['again'],
): void {
  const leftOut = state.modifiers ? NONE_LEFT_OUT : leftOutMetrics(triggers, state.leftOut);
  const isKnown = decision.record.current !== undefined && !decision.record.rule.endsWith('-hold');
  const rests = isKnown ? restsAboveZero(decision) : state.rests;
  const isSame = leftOut === state.leftOut || (leftOut.size === 0 && state.leftOut.size === 0);
  if (isSame && rests === state.rests) return;
  state.leftOut = leftOut;
  state.rests = rests;
  state.stale = true;
  again(0);
}

/** What is known of the object's triggers. */
export function statesOf(ctx: ControllerContext, state: ScaledObjectState): TriggerState[] {
  const activity = state.status.current.triggersActivity;
  return triggerStates(state.triggers.triggers, (name) => activity?.[name]?.isActive, ctx.clock);
}

/** Replicas of the target; what we set a moment ago counts until the watch has caught up. */
export async function currentReplicas(
  ctx: ControllerContext,
  state: ScaledObjectState,
  target: Target,
): Promise<{ replicas: number } | { problem: string }> {
  try {
    const known = await ctx.targets.read(target);
    if (!known) return { problem: 'it does not exist' };
    const { scaled } = state;
    if (scaled?.seen === known && ctx.clock.monotonic() - scaled.at < ASSUMED_MS) return { replicas: scaled.to };
    state.scaled = undefined;
    return { replicas: known.replicas };
  } catch (error) {
    return { problem: describeError(error) };
  }
}

/** Ready pods matter only to a fallback of a metric of type Value, and are asked for only then. */
export async function readyPodsIfNeeded(
  ctx: ControllerContext,
  { spec }: ScaledObject,
  triggers: readonly TriggerState[],
  target: Target,
): Promise<number | undefined> {
  const { fallback, advanced } = spec;
  if (!fallback) return undefined;
  const composite = advanced?.scalingModifiers?.metricType === 'Value';
  const needed = triggers.some(
    (trigger) =>
      trigger.kind === 'external' &&
      trigger.failures > fallback.failureThreshold &&
      (composite || trigger.metricType === 'Value'),
  );
  if (!needed) return undefined;
  try {
    return await ctx.targets.readyPods(target);
  } catch (error) {
    ctx.log.warn('ready pods of the target cannot be read', {
      target: target.name,
      namespace: target.namespace,
      error,
    });
    return undefined;
  }
}

/** @returns what kept it from being done */
async function act(
  ctx: ControllerContext,
  state: ScaledObjectState,
  object: ScaledObject,
  target: Target,
  { action, done, failed, record }: ScaleDecision,
  again: Evaluation['again'],
): Promise<string | undefined> {
  if (action.kind === 'none' || action.kind === 'create-jobs') return undefined;
  const where = { namespace: target.namespace, scaledObject: object.metadata.name, target: target.name };
  try {
    const seen = await ctx.targets.read(target);
    if (!(await ctx.targets.stillHas(target, action.from))) {
      again(CATCH_UP_MS);
      return `the target has other replicas than the ${action.from} that were seen last; they are read again`;
    }
    await ctx.targets.scale(target, action.to);
    state.scaled = { seen, to: action.to, at: ctx.clock.monotonic() };
    ctx.log.info('target scaled', { ...where, from: action.from, to: action.to, rule: record.rule });
    if (done) tell(ctx, object, done);
    return undefined;
  } catch (error) {
    if (hasCode(error, 'NotOwner')) throw error;
    ctx.log.warn('target could not be scaled', { ...where, from: action.from, to: action.to, error });
    if (failed) tell(ctx, object, { ...failed, message: `${failed.message}: ${describeError(error)}` });
    return describeError(error);
  }
}

/** Two rounds of the HPA: what it fails at while an operator starts anew, or once, is nothing to tell. */
const HPA_GRACE_MS = 30_000;

/** HPAActive as the HPA has it; undefined while it is not known, or bad for too short a time to be told. */
function hpaState(
  hpas: HpaStore,
  state: ScaledObjectState,
  object: ScaledObject,
  { now, again }: Pick<Evaluation, 'again'> & { now: number },
): ReturnType<typeof hpaActiveCondition> {
  const { hpaName } = state.status.current;
  const scalingActive = hpaName ? hpas.get(object.metadata.namespace, hpaName)?.scalingActive : undefined;
  const condition = hpaActiveCondition(scalingActive);
  if (!scalingActive || condition?.status !== 'False') return condition;
  const left = scalingActive.since + HPA_GRACE_MS - now;
  if (left <= 0) return condition;
  again(left);
  return undefined;
}

function noteOutcome(
  state: ScaledObjectState,
  decision: ScaleDecision,
  hpaActive: ReturnType<typeof hpaActiveCondition>,
): void {
  const { status } = state;
  const before = getCondition(status.current.conditions, 'Active')?.status;
  const after = getCondition(decision.conditions, 'Active')?.status;
  let conditions = decision.conditions;
  const known = getCondition(conditions, 'HPAActive');
  // The message quotes errors that may differ every 15 seconds; only another state or reason is worth a write.
  if (hpaActive && (known?.status !== hpaActive.status || known?.reason !== hpaActive.reason)) {
    conditions = setCondition(conditions, hpaActive);
  }
  status.set({
    conditions: [...conditions],
    triggersActivity: decision.triggersActivity,
    health: decision.health,
    // In between it stays in memory: an active object costs no write a poll.
    ...(before !== after && decision.lastActiveAt !== undefined
      ? { lastActiveTime: new Date(decision.lastActiveAt).toISOString().replace(/\.\d+Z$/, 'Z') }
      : {}),
  });
}

function tell(ctx: ControllerContext, object: ScaledObject, { type, reason, message }: EventText): void {
  ctx.events.record(object, { type, reason, action: reason, note: message });
}

/** The polling interval of an object in milliseconds. */
export function pollingIntervalMs(object: ScaledObject): number {
  return (object.spec.pollingInterval ?? DEFAULTS.pollingInterval) * 1000;
}
