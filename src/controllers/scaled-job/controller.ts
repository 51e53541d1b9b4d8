import { isDryRun } from '../../api/annotations.ts';
import { getCondition, hasInitialConditions, initialConditions } from '../../api/conditions.ts';
import { scaledJobSettings } from '../../api/defaults.ts';
import type { ScaledJob, ScaledJobStatus } from '../../api/index.ts';
import { SCALED_JOBS } from '../../api/resources.ts';
import { checkRules } from '../../api/rules/index.ts';
import type { PodTemplate } from '../../auth/types.ts';
import { WindlassError } from '../../base/errors.ts';
import type { KubeObject } from '../../base/object.ts';
import { type PauseState, pauseNote, pauseState } from '../../decision/pause.ts';
import { createStore, type Store } from '../../kube/store.ts';
import type { ControllerContext, RunningController } from '../context.ts';
import { claim } from '../finalizer.ts';
import { createObjectState, DRY_RUN_READY, markReady, setConditions } from '../object-state.ts';
import { isUpToDate } from '../ownership.ts';
import { createRunner } from '../runner.ts';
import { planTriggers } from '../triggers.ts';
import { tellStarted, tellStopped } from '../watch-events.ts';
import { evaluate } from './evaluate.ts';
import { finalizeScaledJob } from './finalize.ts';
import { createJobs } from './jobs.ts';
import { rollOut } from './rollout.ts';
import type { ScaledJobState } from './state.ts';

export interface ScaledJobController extends RunningController {
  readonly store: Store<ScaledJob>;
  readonly size: number;
}

/**
 * Runs all ScaledJobs. One queue by key serialises what happens to one of them: changes of it and of its credentials,
 * samples of its triggers, changes of its Jobs.
 */
