import {
  FORCE_ACTIVATION,
  PAUSED_REPLICAS,
  PAUSED_SCALE_IN,
  PAUSED_SCALE_OUT,
  readBooleanAnnotation,
} from '../api/annotations.ts';
import { type ScaledObjectSettings, scaledObjectSettings, scaleTargetOf } from '../api/defaults.ts';
import type { Condition, ScaledObject } from '../api/index.ts';
import { keyOf } from '../base/object.ts';
import { activationCount } from './activation.ts';
import { type ObjectVerdict, objectVerdict } from './activity.ts';
import {
  activeCondition,
  fallbackCondition,
  fallbackGoesOn,
  readyCondition,
  replicasUnknownCondition,
  withConditions,
} from './conditions.ts';
import { type EventText, fallbackEvents, scaleEvents } from './events.ts';
import { usableFallback } from './fallback.ts';
import type { Modifiers } from './modifiers.ts';
import { pauseState } from './pause.ts';
import type { Action, DecisionRecord } from './record.ts';
import type { Rule } from './rules.ts';
import { scaleRecord } from './scale-record.ts';
import { healthOf, triggersActivityOf } from './status.ts';
import type { TriggerState } from './trigger-state.ts';

export interface ScaleInput {
  /** The object with its newest status: conditions, health and triggersActivity are compared with it. */
  object: ScaledObject;
  /** What led to the decision: a poll, a push, a changed object, the end of a cooldown. */
  cause: string;
  /** Wall-clock milliseconds since 1970, as all times here. */
  now: number;
  /** When a trigger last saw work; undefined when none ever did. */
  lastActiveAt: number | undefined;
  current: { replicas: number } | { problem: string };
  /** Ready pods of the target, if they are known; only a fallback for metricType Value needs them. */
  readyPods: number | undefined;
  triggers: readonly TriggerState[];
  /** From readModifiers(object). */
  modifiers: Modifiers | undefined;
}

export interface ScaleDecision {
  action: Action;
  /** Told once the action has worked, or has failed (the error is appended). */
  done: EventText | undefined;
  failed: EventText | undefined;
  /** Told in any case. */
  events: EventText[];
  /** The whole list; the very list of the status when nothing differs. */
  conditions: readonly Condition[];
  /** To keep in memory; write it on transitions only. */
  lastActiveAt: number | undefined;
  /** For the status; the very objects of the status when nothing differs. */
  triggersActivity: NonNullable<ScaledObject['status']>['triggersActivity'];
  health: NonNullable<ScaledObject['status']>['health'];
  /** When time alone changes the decision (a cooldown ends), so that nobody has to poll for it. */
  nextCheckAt: number | undefined;
  record: DecisionRecord;
}

/**
 * Whether the target rests at idle replicas above zero, or is on its way there. Kubernetes' HPA stands still only at
 * zero: it would lift the target to its own minimum at once, and the two would undo each other for ever, so idle replicas
 * are its minimum meanwhile.
 */
export function restsAboveZero({ record: { action, rule, current, idle } }: Pick<ScaleDecision, 'record'>): boolean {
  if (idle === undefined || idle === 0) return false;
  return action.kind === 'deactivate' || (rule === 'at-rest' && current !== undefined && current <= idle);
}

/** What is done and by which rule, before it is dressed as a decision. */
interface Choice {
  action: Action;
  rule: Rule;
  state: 'active' | 'forced' | 'inactive' | 'cooldown' | 'hold';
  until?: number;
  detail?: string;
}

const NONE: Action = { kind: 'none' };

/**
 * What to do with the target of a ScaledObject, and why. Between one and the maximum the HPA scales; this decides
 * about zero, idle and a count below the minimum. The order of the cases is KEDA 2.21's.
 */
