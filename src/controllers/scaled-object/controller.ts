import { isDryRun } from '../../api/annotations.ts';
import { scaleTargetOf } from '../../api/defaults.ts';
import type { ScaledObject, ScaledObjectStatus } from '../../api/index.ts';
import { SCALED_OBJECTS } from '../../api/resources.ts';
import { hasCode } from '../../base/errors.ts';
import { type KubeObject, keyOf } from '../../base/object.ts';
import { createQueue } from '../../kube/queue.ts';
import { createStore, type Store } from '../../kube/store.ts';
import { readPolicy } from '../../sampling/answer.ts';
import type { ControllerContext, RunningController } from '../context.ts';
import { createObjectState, DRY_RUN_READY, markReady, tellFailure } from '../object-state.ts';
import { CATCH_UP_MS, followOwnership, isUpToDate, takeHold } from '../ownership.ts';
import { whenPauseEnds } from '../pause-end.ts';
import { retryDelay } from '../retry.ts';
import type { TargetState, WorkloadCount } from '../targets.ts';
import { dropOldSeries } from '../trigger-reports.ts';
import { tellStarted, tellStopped } from '../watch-events.ts';
import { evaluate, pollingIntervalMs } from './evaluate.ts';
import { finalizeScaledObject } from './finalize.ts';
import { createHpaStore, ownerKeyOf } from './hpa.ts';
import { createLookup, type MetricAnswer } from './lookup.ts';
import { freeze, isFrozen, notePause } from './pause.ts';
import { claimScaledObject, needsTemplate, reconcile } from './reconcile.ts';
import { reconcileInputs, type ScaledObjectState } from './state.ts';

export interface ScaledObjectController extends RunningController {
  /** Answers the external metrics API from memory. */
  lookup(namespace: string, name: string, metric: string): Promise<MetricAnswer>;
  /** Whether a ScaledObject runs in this process, and how long a value of its metrics may be used; undefined if there is none. */
  locate(namespace: string, name: string): { uid: string; isHere: boolean; ttlMs: number } | undefined;
  readonly store: Store<ScaledObject>;
  /** ScaledObjects that this process runs. */
  readonly size: number;
}

export interface ScaledObjectControllerOptions {
  ctx: ControllerContext;
  deployments: Store<WorkloadCount>;
  statefulSets: Store<WorkloadCount>;
  /** Runs of different objects at the same time. */
  concurrency: number;
}

const UNREADABLE: TargetState = { replicas: 0, generation: 0 };

/** Index of ScaledObjects by what they scale, for Deployments and StatefulSets, which are watched. */
const BY_TARGET = 'target';

/**
 * Runs all ScaledObjects. One queue by key serialises everything that happens to one object: changes of it and of what
 * it refers to, samples of its triggers, the end of a cooldown, changes of its HPA and its target.
 */