export function createScaledJobController({
  ctx,
  concurrency,
}: {
  ctx: ControllerContext;
  concurrency: number;
}): ScaledJobController {
  const { client, clock, log, namespace } = ctx;
  const store = createStore<ScaledJob, KubeObject>({
    client,
    type: SCALED_JOBS,
    namespace,
    labelSelector: ctx.select?.scaled,
    project: (raw) => raw as ScaledJob,
    clock,
    log,
  });
  const jobs = createJobs(ctx);
  const synced = Promise.all([store.synced, jobs.synced]);
  const runner = createRunner<ScaledJob, ScaledJobState>({
    ctx,
    kind: 'ScaledJob',
    name: 'scaled-job',
    concurrency,
    store,
    synced,
    steps: {
      takeOver: (object, wake) => ({
        ...createObjectState<ScaledJobStatus>(ctx, SCALED_JOBS, object, wake),
        createRetryAt: 0,
        createFailure: undefined,
      }),
      isKnown,
      inputs: (_, object) =>
        JSON.stringify([object.metadata.generation, pauseState(object, clock.now()), isDryRun(object)]),
      reconcile: bringInLine,
      evaluate: (state, object, again) => evaluate({ ctx: state.hold.ctx, jobs, state, object, again }),
      finalize: (own, object) => finalizeScaledJob(own, jobs, object),
      forget: jobs.forget,
    },
  });
  const { states, queue } = runner;
  const unfollow = jobs.onChange((key) => {
    if (states.has(key)) queue.add(key);
  });

  /** Whether the object, and every Job that a former owner made for it, is known here. */
  async function isKnown(object: ScaledJob): Promise<boolean> {
    if (!ctx.ownership.isShared) return true;
    if (!(await isUpToDate(ctx, SCALED_JOBS, object))) return false;
    return jobs.showsAll(object.metadata.namespace ?? '', object.metadata.name);
  }

  async function bringInLine(state: ScaledJobState, object: ScaledJob, isFirst: boolean): Promise<void> {
    const pause = pauseState(object, clock.now());
    await claim(state.hold.ctx.client, SCALED_JOBS, object);
    if (!hasInitialConditions(state.status.current.conditions)) state.status.set({ conditions: initialConditions() });
    notePause(state, object, pause);
    if (!pause.paused) {
      await reconcile(state, object, isFirst && object.status?.triggersTypes !== undefined);
      markReady(state, object, isDryRun(object) ? DRY_RUN_READY : 'The ScaledJob is set up and ready to scale.');
      return;
    }
    if (state.runs) tellStopped(state.hold.ctx, object);
    state.runs = false;
    state.triggers.close();
    if ('problem' in pause)
      throw new WindlassError('InvalidObject', pause.problem, {
        hint: 'mend or remove the annotation; until then the object stays paused',
      });
    markReady(state, object, 'ScaledJob is paused');
  }

  async function reconcile(state: ScaledJobState, object: ScaledJob, takenOver: boolean): Promise<void> {
    requireValid(object);
    const { name, namespace: ns = '' } = object.metadata;
    const { triggers } = object.spec;
    state.status.set({
      triggersTypes: [...new Set(triggers.map(({ type }) => type))].join(','),
      authenticationsTypes:
        [...new Set(triggers.flatMap(({ authenticationRef: ref }) => (ref ? [ref.name] : [])))].join(',') || undefined,
    });
    if (!isDryRun(object)) await rollOut(state.hold.ctx, jobs, object);
    const plan = await planTriggers(
      {
        kind: 'ScaledJob',
        namespace: ns,
        name,
        triggers,
        asMetricSource: false,
        podTemplate: podTemplateOf(object),
        envSourceContainerName: object.spec.envSourceContainerName,
      },
      {
        readers: state.dependencies.readers,
        settings: ctx.auth,
        clock,
        log: log.with({ namespace: ns, scaledJob: name }),
        http: ctx.http,
        cluster: ctx.cluster,
        env: ctx.env,
        metrics: ctx.metrics,
      },
    );
    state.dependencies.keep(plan.dependencies);
    for (const note of plan.warnings) {
      state.hold.ctx.events.record(object, { type: 'Warning', reason: 'KEDAScalerInfo', action: 'ScalerBuild', note });
    }
    const interval = scaledJobSettings(object).pollingInterval * 1000;
    state.triggers.replace(await state.triggers.complete(plan.triggers, interval), interval);
    // Who takes an object over goes on with it: that is no start.
    if (!state.runs && !takenOver)
      tellStarted(state.hold.ctx, object, triggers.length, state.status.current.triggersTypes);
    state.runs = true;
  }

  function notePause(state: ScaledJobState, object: ScaledJob, pause: PauseState): void {
    const { name, namespace: ns = '' } = object.metadata;
    const { paused } = pause;
    const was = getCondition(state.status.current.conditions, 'Paused')?.status === 'True';
    ctx.metrics.paused('ScaledJob', ns, name, paused);
    if (!paused && !was) return;
    const reason = paused ? 'ScaledJobPaused' : 'ScaledJobUnpaused';
    const note = paused ? pauseNote('ScaledJob', pause) : 'ScaledJob is no longer paused';
    if (paused !== was) state.hold.ctx.events.record(object, { type: 'Normal', reason, action: reason, note });
    setConditions(state, { type: 'Paused', status: paused ? 'True' : 'False', reason, message: note });
  }

  return {
    store,
    synced,
    get size() {
      return states.size;
    },
    async stop() {
      unfollow();
      await runner.stop();
      store.stop();
      jobs.stop();
    },
  };
}

/** The part of the Job's pod template that credentials come from. */
function podTemplateOf({ spec }: ScaledJob): PodTemplate | undefined {
  const pod = spec.jobTargetRef.template.spec;
  return pod?.containers && { serviceAccountName: pod.serviceAccountName, containers: pod.containers };
}

function requireValid(object: ScaledJob): void {
  // The CRD lets a ScaledJob without a spec pass, as KEDA's does.
  if (!object.spec?.jobTargetRef) {
    throw new WindlassError('InvalidObject', 'spec.jobTargetRef is missing', {
      hint: 'say which Job to make: spec.jobTargetRef.template',
    });
  }
  const problems = checkRules('ScaledJob', object).filter(({ effect }) => effect !== 'warn');
  if (problems.length === 0) return;
  throw new WindlassError('InvalidObject', problems.map(({ path, message }) => `${path}: ${message}`).join('; '), {
    hint: '`windlass lint` names every problem with its line',
  });
}
