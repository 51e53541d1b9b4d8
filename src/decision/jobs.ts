import { getCondition } from '../api/conditions.ts';
import { DEFAULTS, scaledJobSettings } from '../api/defaults.ts';
import type { Condition, ScaledJob } from '../api/index.ts';
import { parseFloatText } from '../base/float.ts';
import { keyOf } from '../base/object.ts';
import { type MetricVerdict, metricVerdict } from './activity.ts';
import { withConditions } from './conditions.ts';
import type { EventText } from './events.ts';
import { type Census, takeCensus } from './job-census.ts';
import { jobActiveCondition, jobReadyCondition } from './job-conditions.ts';
import { combineQueues, type Queue, queueEntries } from './job-queue.ts';
import type { ExpectedJob, JobView } from './job-view.ts';
import { pauseState } from './pause.ts';
import { boundTriggers, clip, type DecisionRecord, numberText, type TriggerRecord, triggerIdentity } from './record.ts';
import type { Rule } from './rules.ts';
import { triggersActivityOf } from './status.ts';
import type { TriggerState } from './trigger-state.ts';

export interface JobsInput {
  /** The ScaledJob with its newest status. */
  object: ScaledJob;
  cause: string;
  /** Wall-clock milliseconds since 1970. */
  now: number;
  lastActiveAt: number | undefined;
  triggers: readonly TriggerState[];
  /** The Jobs of the ScaledJob; undefined while the list is not known. */
  jobs: readonly JobView[] | undefined;
  /** Jobs that were created by us; those in the list are told apart by name. */
  expected: readonly ExpectedJob[];
}

export interface JobsDecision {
  /** Jobs to create. */
  create: number;
  events: EventText[];
  /** The whole list; the very list of the status when nothing differs. */
  conditions: readonly Condition[];
  lastActiveAt: number | undefined;
  triggersActivity: NonNullable<ScaledJob['status']>['triggersActivity'];
  record: DecisionRecord;
}

interface Bounds {
  /** Jobs that always run. */
  base: number;
  /** Most Jobs for the queue, on top of those. */
  room: number;
}

/**
 * How many Jobs to create, and why. The numbers are KEDA 2.21's, never more; fewer when the reading is older than the
 * Jobs it would be counted against (see takeCensus), because a Job too many finds no work or takes away another's.
 * An unreadable source or list of Jobs is never taken for an empty one.
 */
export function decideJobs(input: JobsInput): JobsDecision {
  const { object, now, jobs } = input;
  const settings = scaledJobSettings(object);
  const bounds = boundsOf(object);
  const metrics = input.triggers.flatMap((trigger) =>
    trigger.kind === 'external'
      ? [metricVerdict(trigger, undefined, { current: undefined, readyPods: undefined })]
      : [],
  );
  const queue = combineQueues(queueEntries(metrics, bounds.room, now), settings.multipleScalersCalculation);
  const census = jobs && censusOf(input, jobs, queue, settings.pollingInterval);
  const active = queue.active || bounds.base > 0;
  const choice = choose(input, bounds, metrics, queue, active, census);
  const stored = object.status?.conditions ?? [];
  const paused = choice.rule === 'jobs-paused';
  const held = !active && metrics.some(({ reading }) => reading.kind !== 'value');
  const conditions = paused
    ? stored
    : withConditions(stored, [
        jobReadyCondition(stored, metrics, active),
        held ? undefined : jobActiveCondition(active),
      ]);
  return {
    create: choice.create,
    events: paused ? [] : activityEvents(stored, conditions),
    conditions,
    lastActiveAt: active && !paused ? now : input.lastActiveAt,
    triggersActivity: paused
      ? object.status?.triggersActivity
      : triggersActivityOf(object.status?.triggersActivity, { metrics }),
    record: recordOf(input, bounds, metrics, queue, census, choice),
  };
}

/**
 * KEDA 2.21: without maxReplicaCount there may be 100 Jobs on top of the minimum; with it, the minimum is part of it. A
 * minimum above the maximum counts as the maximum and leaves no room for more (KEDA would allow twice the maximum).
 */
function boundsOf({ spec }: ScaledJob): Bounds {
  const min = Math.max(0, spec.minReplicaCount ?? DEFAULTS.minReplicaCount);
  const max = spec.maxReplicaCount;
  if (max === undefined) return { base: min, room: DEFAULTS.maxReplicaCount };
  return { base: Math.min(min, max), room: Math.max(0, max - min) };
}

function censusOf(
  { object, expected, now }: JobsInput,
  jobs: readonly JobView[],
  queue: Queue,
  pollingInterval: number,
): Census {
  return takeCensus(jobs, expected, {
    readAt: queue.readAt,
    now,
    pendingPodConditions: object.spec.scalingStrategy?.pendingPodConditions ?? [],
    takeMs: pollingInterval * 1000,
  });
}

interface Choice {
  create: number;
  rule: Rule;
  detail?: string;
}

