import { isDryRun } from '../../api/annotations.ts';
import { getCondition } from '../../api/conditions.ts';
import type { ScaledJob } from '../../api/index.ts';
import { JOBS } from '../../api/resources.ts';
import { describeError, hasCode } from '../../base/errors.ts';
import type { KubeObject } from '../../base/object.ts';
import { jobsBeyondHistory } from '../../decision/history.ts';
import { jobManifest } from '../../decision/job-manifest.ts';
import { decideJobs, type JobsDecision } from '../../decision/jobs.ts';
import { clip } from '../../decision/record.ts';
import type { TriggerState } from '../../decision/trigger-state.ts';
import { isNotFound } from '../../kube/status.ts';
import type { ControllerContext } from '../context.ts';
import { noteDryRun } from '../dry-run.ts';
import { retryDelay } from '../retry.ts';
import { reportTriggers } from '../trigger-reports.ts';
import { triggerStates } from '../trigger-states.ts';
import type { Jobs } from './jobs.ts';
import type { ScaledJobState } from './state.ts';

export interface JobEvaluation {
  ctx: ControllerContext;
  jobs: Jobs;
  state: ScaledJobState;
  object: ScaledJob;
  again(ms: number): void;
}

/** Creations of one ScaledJob at the same time: quick for a hundred Jobs, bearable for an API server. */
const PARALLEL_CREATES = 8;

/** Decides how many Jobs a ScaledJob needs, creates them, and deletes what its history limits no longer keep. */
export async function evaluate({ ctx, jobs, state, object, again }: JobEvaluation): Promise<void> {
  const { name, namespace = '' } = object.metadata;
  const { status } = state;
  const now = ctx.clock.now();
  const activity = status.current.triggersActivity;
  const triggers = triggerStates(state.triggers.triggers, (metric) => activity?.[metric]?.isActive, ctx.clock);
  reportTriggers(ctx, 'ScaledJob', object, state, triggers);
  jobs.forgetGone(namespace, name, oldestReading(triggers, now));
  const decision = decideJobs({
    object: { ...object, status: status.current },
    cause: 'sample',
    now,
    lastActiveAt: state.lastActiveAt,
    triggers,
    // A watch that fell behind is no list: Jobs could be there already that it does not show.
    jobs: jobs.isSynced && !jobs.trouble ? jobs.of(namespace, name) : undefined,
    expected: jobs.expected(namespace, name),
  });
  state.lastActiveAt = decision.lastActiveAt;
  const dryRun = isDryRun(object);
  if (dryRun) noteDryRun(ctx, state, object, decision.record);
  else {
    state.toldDryRun = undefined;
    const failure = await create(ctx, jobs, state, object, decision, again);
    ctx.records.add(failure === undefined ? decision.record : { ...decision.record, failure: clip(failure) });
  }
  for (const { type, reason, message } of decision.events) {
    ctx.events.record(object, { type, reason, action: reason, note: message });
  }
  noteOutcome(state, decision);
  if (!dryRun) await forgetHistory(ctx, jobs, object);
}

function oldestReading(triggers: readonly TriggerState[], now: number): number {
  const ages = triggers.flatMap((trigger) => (trigger.kind === 'external' ? [trigger.ageMs ?? now] : []));
  return now - Math.max(0, ...ages);
}

/** @returns what kept Jobs from being created */
async function create(
  ctx: ControllerContext,
  jobs: Jobs,
  state: ScaledJobState,
  object: ScaledJob,
  { create: count, record }: JobsDecision,
  again: (ms: number) => void,
): Promise<string | undefined> {
  if (count === 0) return undefined;
  const wait = state.createRetryAt - ctx.clock.monotonic();
  if (wait > 0) {
    again(wait);
    return state.createFailure;
  }
  const { name, namespace = '' } = object.metadata;
  const where = { namespace, scaledJob: name };
  const manifest = jobManifest(object, ctx.version);
  let created = 0;
  let failure: unknown;
  let left = count;
  const worker = async () => {
    while (left > 0 && failure === undefined) {
      left--;
      try {
        const job = await ctx.client.create<KubeObject>(JOBS, manifest, { namespace });
        jobs.created(namespace, name, job.metadata.name, ctx.clock.now());
        created++;
      } catch (error) {
        failure = error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_CREATES, count) }, worker));
  if (created > 0) {
    ctx.log.info('Jobs created', { ...where, created, rule: record.rule });
    ctx.events.record(object, {
      type: 'Normal',
      reason: 'KEDAJobsCreated',
      action: 'KEDAJobsCreated',
      note: `Created ${created} jobs`,
    });
  }
  if (failure === undefined) {
    state.createRetryAt = 0;
    state.createFailure = undefined;
    return undefined;
  }
  if (hasCode(failure, 'NotOwner')) throw failure;
  // A quota or a template that the API server refuses: the same requests again at once would only be refused again.
  const retry = retryDelay(failure, 3);
  state.createRetryAt = ctx.clock.monotonic() + retry;
  state.createFailure = describeError(failure);
  again(retry);
  ctx.log.warn('Job could not be created', { ...where, error: failure });
  const note = `Job could not be created: ${state.createFailure}`;
  ctx.events.record(object, { type: 'Warning', reason: 'KEDAJobCreateFailed', action: 'KEDAJobCreateFailed', note });
  return state.createFailure;
}

function noteOutcome(state: ScaledJobState, decision: JobsDecision): void {
  const { status } = state;
  const before = getCondition(status.current.conditions, 'Active')?.status;
  const after = getCondition(decision.conditions, 'Active')?.status;
  status.set({
    conditions: [...decision.conditions],
    triggersActivity: decision.triggersActivity,
    // In between it stays in memory: an active object costs no write a poll.
    ...(before !== after && decision.lastActiveAt !== undefined
      ? { lastActiveTime: new Date(decision.lastActiveAt).toISOString().replace(/\.\d+Z$/, 'Z') }
      : {}),
  });
}

async function forgetHistory(ctx: ControllerContext, jobs: Jobs, object: ScaledJob): Promise<void> {
  const { name, namespace = '' } = object.metadata;
  for (const job of jobsBeyondHistory(object, jobs.listed(namespace, name))) {
    try {
      await ctx.client.delete(JOBS, job, { namespace, propagationPolicy: 'Background' });
    } catch (error) {
      if (isNotFound(error)) continue;
      ctx.log.warn('Job beyond the history limit could not be deleted', { namespace, scaledJob: name, job, error });
      return;
    }
  }
}