export function decideScale(input: ScaleInput): ScaleDecision {
  const { object, now, modifiers } = input;
  const settings = scaledObjectSettings(object);
  const current = 'replicas' in input.current ? input.current.replicas : undefined;
  const fallback = usableFallback(object.spec.fallback, modifiers !== undefined);
  const target = { current, readyPods: input.readyPods };
  const verdict = objectVerdict({ triggers: input.triggers, fallback, modifiers, target });
  const forced = readBooleanAnnotation(object, FORCE_ACTIVATION);
  const bounds = boundsOf(settings);
  const choice = choose(input, bounds, settings, verdict, forced, current);
  const record: DecisionRecord = {
    ...scaleRecord({ ...input, ...bounds, at: now, object: keyOf(object), verdict, current }),
    action: choice.action,
    rule: choice.rule,
    ...(choice.until === undefined ? {} : { until: choice.until }),
    ...(choice.detail === undefined ? {} : { detail: choice.detail }),
  };
  const stored = object.status?.conditions ?? [];
  // Nothing is judged that goes by replicas nobody knows: then Ready alone changes (KEDA 2.21).
  const frozen = choice.rule === 'paused' || choice.rule === 'paused-replicas';
  const active = choice.state === 'active' || choice.state === 'forced';
  const fallbackIs = verdict.fallbackEngaged || fallbackGoesOn(stored, verdict, fallback);
  const { done, failed } = scaleEvents(
    choice.action,
    { ...scaleTargetOf(object), namespace: object.metadata.namespace ?? '' },
    verdict,
  );
  return {
    action: choice.action,
    done,
    failed,
    events: frozen || current === undefined ? [] : fallbackEvents(stored, fallbackIs),
    conditions: frozen
      ? stored
      : conditionsOf(input, verdict, choice, { active, hasFallback: fallback !== undefined, fallbackIs }),
    lastActiveAt: active && !frozen ? now : pastOf(input.lastActiveAt, now),
    triggersActivity: frozen
      ? object.status?.triggersActivity
      : triggersActivityOf(object.status?.triggersActivity, verdict),
    health: frozen ? object.status?.health : healthOf(object.status?.health, verdict, fallback),
    nextCheckAt: choice.until,
    record,
  };
}

/** Bounds that never contradict each other, also when an object got past admission that should not have. */
function boundsOf({ minReplicaCount, maxReplicaCount, idleReplicaCount }: ScaledObjectSettings) {
  const max = Math.max(1, maxReplicaCount);
  const min = Math.min(Math.max(0, minReplicaCount), max);
  return { min, max, idle: idleReplicaCount === undefined ? undefined : Math.min(Math.max(0, idleReplicaCount), max) };
}

/** A time that lies ahead of the clock was written by a clock that ran ahead; it must not keep replicas for ever. */
function pastOf(time: number | undefined, now: number): number | undefined {
  return time === undefined ? undefined : Math.min(time, now);
}

function choose(
  input: ScaleInput,
  bounds: ReturnType<typeof boundsOf>,
  settings: ScaledObjectSettings,
  verdict: ObjectVerdict,
  forced: boolean,
  current: number | undefined,
): Choice {
  const { object } = input;
  const pause = pauseState(object, input.now);
  if (pause.paused) {
    const rule = object.metadata.annotations?.[PAUSED_REPLICAS] === undefined ? 'paused' : 'paused-replicas';
    return { action: NONE, rule, state: 'hold', ...(pause.until === undefined ? {} : { until: pause.until }) };
  }
  const active = forced || verdict.state === 'active';
  const state = !active ? verdict.state : verdict.state === 'active' ? 'active' : 'forced';
  if (current === undefined) {
    const detail = 'problem' in input.current ? input.current.problem : undefined;
    return { action: NONE, rule: 'replicas-unknown', state, ...(detail ? { detail } : {}) };
  }
  if (state === 'active' || state === 'forced') return whenActive(input, bounds, settings, verdict, state, current);
  if (state === 'hold') return whenHeld(object, bounds, verdict, current);
  return whenInactive(input, bounds, settings, verdict, current);
}

type Bounds = ReturnType<typeof boundsOf>;

