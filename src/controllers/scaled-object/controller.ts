import { isDryRun } from '../../api/annotations.ts';
import { scaleTargetOf } from '../../api/defaults.ts';
import type { ScaledObject, ScaledObjectStatus } from '../../api/index.ts';
import { SCALED_OBJECTS } from '../../api/resources.ts';
import { type KubeObject, keyOf } from '../../base/object.ts';
import { createStore, type Store } from '../../kube/store.ts';
import { readPolicy } from '../../sampling/answer.ts';
import type { ControllerContext, RunningController } from '../context.ts';
import { createObjectState, DRY_RUN_READY, markReady } from '../object-state.ts';
import { isUpToDate } from '../ownership.ts';
import { createRunner } from '../runner.ts';
import type { TargetState, WorkloadCount } from '../targets.ts';
import { tellStarted } from '../watch-events.ts';
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

  const synced = Promise.all([store.synced, hpas.synced, deployments.synced, statefulSets.synced]);
  const runner = createRunner<ScaledObject, ScaledObjectState>({
    ctx,
    kind: 'ScaledObject',
    name: 'scaled-object',
    concurrency,
    store,
    synced,
    steps: {
      takeOver: (object, wake) => ({
        ...createObjectState<ScaledObjectStatus>(ctx, SCALED_OBJECTS, object, wake),
        target: undefined,
        modifiers: undefined,
        leftOut: new Set(),
        rests: false,
        scaled: undefined,
      }),
      isKnown: (object) => isUpToDate(ctx, SCALED_OBJECTS, object),
      async inputs(state, object) {
        // One that cannot be read counts as there: the evaluation says what is wrong, and nothing is done.
        const target = state.target && (await ctx.targets.read(state.target).catch(() => UNREADABLE));
        return reconcileInputs(object, target, isFrozen(object, clock.now()));
      },
      reconcile: bringInLine,
      evaluate: (state, object, again) => evaluate({ ctx: state.hold.ctx, hpas, state, object, again }),
      finalize: (own, object) => finalizeScaledObject(own, hpas, object),
    },
  });
  const { states, queue } = runner;

  const stops = [
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

  async function bringInLine(state: ScaledObjectState, found: ScaledObject, isFirst: boolean): Promise<void> {
    const { ctx: own } = state.hold;
    // With the label that it now has, which its HPA gets too.
    const object = await claimScaledObject(own, state, found);
    notePause(own, state, object);
    if (isFrozen(object, clock.now())) {
      await freeze(own, hpas, state, object);
      markReady(state, object, 'ScaledObject is paused');
      return;
    }
    const started = state.runs;
    const takenOver = isFirst && object.status?.hpaName !== undefined;
    await reconcile(own, hpas, state, object);
    state.runs = true;
    // Who takes an object over goes on with it: that is no start.
    if (!started && !takenOver)
      tellStarted(own, object, object.spec.triggers.length, state.status.current.triggersTypes);
    markReady(state, object, isDryRun(object) ? DRY_RUN_READY : 'The ScaledObject is set up and ready to scale.');
    // What the inputs were made of may have been written by the reconcile itself (the target was not known before).
    const seen = state.target && (await own.targets.read(state.target));
    state.reconciledFor = reconcileInputs(object, seen, isFrozen(object, clock.now()));
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
      await runner.stop();
      store.stop();
      hpas.stop();
    },
  };
}
