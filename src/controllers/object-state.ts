import { getCondition, setCondition } from '../api/conditions.ts';
import type { Condition, ScaledJob, ScaledJobStatus, ScaledObject, ScaledObjectStatus } from '../api/index.ts';
import { describeError } from '../base/errors.ts';
import type { ResourceType } from '../base/object.ts';
import type { ControllerContext } from './context.ts';
import { createObjectStatus, type ObjectStatus } from './object-status.ts';
import { type Hold, takeHold } from './ownership.ts';
import { createDependencies, type Dependencies } from './readers.ts';
import { type TriggerReports, tellsOfFailures } from './trigger-reports.ts';
import { createTriggerSet } from './triggers.ts';

/**
 * What this process knows of a ScaledObject or ScaledJob that it owns. All of it can be rebuilt from the objects and the
 * sources.
 */
export interface ObjectState<S extends ScaledObjectStatus | ScaledJobStatus> extends TriggerReports {
  uid: string;
  /** What everything is written through. */
  hold: Hold;
  status: ObjectStatus<S>;
  dependencies: Dependencies;
  /** When the object was last active, in milliseconds since 1970. */
  lastActiveAt: number | undefined;
  /** What the last reconcile was made for; another text asks for a new one. */
  reconciledFor: string | undefined;
  /** Something that the triggers were made from has changed. */
  stale: boolean;
  /** Reconciles that failed in a row for the same inputs, and when to try again (monotonic). */
  failures: number;
  retryAt: number;
  /** What a dry run told last that it would do. */
  toldDryRun: string | undefined;
  /** The text that the last reconcile error was told by, so that a retry does not tell it again. */
  toldError: string | undefined;
  /** The reconcile came to its end: the triggers are those of the object, and decisions may be made. */
  runs: boolean;
}

/** Takes an object over. `wake` is called for every sample, and with `dependency` when the triggers are to be made anew. */
export function createObjectState<S extends ScaledObjectStatus | ScaledJobStatus>(
  ctx: ControllerContext,
  type: ResourceType,
  object: ScaledObject | ScaledJob,
  wake: (why: 'sample' | 'dependency') => void,
): ObjectState<S> {
  const { name, namespace, uid = '' } = object.metadata;
  const hold = takeHold(ctx, object);
  const initial = object.status as S | undefined;
  return {
    uid,
    hold,
    status: createObjectStatus<S>({ client: hold.ctx.client, type, namespace, name, initial }),
    dependencies: createDependencies({
      watches: ctx.watches,
      tokens: ctx.tokens,
      file: ctx.file,
      select: ctx.select?.authentication,
      onChange: () => wake('dependency'),
    }),
    triggers: createTriggerSet(
      ctx.sampling,
      () => wake('sample'),
      () => wake('dependency'),
    ),
    lastActiveAt: takenOverActivity(object, ctx.clock.now()),
    reconciledFor: undefined,
    stale: false,
    failures: 0,
    retryAt: 0,
    toldDryRun: undefined,
    toldError: undefined,
    runs: false,
    reported: new Map(),
    toldErrors: new Map(),
    failedBefore: tellsOfFailures(object.status?.conditions),
  };
}

/**
 * When the object was last active, for a process that takes it over. One that was active when its former owner last
 * wrote counts as active now: a cooldown may become longer by a crash, never shorter.
 */
export function takenOverActivity({ status }: ScaledObject | ScaledJob, now: number): number | undefined {
  if (getCondition(status?.conditions, 'Active')?.status === 'True') return now;
  return status?.lastActiveTime ? Date.parse(status.lastActiveTime) : undefined;
}

export type AnyState = ObjectState<ScaledObjectStatus> | ObjectState<ScaledJobStatus>;

/** Changes conditions of the status; what is the same already is no change. */
export function setConditions({ status }: AnyState, ...wanted: Parameters<typeof setCondition>[1][]): void {
  const list = wanted.reduce<readonly Condition[]>(setCondition, status.current.conditions ?? []);
  status.set({ conditions: [...list] });
}

/** Tells that an object cannot be reconciled: its conditions at every try, an event and a log line when the error is new. */
export function tellFailure(
  { log, metrics }: ControllerContext,
  state: AnyState,
  object: ScaledObject | ScaledJob,
  error: unknown,
): void {
  const { name, namespace = '' } = object.metadata;
  const kind = object.kind === 'ScaledJob' ? 'ScaledJob' : 'ScaledObject';
  const reason = `${kind}CheckFailed`;
  const text = describeError(error);
  metrics.objectError(kind, namespace, name);
  setConditions(state, { type: 'Ready', status: 'False', reason, message: text });
  if (!state.runs)
    setConditions(state, {
      type: 'Active',
      status: 'Unknown',
      reason: 'UnknownState',
      message: `${kind} check failed`,
    });
  if (state.toldError === text) return;
  state.toldError = text;
  log.warn('object cannot be reconciled', { kind, namespace, name, error });
  state.hold.ctx.events.record(object, { type: 'Warning', reason, action: reason, note: text });
}

/** Reasons of Ready that come from reading the sources, not from the definition of the object. */
const LOOP_REASONS = new Set(['PartialTriggerError', 'TriggerError', 'ErrorGettingCurrentReplicas']);

/** Ready of an object in dry run. */
export const DRY_RUN_READY = 'Set up and ready; in dry run nothing is scaled.';

/** Ready becomes True, with an event when it was not. */
export function markReady(state: AnyState, object: ScaledObject | ScaledJob, message: string): void {
  const ready = getCondition(state.status.current.conditions, 'Ready');
  // What was said of the sources stays until they answer; a paused object asks none.
  if (state.runs && ready?.reason && LOOP_REASONS.has(ready.reason)) return;
  const reason = object.kind === 'ScaledJob' ? 'ScaledJobReady' : 'ScaledObjectReady';
  if (ready?.status !== 'True')
    state.hold.ctx.events.record(object, { type: 'Normal', reason, action: reason, note: message });
  setConditions(state, { type: 'Ready', status: 'True', reason, message });
}
