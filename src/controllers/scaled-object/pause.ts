import { PAUSED_SCALE_IN, PAUSED_SCALE_OUT } from '../../api/annotations.ts';
import { getCondition } from '../../api/conditions.ts';
import { hpaNameOf } from '../../api/defaults.ts';
import type { ScaledObject } from '../../api/index.ts';
import { WindlassError } from '../../base/errors.ts';
import { decidePause, pauseNote, pauseState } from '../../decision/pause.ts';
import type { ControllerContext } from '../context.ts';
import { setConditions } from '../object-state.ts';
import { tellStopped } from '../watch-events.ts';
import { deleteHpa, type HpaStore } from './hpa.ts';
import { findTarget } from './reconcile.ts';
import { anyAnnotation, type ScaledObjectState } from './state.ts';

/** Whether the object is frozen as a whole: no loop, no HPA. */
export function isFrozen(object: ScaledObject, now: number): boolean {
  return pauseState(object, now).paused;
}

/** Whether anything about the object is paused, which the Paused condition tells. */
function isPaused(object: ScaledObject, now: number): boolean {
  return isFrozen(object, now) || anyAnnotation(object, PAUSED_SCALE_IN, PAUSED_SCALE_OUT);
}

/** Brings the Paused condition in line with the annotations, with one event a change. */
export function notePause(ctx: ControllerContext, state: ScaledObjectState, object: ScaledObject): void {
  const now = ctx.clock.now();
  const paused = isPaused(object, now);
  const was = getCondition(state.status.current.conditions, 'Paused');
  const { name, namespace = '' } = object.metadata;
  ctx.metrics.paused('ScaledObject', namespace, name, paused);
  if (paused) {
    const note = pauseNote('ScaledObject', pauseState(object, now));
    if (was?.status !== 'True')
      ctx.events.record(object, { type: 'Normal', reason: 'ScaledObjectPaused', action: 'ScaledObjectPaused', note });
    setConditions(state, { type: 'Paused', status: 'True', reason: 'ScaledObjectPaused', message: note });
  } else if (was?.status === 'True') {
    const note = 'ScaledObject is no longer paused';
    ctx.events.record(object, { type: 'Normal', reason: 'ScaledObjectUnpaused', action: 'ScaledObjectUnpaused', note });
    setConditions(state, { type: 'Paused', status: 'False', reason: 'ScaledObjectUnpaused', message: note });
  }
  if (!isFrozen(object, now) && state.status.current.pausedReplicaCount !== undefined)
    state.status.set({ pausedReplicaCount: undefined });
}

/**
 * Freezes the object: its triggers stop, its HPA goes, and with paused-replicas the target gets that count once.
 * @throws InvalidObject when paused-replicas is not a whole number
 */
export async function freeze(
  ctx: ControllerContext,
  hpas: HpaStore,
  state: ScaledObjectState,
  object: ScaledObject,
): Promise<void> {
  const { namespace = '' } = object.metadata;
  if (state.runs) tellStopped(ctx, object);
  state.runs = false;
  state.triggers.close();
  const hpaName = state.status.current.hpaName ?? hpaNameOf(object);
  if (hpas.get(namespace, hpaName)) await deleteHpa(ctx, namespace, hpaName);
  const asked = { object, cause: 'annotation', now: ctx.clock.now() };
  const pause = pauseState(object, asked.now);
  if (!pause.paused || pause.replicas === undefined) {
    state.status.set({ pausedReplicaCount: undefined });
    ctx.records.add(decidePause({ ...asked, current: undefined, alreadySet: undefined }).record);
    if (pause.paused && 'problem' in pause) {
      throw new WindlassError('InvalidObject', pause.problem, {
        hint: 'mend or remove the annotation; until then the object stays paused as it is',
      });
    }
    return;
  }
  const target = await findTarget(ctx, object);
  const current = await ctx.targets.check(target);
  const { action, record } = decidePause({
    ...asked,
    current: current.replicas,
    alreadySet: state.status.current.pausedReplicaCount,
  });
  ctx.records.add(record);
  if (action.kind === 'scale-to-paused') {
    await ctx.targets.scale(target, action.to);
    const where = { namespace, scaledObject: object.metadata.name };
    ctx.log.info('target scaled', { ...where, from: action.from, to: action.to, rule: record.rule });
  }
  state.status.set({ pausedReplicaCount: pause.replicas });
}
