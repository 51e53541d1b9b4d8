import { PAUSED, PAUSED_REPLICAS, readBooleanAnnotation } from '../api/annotations.ts';
import { scaledObjectSettings } from '../api/defaults.ts';
import type { ScaledObject } from '../api/index.ts';
import { keyOf } from '../base/object.ts';
import type { Action, DecisionRecord } from './record.ts';

export type PauseState =
  | { paused: false }
  /** Frozen, at whatever runs or at `replicas`. */
  | { paused: true; replicas: number | undefined }
  /** KEDA 2.21: the annotation pauses although its value cannot be read. */
  | { paused: true; replicas: undefined; problem: string };

const LARGEST = 2 ** 31 - 1;

/** Whether an object is paused, and at how many replicas. The presence of paused-replicas pauses, whatever `paused` says. */
export function pauseState(object: ScaledObject): PauseState {
  const text = object.metadata.annotations?.[PAUSED_REPLICAS];
  if (text === undefined)
    return readBooleanAnnotation(object, PAUSED) ? { paused: true, replicas: undefined } : { paused: false };
  const replicas = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (replicas >= 0 && replicas <= LARGEST) return { paused: true, replicas };
  const problem = `the annotation ${PAUSED_REPLICAS} has to be a whole number of replicas, not "${text.slice(0, 60)}"`;
  return { paused: true, replicas: undefined, problem };
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
  const state = pauseState(object);
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
      ...('problem' in state ? { detail: state.problem } : {}),
    },
  };
}
