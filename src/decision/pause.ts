import { PAUSED, PAUSED_REPLICAS, PAUSED_UNTIL, parseTime, readBooleanAnnotation } from '../api/annotations.ts';
import { scaledObjectSettings } from '../api/defaults.ts';
import type { ScaledJob, ScaledObject } from '../api/index.ts';
import { keyOf } from '../base/object.ts';
import type { Action, DecisionRecord } from './record.ts';

export type PauseState =
  | { paused: false }
  /** Frozen, at whatever runs or at `replicas`; `until` is in milliseconds since 1970. */
  | { paused: true; replicas: number | undefined; until?: number }
  /** KEDA 2.21: the annotation pauses although its value cannot be read. */
  | { paused: true; replicas: undefined; until?: number; problem: string };

const LARGEST = 2 ** 31 - 1;

/**
 * Whether an object is paused, and at how many replicas. The presence of paused-replicas pauses, whatever `paused` says
 * (it is for ScaledObjects; on a ScaledJob it has no meaning). paused-until pauses as well, and says when it all ends;
 * the annotations may stay, they then do nothing.
 */
export function pauseState(object: ScaledObject | ScaledJob, now: number): PauseState {
  const text = object.metadata.annotations?.[PAUSED_UNTIL];
  if (text === undefined) return untimed(object, false);
  const until = parseTime(text);
  if (until === undefined) {
    const problem = `the annotation ${PAUSED_UNTIL} has to be a time such as 2026-01-02T15:04:05Z, not "${text.slice(0, 60)}"`;
    return { paused: true, replicas: undefined, problem };
  }
  if (now >= until) return { paused: false };
  const state = untimed(object, true);
  return state.paused ? { ...state, until } : state;
}

function untimed(object: ScaledObject | ScaledJob, isTimed: boolean): PauseState {
  const text = object.kind === 'ScaledJob' ? undefined : object.metadata.annotations?.[PAUSED_REPLICAS];
  if (text === undefined)
    return isTimed || readBooleanAnnotation(object, PAUSED) ? { paused: true, replicas: undefined } : { paused: false };
  const replicas = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (replicas >= 0 && replicas <= LARGEST) return { paused: true, replicas };
  const problem = `the annotation ${PAUSED_REPLICAS} has to be a whole number of replicas, not "${text.slice(0, 60)}"`;
  return { paused: true, replicas: undefined, problem };
}

/** What is said of a pause: that there is one, and its end if that is known. */
export function pauseNote(kind: 'ScaledObject' | 'ScaledJob', state: PauseState): string {
  const until = state.paused && state.until !== undefined ? ` until ${timeText(state.until)}` : '';
  return `${kind} is paused by annotation${until}`;
}

/** A time as it is told: whole seconds, UTC. */
function timeText(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

/**
 * What a pause does, once, when it begins or its count changes: the target goes to the count. Afterwards it is nobody's,
 * so a change by hand stays (KEDA 2.21).
 */
export function decidePause(input: {
  object: ScaledObject;
  cause: string;
  now: number;
  /** Replicas, where somebody asked. */
  current: number | undefined;
  /** status.pausedReplicaCount: the count that was set already. */
  alreadySet: number | undefined;
}): { action: Action; record: DecisionRecord } {
  const { object, current } = input;
  const state = pauseState(object, input.now);
  const count = state.paused ? state.replicas : undefined;
  const move = count !== undefined && current !== undefined && count !== current && count !== input.alreadySet;
  const action: Action = move ? { kind: 'scale-to-paused', from: current, to: count } : { kind: 'none' };
  const { minReplicaCount, maxReplicaCount, idleReplicaCount } = scaledObjectSettings(object);
  return {
    action,
    record: {
      at: input.now,
      kind: 'ScaledObject',
      object: keyOf(object),
      cause: input.cause,
      triggers: [],
      ...(current === undefined ? {} : { current }),
      min: minReplicaCount,
      max: maxReplicaCount,
      ...(idleReplicaCount === undefined ? {} : { idle: idleReplicaCount }),
      action,
      rule: object.metadata.annotations?.[PAUSED_REPLICAS] === undefined ? 'paused' : 'paused-replicas',
      ...(state.paused && state.until !== undefined ? { until: state.until } : {}),
      ...('problem' in state ? { detail: state.problem } : {}),
    },
  };
}