function whenActive(
  { object, modifiers }: ScaleInput,
  bounds: Bounds,
  settings: ScaledObjectSettings,
  verdict: ObjectVerdict,
  state: 'active' | 'forced',
  current: number,
): Choice {
  const reason: Rule =
    state === 'forced'
      ? 'force-activation'
      : verdict.activeByFallback
        ? 'fallback'
        : verdict.resourceOnly
          ? 'resource-only'
          : 'hpa';
  const tooFew = current === 0 || (bounds.idle !== undefined && current < bounds.min);
  if (!tooFew) return { action: NONE, rule: reason, state };
  if (readBooleanAnnotation(object, PAUSED_SCALE_OUT)) return { action: NONE, rule: 'paused-scale-out', state };
  const to = activationCount(object, settings, bounds, verdict, modifiers, current);
  return { action: { kind: 'activate', from: current, to }, rule: reason === 'hpa' ? 'activate' : reason, state };
}

/** Nothing is put to rest on missing evidence. The minimum holds whatever the sources say. */
function whenHeld(object: ScaledObject, bounds: Bounds, verdict: ObjectVerdict, current: number): Choice {
  const raise = belowMin(object, bounds, current, 'hold');
  if (raise) return raise;
  const rule: Rule =
    verdict.hold === 'formula' ? 'formula-hold' : verdict.hold === 'no-data' ? 'no-data-hold' : 'error-hold';
  const problem = verdict.composite?.kind === 'unknown' ? verdict.composite.problem.split('\n')[0] : undefined;
  return { action: NONE, rule, state: 'hold', ...(problem ? { detail: problem } : {}) };
}

function whenInactive(
  input: ScaleInput,
  bounds: Bounds,
  settings: ScaledObjectSettings,
  verdict: ObjectVerdict,
  current: number,
): Choice {
  const { object, now } = input;
  const { min, idle } = bounds;
  const canRest = idle === undefined ? current > 0 && min === 0 : current > idle;
  if (!canRest)
    return belowMin(object, bounds, current, 'inactive') ?? { action: NONE, rule: 'at-rest', state: 'inactive' };
  if (readBooleanAnnotation(object, PAUSED_SCALE_IN))
    return { action: NONE, rule: 'paused-scale-in', state: 'inactive' };
  const lastActiveAt = pastOf(input.lastActiveAt, now);
  // KEDA 2.21: initialCooldownPeriod only counts while there has been no work at all.
  const first = lastActiveAt === undefined;
  const since = first ? Date.parse(object.metadata.creationTimestamp ?? '') || 0 : lastActiveAt;
  const ends = since + 1000 * (first ? settings.initialCooldownPeriod : settings.cooldownPeriod);
  if (now <= ends)
    return { action: NONE, rule: first ? 'initial-cooldown' : 'cooldown', state: 'cooldown', until: ends + 1 };
  if (settings.cooldownPolicy === 'afterScaleDown' && current > settings.hpaMinReplicas) {
    const scaleDown = object.spec.advanced?.horizontalPodAutoscalerConfig?.behavior?.scaleDown;
    const detail = scaleDown?.selectPolicy === 'Disabled' ? 'its behavior forbids it to scale in' : undefined;
    return { action: NONE, rule: 'scale-down-first', state: 'inactive', ...(detail ? { detail } : {}) };
  }
  const byFallback = verdict.fallbackEngaged;
  const action: Action = { kind: 'deactivate', from: current, to: idle ?? 0 };
  return { action, rule: byFallback ? 'fallback-zero' : 'deactivate', state: 'inactive' };
}

function belowMin(
  object: ScaledObject,
  { min, idle }: Bounds,
  current: number,
  state: 'hold' | 'inactive',
): Choice | undefined {
  if (idle !== undefined || current >= min) return undefined;
  if (readBooleanAnnotation(object, PAUSED_SCALE_OUT)) return { action: NONE, rule: 'paused-scale-out', state };
  return { action: { kind: 'scale-to-min', from: current, to: min }, rule: 'below-min', state };
}

function conditionsOf(
  { object, current }: ScaleInput,
  verdict: ObjectVerdict,
  choice: Choice,
  options: { active: boolean; hasFallback: boolean; fallbackIs: boolean },
): readonly Condition[] {
  const stored = object.status?.conditions ?? [];
  if ('problem' in current) return withConditions(stored, [replicasUnknownCondition(current.problem)]);
  return withConditions(stored, [
    readyCondition(stored, verdict, options),
    activeCondition(choice.state),
    fallbackCondition(options.fallbackIs),
  ]);
}