function choose(
  { object, now }: JobsInput,
  { base, room }: Bounds,
  metrics: readonly MetricVerdict[],
  queue: Queue,
  active: boolean,
  census: Census | undefined,
): Choice {
  if (pauseState(object, now).paused) return { create: 0, rule: 'jobs-paused' };
  if (census === undefined) return { create: 0, rule: 'jobs-unknown' };
  if (census.running < base) return { create: base - census.running, rule: 'jobs-min' };
  if (!queue.active) {
    if (metrics.some(({ reading }) => reading.kind === 'error')) return { create: 0, rule: 'jobs-error-hold' };
    if (metrics.some(({ reading }) => reading.kind !== 'value')) return { create: 0, rule: 'jobs-no-data-hold' };
    return { create: 0, rule: active ? 'jobs-covered' : 'jobs-inactive' };
  }
  return forQueue(object, room, queue, {
    running: census.running - base,
    pending: census.pending,
    heldSince: Math.max(0, census.heldSince - base),
    untakenSince: Math.max(0, census.untakenSince - base),
  });
}

/** Jobs for the queue, on top of the base. */
function forQueue(object: ScaledJob, room: number, queue: Queue, census: Census): Choice {
  const { scalingStrategy: strategy } = scaledJobSettings(object);
  const wanted = roundUp(queue.jobs);
  const free = Math.max(0, room - census.running);
  const asked = askedBy(object, strategy, room, wanted, census);
  // What the reading still lacks a Job for, whatever the strategy says: more Jobs than that would find no work.
  const uncovered = roundUp(queue.need) - (takesAtStart(strategy) ? census.untakenSince : census.heldSince);
  const work = strategy === 'eager' ? room : roundUp(queue.queueLength);
  const create = Math.max(0, Math.min(free, uncovered, asked, work));
  const rule: Rule =
    uncovered <= 0
      ? 'jobs-covered'
      : create === uncovered
        ? 'jobs-queue'
        : create === free
          ? 'jobs-max'
          : create === Math.max(0, asked)
            ? 'jobs-strategy'
            : 'jobs-queue';
  return { create, rule, detail: `strategy ${strategy}, ${census.running} running, ${census.pending} of them pending` };
}

/** Rounded up, but not by the last bit of a floating-point division: 2.1 / 0.7 is 3.0000000000000004 and means 3. */
function roundUp(value: number): number {
  return Math.ceil(value - 1e-9);
}

/** Strategies for queues that no longer count a message once a worker has taken it. */
function takesAtStart(strategy: string): boolean {
  return strategy === 'accurate' || strategy === 'eager';
}

/** KEDA 2.21's limit of each strategy. */
function askedBy(object: ScaledJob, strategy: string, room: number, wanted: number, census: Census): number {
  const { running, pending, heldSince } = census;
  const { customScalingQueueLengthDeduction: deduction = 0, customScalingRunningJobPercentage: percentage = '' } =
    object.spec.scalingStrategy ?? {};
  const share = parseFloatText(percentage);
  switch (strategy) {
    case 'custom':
      // Without a readable percentage it is the default strategy.
      if (share !== undefined) return Math.min(wanted - deduction - Math.trunc(heldSince * share), room);
      return wanted - running;
    case 'accurate':
      return wanted + running - pending > room ? room - running : wanted - pending;
    case 'eager':
      return Math.min(room - running - pending, wanted);
    default:
      return wanted - running;
  }
}

function activityEvents(before: readonly Condition[], after: readonly Condition[]): EventText[] {
  const status = getCondition(after, 'Active')?.status;
  if (status === getCondition(before, 'Active')?.status) return [];
  return status === 'True'
    ? [{ type: 'Normal', reason: 'ScaledJobActive', message: 'There is work to create Jobs for' }]
    : [{ type: 'Normal', reason: 'ScaledJobInactive', message: 'There is no work to create Jobs for' }];
}

function recordOf(
  input: JobsInput,
  { base, room }: Bounds,
  metrics: readonly MetricVerdict[],
  queue: Queue,
  census: Census | undefined,
  choice: Choice,
): DecisionRecord {
  const triggers = input.triggers.map((trigger): TriggerRecord => {
    const metric = metrics.find((one) => one.trigger === trigger);
    if (trigger.kind !== 'external' || !metric)
      return { ...triggerIdentity(trigger), outcome: 'measured-by-kubernetes', activity: 'unknown' };
    const { reading, activity, held } = metric;
    return {
      ...triggerIdentity(trigger),
      outcome: reading.kind,
      activity,
      ...(held ? { held } : {}),
      ...(reading.kind === 'value'
        ? {
            value: numberText(reading.value),
            ...(trigger.target > 0 ? { wants: roundUp(Math.max(0, reading.value) / trigger.target) } : {}),
          }
        : {}),
      ...(reading.kind === 'error'
        ? { problem: reading.message }
        : reading.kind === 'no-data'
          ? { problem: reading.reason }
          : {}),
      ...(trigger.ageMs === undefined ? {} : { ageMs: Math.round(trigger.ageMs) }),
      ...(trigger.failures > 0 ? { failures: trigger.failures } : {}),
    };
  });
  return {
    at: input.now,
    kind: 'ScaledJob',
    object: keyOf(input.object),
    cause: clip(input.cause, 100),
    ...boundTriggers(triggers),
    ...(census ? { current: census.running } : {}),
    ...(queue.active ? { wanted: base + Math.min(room, roundUp(queue.jobs)) } : {}),
    min: base,
    max: base + room,
    action: choice.create > 0 ? { kind: 'create-jobs', count: choice.create } : { kind: 'none' },
    rule: choice.rule,
    ...(choice.detail ? { detail: choice.detail } : {}),
  };
}
