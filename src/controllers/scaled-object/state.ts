import { readBooleanAnnotation } from '../../api/annotations.ts';
import type { ScaledObject, ScaledObjectStatus } from '../../api/index.ts';
import type { Modifiers } from '../../decision/modifiers.ts';
import type { ObjectState } from '../object-state.ts';
import type { Target, TargetState } from '../targets.ts';

/** What this process knows of a ScaledObject that it owns. */
export interface ScaledObjectState extends ObjectState<ScaledObjectStatus> {
  target: Target | undefined;
  /** The formula of the object, compiled. */
  modifiers: Modifiers | undefined;
  /** Metrics that the HPA does not have, since their triggers fail and are to be ignored meanwhile. */
  leftOut: ReadonlySet<string>;
  /** The target rests at idle replicas above zero, which are then the minimum of the HPA. */
  rests: boolean;
  /** What we scaled last, while the watch shows nothing newer than what we saw then. Time is monotonic. */
  scaled: { seen: TargetState | undefined; to: number; at: number } | undefined;
}

/** kubectl rewrites it at every apply, also of what it did not change. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Everything in the object and around it whose change asks for a reconcile; labels and annotations reach the HPA, and a
 * pause may end by the clock.
 */
export function reconcileInputs(object: ScaledObject, target: TargetState | undefined, isFrozen: boolean): string {
  const { generation, labels = {}, annotations = {} } = object.metadata;
  const { [LAST_APPLIED]: _, ...rest } = annotations;
  return JSON.stringify([generation, labels, rest, target !== undefined, isFrozen]);
}

/** Whether any of the given switches is on. */
export function anyAnnotation(object: ScaledObject, ...names: string[]): boolean {
  return names.some((name) => readBooleanAnnotation(object, name));
}
