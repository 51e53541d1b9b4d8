import type { ScaledJob, ScaledObject } from '../api/index.ts';
import { hasCode } from '../base/errors.ts';
import { keyOf } from '../base/object.ts';
import { createQueue, type WorkQueue } from '../kube/queue.ts';
import type { Store } from '../kube/store.ts';
import type { ControllerContext } from './context.ts';
import { type AnyState, tellFailure } from './object-state.ts';
import { CATCH_UP_MS, followOwnership, takeHold } from './ownership.ts';
import { whenPauseEnds } from './pause-end.ts';
import { retryDelay } from './retry.ts';
import { dropOldSeries } from './trigger-reports.ts';
import { tellStopped } from './watch-events.ts';

/** What ScaledObjects and ScaledJobs do differently. `again` asks for another run after that many milliseconds. */
export interface RunnerSteps<T extends ScaledObject | ScaledJob, S extends AnyState> {
  /** What is known of an object that was just taken over. */
  takeOver(object: T, wake: (why: 'sample' | 'dependency') => void): S;
  /** Whether the object is known here as its former owner left it. */
  isKnown(object: T): Promise<boolean>;
  /** A text that changes when the object has to be reconciled. */
  inputs(state: S, object: T): string | Promise<string>;
  /**
   * Reconciles: throws what is wrong; triggers and HPA of before then go on.
   * @param isFirst since this process owns the object
   */
  reconcile(state: S, object: T, isFirst: boolean): Promise<void>;
  /** Decides and acts. */
  evaluate(state: S, object: T, again: (ms: number) => void): Promise<void>;
  /** Lets a deleted object go. */
  finalize(ctx: ControllerContext, object: T): Promise<void>;
  /** The object is gone from here. */
  forget?(namespace: string, name: string): void;
}

export interface RunnerOptions<T extends ScaledObject | ScaledJob, S extends AnyState> {
  ctx: ControllerContext;
  kind: 'ScaledObject' | 'ScaledJob';
  /** Name of the queue, for log lines. */
  name: string;
  concurrency: number;
  store: Store<T>;
  /** Everything that is watched is known. */
  synced: Promise<unknown>;
  steps: RunnerSteps<T, S>;
}

/** Runs the objects of one kind that this process owns. */
export interface Runner<S> {
  states: ReadonlyMap<string, S>;
  queue: Pick<WorkQueue, 'add'>;
  stop(): Promise<void>;
}

/**
 * One queue by key serialises everything that happens to one object. A run brings the object in line when something
 * asks for that, decides, and writes its status; what fails is told once and retried with back-off.
 */
export function createRunner<T extends ScaledObject | ScaledJob, S extends AnyState>(
  options: RunnerOptions<T, S>,
): Runner<S> {
  const { ctx, kind, name: queueName, concurrency, store, synced, steps } = options;
  const { clock, log, ownership } = ctx;
  const states = new Map<string, S>();
  const queue = createQueue({ name: queueName, concurrency, clock, log, run: (key) => run(key) });
  const stops = [
    store.onChange(({ object }) => queue.add(keyOf(object))),
    ownership.onChange(() => followOwnership(ownership, store.list(), states, queue.add)),
  ];

  const end = (key: string) => {
    const state = states.get(key);
    if (!state) return;
    const [namespace = '', name = ''] = key.split('/');
    states.delete(key);
    state.triggers.close();
    state.dependencies.close();
    steps.forget?.(namespace, name);
    ctx.records.forget(kind, key);
    ctx.metrics.forgetTriggers(kind, namespace, name, []);
    ctx.metrics.unregistered({ kind, namespace, name });
  };

  function takeOver(key: string, object: T): S {
    const state = steps.takeOver(object, (why) => {
      if (why === 'dependency') state.stale = true;
      queue.add(key);
    });
    states.set(key, state);
    return state;
  }

  async function run(key: string): Promise<void> {
    await synced;
    try {
      await step(key);
    } catch (error) {
      if (!hasCode(error, 'NotOwner')) throw error;
    }
    if (!states.get(key)?.hold.isLost) return;
    end(key);
    // It may be ours again by now, and is learned anew then.
    queue.add(key);
  }

  async function step(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const object = store.get(namespace, name);
    const known = states.get(key);
    if (!object || known?.hold.isLost || (known && known.uid !== object.metadata.uid)) end(key);
    if (!object) {
      queue.forget(key);
      return;
    }
    if (!ownership.owns(object.metadata.uid ?? '')) return;
    if (object.metadata.deletionTimestamp) {
      const ran = states.get(key)?.runs;
      end(key);
      const hold = takeHold(ctx, object);
      if (ran) tellStopped(hold.ctx, object);
      await steps.finalize(hold.ctx, object);
      return;
    }
    if (!states.has(key) && !(await steps.isKnown(object))) {
      queue.addAfter(key, CATCH_UP_MS);
      return;
    }
    const state = states.get(key) ?? takeOver(key, object);
    whenPauseEnds(object, clock.now(), (ms) => queue.addAfter(key, ms));
    await bringInLine(key, state, object);
    if (state.runs) await steps.evaluate(state, object, (ms) => queue.addAfter(key, ms));
    await state.status.flush();
  }

  async function bringInLine(key: string, state: S, object: T): Promise<void> {
    const inputs = await steps.inputs(state, object);
    const left = state.retryAt - clock.monotonic();
    if (state.reconciledFor === inputs && !state.stale && (state.failures === 0 || left > 0)) {
      // Timers may fire a moment early.
      if (state.failures > 0) queue.addAfter(key, left);
      return;
    }
    const { name, namespace = '' } = object.metadata;
    const isFirst = state.reconciledFor === undefined;
    state.reconciledFor = inputs;
    state.stale = false;
    // The CRD lets a ScaledJob without a spec pass, as KEDA's does.
    const types = object.spec?.triggers?.map(({ type }) => type) ?? [];
    ctx.metrics.registered({ kind, namespace, name }, types);
    try {
      await steps.reconcile(state, object, isFirst);
      dropOldSeries(ctx, kind, object, state);
      state.failures = 0;
      state.toldError = undefined;
    } catch (error) {
      if (hasCode(error, 'NotOwner')) throw error;
      tellFailure(ctx, state, object, error);
      state.failures++;
      const wait = retryDelay(error, state.failures);
      state.retryAt = clock.monotonic() + wait;
      queue.addAfter(key, wait);
    }
  }

  return {
    states,
    queue,
    async stop() {
      for (const stop of stops) stop();
      await queue.stop();
      for (const { triggers, dependencies } of states.values()) {
        triggers.close();
        dependencies.close();
      }
      states.clear();
    },
  };
}