export function createScaledObjectController(options: ScaledObjectControllerOptions): ScaledObjectController {
  const { ctx, deployments, statefulSets, concurrency } = options;
  const { client, clock, log, namespace } = ctx;
  const states = new Map<string, ScaledObjectState>();

  const store = createStore<ScaledObject, KubeObject>({
    client,
    type: SCALED_OBJECTS,
    namespace,
    labelSelector: ctx.select?.scaled,
    project: (raw) => raw as ScaledObject,
    indexes: {
      [BY_TARGET]: (object) => {
        const { kind, name } = scaleTargetOf(object);
        return [`${kind}/${object.metadata.namespace}/${name}`];
      },
    },
    clock,
    log,
  });
  const hpas = createHpaStore(ctx);

  const queue = createQueue({ name: 'scaled-object', concurrency, clock, log, run: (key) => run(key) });

  const stops = [
    store.onChange(({ object }) => queue.add(keyOf(object))),
    ctx.ownership.onChange(() => followOwnership(ctx.ownership, store.list(), states, queue.add)),
    hpas.onChange(({ object }) => {
      const key = ownerKeyOf(object);
      const state = key === undefined ? undefined : states.get(key);
      if (!state || key === undefined) return;
      // Deleted or changed by hand: the reconcile finds out and writes only if there is something to mend.
      state.stale = true;
      queue.add(key);
    }),
    ...[deployments, statefulSets].map((workloads, i) =>
      workloads.onChange(({ object, previous }) => {
        const kind = i === 0 ? 'Deployment' : 'StatefulSet';
        const { metadata } = object;
        for (const owner of store.byIndex(BY_TARGET, `${kind}/${metadata.namespace}/${metadata.name}`)) {
          const key = keyOf(owner);
          const state = states.get(key);
          // A new pod template may bring another environment.
          if (state && previous && previous.generation !== object.generation && needsTemplate(owner))
            state.stale = true;
          queue.add(key);
        }
      }),
    ),
  ];

  const synced = Promise.all([store.synced, hpas.synced, deployments.synced, statefulSets.synced]);

  const end = (key: string) => {
    const state = states.get(key);
    if (!state) return;
    const [objectNamespace = '', name = ''] = key.split('/');
    states.delete(key);
    state.triggers.close();
    state.dependencies.close();
    ctx.records.forget('ScaledObject', key);
    ctx.metrics.forgetTriggers('ScaledObject', objectNamespace, name, []);
    ctx.metrics.unregistered({ kind: 'ScaledObject', namespace: objectNamespace, name });
  };

  function takeOver(key: string, object: ScaledObject): ScaledObjectState {
    const wake = (why: 'sample' | 'dependency') => {
      if (why === 'dependency') state.stale = true;
      queue.add(key);
    };
    const common = createObjectState<ScaledObjectStatus>(ctx, SCALED_OBJECTS, object, wake);
    const state: ScaledObjectState = {
      ...common,
      target: undefined,
      modifiers: undefined,
      leftOut: new Set(),
      rests: false,
      scaled: undefined,
    };
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
    const [objectNamespace = '', name = ''] = key.split('/');
    const object = store.get(objectNamespace, name);
    const known = states.get(key);
    if (!object || known?.hold.isLost || (known && known.uid !== object.metadata.uid)) end(key);
    if (!object) {
      queue.forget(key);
      return;
    }
    if (!ctx.ownership.owns(object.metadata.uid ?? '')) return;
    if (object.metadata.deletionTimestamp) {
      const ran = states.get(key)?.runs;
      end(key);
      const hold = takeHold(ctx, object);
      if (ran) tellStopped(hold.ctx, object);
      await finalizeScaledObject(hold.ctx, hpas, object);
      return;
    }
    if (!states.has(key) && !(await isUpToDate(ctx, SCALED_OBJECTS, object))) {
      queue.addAfter(key, CATCH_UP_MS);
      return;
    }
    const state = states.get(key) ?? takeOver(key, object);
    whenPauseEnds(object, clock.now(), (ms) => queue.addAfter(key, ms));
    await bringInLine(key, state, object);
    if (state.runs)
      await evaluate({ ctx: state.hold.ctx, hpas, state, object, again: (ms) => queue.addAfter(key, ms) });
    await state.status.flush();
  }

  /** Reconciles when something asks for it; failures are told once and retried with back-off. */
  async function bringInLine(key: string, state: ScaledObjectState, found: ScaledObject): Promise<void> {
    const { ctx } = state.hold;
    let object = found;
    // One that cannot be read counts as there: the evaluation says what is wrong, and nothing is done.
    const target = state.target && (await ctx.targets.read(state.target).catch(() => UNREADABLE));
    const inputs = reconcileInputs(object, target, isFrozen(object, clock.now()));
    const changed = state.reconciledFor !== inputs || state.stale;
    const left = state.retryAt - clock.monotonic();
    if (!changed && (state.failures === 0 || left > 0)) {
      // Timers may fire a moment early.
      if (state.failures > 0) queue.addAfter(key, left);
      return;
    }
    const { name, namespace: objectNamespace = '' } = object.metadata;
    const first = state.reconciledFor === undefined;
    state.reconciledFor = inputs;
    state.stale = false;
    ctx.metrics.registered(
      { kind: 'ScaledObject', namespace: objectNamespace, name },
      object.spec.triggers.map(({ type }) => type),
    );
    try {
      // With the label that it now has, which its HPA gets too.
      object = await claimScaledObject(ctx, state, object);
      notePause(ctx, state, object);
      if (isFrozen(object, clock.now())) {
        await freeze(ctx, hpas, state, object);
        markReady(state, object, 'ScaledObject is paused');
      } else {
        const started = state.runs;
        const takenOver = first && object.status?.hpaName !== undefined;
        await reconcile(ctx, hpas, state, object);
        state.runs = true;
        // Who takes an object over goes on with it: that is no start.
        if (!started && !takenOver)
          tellStarted(ctx, object, object.spec.triggers.length, state.status.current.triggersTypes);
        markReady(state, object, isDryRun(object) ? DRY_RUN_READY : 'The ScaledObject is set up and ready to scale.');
        // What the inputs were made of may have been written by the reconcile itself (the target was not known before).
        const seen = state.target && (await ctx.targets.read(state.target));
        state.reconciledFor = reconcileInputs(object, seen, isFrozen(object, clock.now()));
      }
      dropOldSeries(ctx, 'ScaledObject', object, state);
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

  const lookup = createLookup({ ctx, state: (key) => states.get(key), object: (ns, name) => store.get(ns, name) });

  return {
    store,
    synced,
    lookup,
    locate(ns, name) {
      const object = store.get(ns, name);
      if (!object) return undefined;
      const state = states.get(`${ns}/${name}`);
      // Not before its first reconcile has come to an end, good or bad: there is nothing to answer from until then.
      const isHere =
        state !== undefined &&
        !state.hold.isLost &&
        (state.runs || state.failures > 0 || isFrozen(object, clock.now()));
      const { ttlMs } = readPolicy({ pollingIntervalMs: pollingIntervalMs(object), useCachedMetrics: false });
      return { uid: object.metadata.uid ?? '', isHere, ttlMs };
    },
    get size() {
      return states.size;
    },
    async stop() {
      for (const stop of stops) stop();
      await queue.stop();
      store.stop();
      hpas.stop();
      for (const { triggers, dependencies } of states.values()) {
        triggers.close();
        dependencies.close();
      }
      states.clear();
    },
  };
}
