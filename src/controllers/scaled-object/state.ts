import { readBooleanAnnotation } from '../../api/annotations.ts';
import { getCondition } from '../../api/conditions.ts';
import type { ScaledObject, ScaledObjectStatus } from '../../api/index.ts';
import { SCALED_OBJECTS } from '../../api/resources.ts';
import type { Modifiers } from '../../decision/modifiers.ts';
import type { ControllerContext } from '../context.ts';
import { createObjectStatus, type ObjectStatus } from '../object-status.ts';
import { type Hold, takeHold } from '../ownership.ts';
import { createDependencies, type Dependencies } from '../readers.ts';
import type { Target, TargetState } from '../targets.ts';
import { type TriggerReports, tellsOfFailures } from '../trigger-reports.ts';
import { createTriggerSet } from '../triggers.ts';

/** What this process knows of a ScaledObject that it owns. All of it can be rebuilt from the object and the sources. */
export interface ScaledObjectState extends TriggerReports {
  uid: string;
  /** What everything is written through. */
  hold: Hold;
  status: ObjectStatus<ScaledObjectStatus>;
  dependencies: Dependencies;
  target: Target | undefined;
  /** When the object was last active, in milliseconds since 1970. */
  lastActiveAt: number | undefined;
  /** What the last reconcile was made for; another text asks for a new one. */
  reconciledFor: string | undefined;
  /** Something that the triggers were made from has changed. */
  stale: boolean;
  /** Reconciles that failed in a row for the same inputs, and when to try again (monotonic). */
  failures: number;
  retryAt: number;
  /** The events that the last reconcile error was told by, so that a retry does not tell it again. */
  toldError: string | undefined;
  /** The reconcile came to its end: the triggers are those of the object, and it may be scaled. */
  runs: boolean;
  /** The formula of the object, compiled. */
  modifiers: Modifiers | undefined;
  /** What we scaled last, while the watch shows nothing newer than what we saw then. Time is monotonic. */
  scaled: { seen: TargetState | undefined; to: number; at: number } | undefined;
}

export function createScaledObjectState(
  ctx: ControllerContext,
  object: ScaledObject,
  wake: (state: ScaledObjectState, why: 'sample' | 'dependency') => void,
): ScaledObjectState {
  const { name, namespace, uid = '' } = object.metadata;
  const hold = takeHold(ctx, object);
  const state: ScaledObjectState = {
    uid,
    hold,
    status: createObjectStatus({
      client: hold.ctx.client,
      type: SCALED_OBJECTS,
      namespace,
      name,
      initial: object.status,
    }),
    dependencies: createDependencies({
      watches: ctx.watches,
      tokens: ctx.tokens,
      file: ctx.file,
      select: ctx.select?.authentication,
      onChange: () => wake(state, 'dependency'),
    }),
    triggers: createTriggerSet(
      ctx.sampling,
      () => wake(state, 'sample'),
      () => wake(state, 'dependency'),
    ),
    target: undefined,
    lastActiveAt: takenOverActivity(object, ctx.clock.now()),
    reconciledFor: undefined,
    stale: false,
    failures: 0,
    retryAt: 0,
    toldError: undefined,
    runs: false,
    modifiers: undefined,
    scaled: undefined,
    reported: new Map(),
    toldErrors: new Map(),
    failedBefore: tellsOfFailures(object.status?.conditions),
  };
  return state;
}

/**
 * When the object was last active, for a process that takes it over. One that was active when its former owner last
 * wrote counts as active now: a cooldown may become longer by a crash, never shorter.
 */
export function takenOverActivity(object: ScaledObject, now: number): number | undefined {
  const wasActive = getCondition(object.status?.conditions, 'Active')?.status === 'True';
  if (wasActive) return now;
  const written = object.status?.lastActiveTime;
  return written ? Date.parse(written) : undefined;
}

/** kubectl rewrites it at every apply, also of what it did not change. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Everything in the object and around it whose change asks for a reconcile; labels and annotations reach the HPA. */
export function reconcileInputs(object: ScaledObject, target: TargetState | undefined): string {
  const { generation, labels = {}, annotations = {} } = object.metadata;
  const { [LAST_APPLIED]: _, ...rest } = annotations;
  return JSON.stringify([generation, labels, rest, target !== undefined]);
}

/** Whether any of the given switches is on. */
export function anyAnnotation(object: ScaledObject, ...names: string[]): boolean {
  return names.some((name) => readBooleanAnnotation(object, name));
}
