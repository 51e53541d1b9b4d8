import { isDeepStrictEqual } from 'node:util';
import type { ControllerContext, OwnerIndex } from '../context.ts';
import { deleteIfPresent, hasCondition, setCondition, timestamp } from '../context.ts';
import type { Condition, Pod } from '../kinds.ts';
import { JOBS, namespaceOf, PODS, uidOf } from '../kinds.ts';
import { isActive, isFinished, isReady, isTerminating, podFromTemplate } from '../pods.ts';
import type { Again } from '../queue.ts';
import { cheapestToDeleteFirst } from '../ranking.ts';
import { type BackOff, NO_FAILURES, remaining, withFinished } from './back-off.ts';
import { judgeFailure } from './failure-policy.ts';
import { formatIndexes, freeIndexes, indexOf, parseIndexes } from './indexes.ts';
import type { Job, JobSpec, JobStatus } from './types.ts';
import {
  COMPLETION_INDEX,
  isPodFailed,
  isPodSucceeded,
  isTracked,
  replacesOnlyFailed,
  TRACKING_FINALIZER,
} from './types.ts';

export interface JobSync {
  run(job: Job): Promise<Again>;
  forget(uid: string): void;
}

/** Everything one run knows about a Job; `status` is built up and written at the end. */
interface Round {
  job: Job;
  spec: JobSpec;
  status: JobStatus;
  pods: Pod[];
  active: Pod[];
  ready: number;
  terminating: number;
  succeeded: number;
  failed: number;
  record: BackOff;
  /** The interim or final condition that this run has come to. */
  verdict: Condition | undefined;
  again: number | undefined;
}

/**
 * One run over a Job, in the order of Kubernetes' job controller: count what has ended, decide whether the Job is over, create or delete
 * pods, write the counts (first as uncounted, then take the finalizers off, then as totals), and only then the final condition.
 */
export function createJobSync(
  { api, clock, events }: ControllerContext,
  index: OwnerIndex<Pod>,
  release: (pod: Pod) => Promise<void>,
): JobSync {
  const records = new Map<string, BackOff>();

  const begin = (job: Job): Round => {
    const status: JobStatus = structuredClone(job.status ?? {});
    const { spec } = job;
    const uncounted = status.uncountedTerminatedPods ?? {};
    const seen = new Set([...(uncounted.succeeded ?? []), ...(uncounted.failed ?? [])]);
    const pods = index.of(uidOf(job));
    const active = pods.filter(isActive);
    const fresh = pods.filter((pod) => isTracked(pod) && !seen.has(uidOf(pod)));
    const freshFailed = fresh.filter((pod) => isPodFailed(pod, spec));
    const counting = freshFailed.filter((pod) => judgeFailure(spec, pod).counts);
    // After a restart of this process the record is made again from the pods that are still there.
    const known =
      records.get(uidOf(job)) ??
      withFinished(
        NO_FAILURES,
        pods.filter((pod) => !fresh.includes(pod)),
        spec,
      );
    const indexed = spec.completionMode === 'Indexed';
    const succeededNow = indexed
      ? new Set([...parseIndexes(status.completedIndexes), ...newIndexes(spec, fresh)]).size
      : (status.succeeded ?? 0) + fresh.filter(isPodSucceeded).length + (uncounted.succeeded?.length ?? 0);
    return {
      job,
      spec,
      status,
      pods,
      active,
      ready: active.filter(isReady).length,
      terminating: pods.filter(isTerminating).length,
      succeeded: succeededNow,
      failed: (status.failed ?? 0) + counting.length + (uncounted.failed?.length ?? 0),
      record: withFinished(known, [...fresh.filter(isPodSucceeded), ...freshFailed], spec),
      verdict: undefined,
      again: undefined,
    };
  };

  const verdictOf = (type: string, reason: string, message: string): Condition => {
    const now = timestamp(clock.now());
    return { type, status: 'True', reason, message, lastProbeTime: now, lastTransitionTime: now };
  };

  const judge = (round: Round): Condition | undefined => {
    const { status, spec, pods } = round;
    const interim = status.conditions?.find(
      (c) => (c.type === 'SuccessCriteriaMet' || c.type === 'FailureTarget') && c.status === 'True',
    );
    if (interim) return interim;
    for (const pod of pods.filter((p) => p.status?.phase === 'Failed')) {
      const { failJob } = judgeFailure(spec, pod);
      if (failJob) return verdictOf('FailureTarget', 'PodFailurePolicy', failJob);
    }
    if (round.failed > (spec.backoffLimit ?? 6) || restartedTooOften(spec, pods))
      return verdictOf('FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit');
    if (spec.activeDeadlineSeconds !== undefined && status.startTime !== undefined && !spec.suspend) {
      const left = Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - clock.now();
      if (left <= 0)
        return verdictOf('FailureTarget', 'DeadlineExceeded', 'Job was active longer than specified deadline');
      round.again = left;
    }
    return undefined;
  };

  const remove = async (round: Round, pods: Pod[]) => {
    for (const pod of pods) {
      await deleteIfPresent(api, PODS, pod);
      events.record(round.job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    }
    const gone = new Set(pods.map(uidOf));
    const kept = round.active.filter((pod) => !gone.has(uidOf(pod)));
    round.ready = kept.filter(isReady).length;
    round.terminating += round.active.length - kept.length;
    round.active = kept;
  };

  const create = async (round: Round, count: number) => {
    const { job, spec } = round;
    const completed = parseIndexes(round.status.completedIndexes);
    for (const i of newIndexes(spec, round.pods)) completed.add(i);
    const holders = replacesOnlyFailed(spec) ? round.pods.filter((pod) => !isFinished(pod)) : round.active;
    const places: (number | undefined)[] =
      spec.completionMode === 'Indexed'
        ? freeIndexes(spec.completions ?? 0, completed, holders, count)
        : Array.from({ length: count }, () => undefined);
    for (const place of places) {
      try {
        const pod = await api.create<Pod>(PODS, newPod(job, place), namespaceOf(job));
        index.note(pod);
        round.active.push(pod);
        events.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        events.record(job, 'Warning', 'FailedCreate', `Error creating: ${why}`);
        throw error;
      }
    }
  };

  /** Brings the number of active pods to what the Job wants now. */
  const manage = async (round: Round): Promise<void> => {
    const { spec, active, succeeded } = round;
    if (spec.suspend) return remove(round, active);
    const parallelism = spec.parallelism ?? 1;
    const wanted =
      spec.completions === undefined
        ? // A work-queue Job: once one pod has ended well, no more are started and the rest may finish.
          succeeded > 0
          ? active.length
          : parallelism
        : Math.max(0, Math.min(spec.completions - succeeded, parallelism));
    if (active.length > wanted) return remove(round, cheapestToDeleteFirst(active).slice(0, active.length - wanted));
    const missing = wanted - active.length - (replacesOnlyFailed(spec) ? round.terminating : 0);
    if (missing <= 0) return;
    const wait = remaining(round.record, clock.now());
    if (wait > 0) round.again = Math.min(wait, round.again ?? wait);
    else await create(round, missing);
  };

  const noteSuspension = (round: Round) => {
    const { job, spec, status } = round;
    const now = clock.now();
    const suspended = hasCondition(status.conditions, 'Suspended');
    if (spec.suspend && !suspended) {
      const next: Condition = { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' };
      status.conditions = setCondition(status.conditions, { ...next, lastProbeTime: timestamp(now) }, now);
      events.record(job, 'Normal', 'Suspended', 'Job suspended');
    } else if (!spec.suspend && suspended) {
      const next: Condition = { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' };
      status.conditions = setCondition(status.conditions, { ...next, lastProbeTime: timestamp(now) }, now);
      // The clock of activeDeadlineSeconds starts again.
      status.startTime = timestamp(now);
      events.record(job, 'Normal', 'Resumed', 'Job resumed');
    }
  };

  const save = async (round: Round): Promise<void> => {
    if (isDeepStrictEqual(round.job.status, round.status)) return;
    const stored = { ...round.job, status: structuredClone(round.status) };
    round.job = await api.update<Job>(JOBS, stored, 'status');
  };

  /** Counts pods that have ended, each exactly once whatever fails in between. */
  const count = async (round: Round): Promise<void> => {
    const { spec, status } = round;
    const deleting = round.job.metadata.deletionTimestamp !== undefined;
    const uncounted = { succeeded: [], failed: [], ...status.uncountedTerminatedPods } as Uncounted;
    const current = index.of(uidOf(round.job));
    const tracked = new Set(current.filter(isTracked).map(uidOf));
    settle(status, uncounted, tracked);
    const done: Pod[] = [];
    for (const pod of current) {
      if (!isTracked(pod)) continue;
      const failed = isPodFailed(pod, spec);
      if (!deleting && round.verdict === undefined && !isPodSucceeded(pod) && !failed) continue;
      done.push(pod);
      const uid = uidOf(pod);
      if (isPodSucceeded(pod)) {
        if (spec.completionMode === 'Indexed') {
          const all = new Set([...parseIndexes(status.completedIndexes), ...newIndexes(spec, [pod])]);
          status.completedIndexes = formatIndexes(all);
          status.succeeded = all.size;
        } else if (!uncounted.succeeded.includes(uid)) uncounted.succeeded.push(uid);
        // When a Job is over, every pod that has not ended counts as failed; not so when it is over because it succeeded.
      } else if (failed || (round.verdict !== undefined && round.verdict.type !== 'SuccessCriteriaMet')) {
        if (!uncounted.failed.includes(uid) && judgeFailure(spec, pod).counts) uncounted.failed.push(uid);
      }
    }
    if (round.verdict && !hasCondition(status.conditions, round.verdict.type))
      status.conditions = [...(status.conditions ?? []), round.verdict];
    keep(status, uncounted);
    await save(round);
    records.set(uidOf(round.job), round.record);
    for (const pod of done) {
      await release(pod);
      tracked.delete(uidOf(pod));
    }
    settle(status, uncounted, tracked);
    keep(status, uncounted);
  };

  const finish = async (round: Round): Promise<void> => {
    const { status, verdict } = round;
    const uncounted = status.uncountedTerminatedPods;
    const open = (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0);
    if (!verdict || open > 0 || round.terminating > 0) return save(round);
    const type = verdict.type === 'SuccessCriteriaMet' ? 'Complete' : 'Failed';
    const { reason = '', message = '' } = verdict;
    const final = verdictOf(type, reason, message);
    status.conditions = [...(status.conditions ?? []), final];
    if (type === 'Complete' && final.lastTransitionTime) status.completionTime = final.lastTransitionTime;
    await save(round);
    if (type === 'Failed') events.record(round.job, 'Warning', reason, message);
    else events.record(round.job, 'Normal', 'Completed', 'Job completed');
  };

  return {
    forget: (uid) => records.delete(uid),
    async run(job) {
      const round = begin(job);
      const { spec, status } = round;
      if (status.startTime === undefined && !spec.suspend) status.startTime = timestamp(clock.now());
      round.verdict = judge(round);
      let failure: unknown;
      try {
        if (round.verdict) await remove(round, round.active);
        else if (job.metadata.deletionTimestamp === undefined) {
          await manage(round);
          const enough = spec.completions === undefined ? round.succeeded > 0 : round.succeeded >= spec.completions;
          if (enough && round.active.length === 0)
            round.verdict = verdictOf(
              'SuccessCriteriaMet',
              'CompletionsReached',
              'Reached expected number of succeeded pods',
            );
          else noteSuspension(round);
        }
      } catch (error) {
        // What has ended is counted even when no new pod could be made.
        failure = error;
      }
      status.active = round.active.length;
      status.ready = round.ready;
      status.terminating = round.terminating;
      await count(round);
      await finish(round);
      if (failure !== undefined) throw failure;
      return round.again === undefined ? undefined : { after: round.again };
    },
  };
}

interface Uncounted {
  succeeded: string[];
  failed: string[];
}

/** Adds to the totals what was uncounted and has lost its finalizer since. */
function settle(status: JobStatus, uncounted: Uncounted, tracked: Set<string>): void {
  for (const outcome of ['succeeded', 'failed'] as const) {
    const open = uncounted[outcome].filter((uid) => tracked.has(uid));
    const closed = uncounted[outcome].length - open.length;
    if (closed > 0) status[outcome] = (status[outcome] ?? 0) + closed;
    uncounted[outcome] = open;
  }
}

function keep(status: JobStatus, { succeeded, failed }: Uncounted): void {
  status.uncountedTerminatedPods = {
    ...(succeeded.length > 0 ? { succeeded: [...succeeded] } : {}),
    ...(failed.length > 0 ? { failed: [...failed] } : {}),
  };
}

function newIndexes(spec: JobSpec, pods: Pod[]): number[] {
  if (spec.completionMode !== 'Indexed') return [];
  return pods
    .filter(isPodSucceeded)
    .map(indexOf)
    .filter((i): i is number => i !== undefined && i < (spec.completions ?? 0));
}

/** Kubernetes: with restartPolicy OnFailure it is container restarts that count; a limit of 0 allows none. */
function restartedTooOften(spec: JobSpec, pods: Pod[]): boolean {
  if (spec.template.spec.restartPolicy !== 'OnFailure') return false;
  const limit = spec.backoffLimit ?? 6;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const c of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
      restarts += c.restartCount;
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function newPod(job: Job, place: number | undefined): object {
  const { name } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uidOf(job),
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uidOf(job),
    'job-name': name,
  };
  if (place === undefined)
    return podFromTemplate(JOBS, job, job.spec.template, { labels, finalizers: [TRACKING_FINALIZER] });
  const index = String(place);
  const template = structuredClone(job.spec.template);
  template.spec.hostname ??= `${name}-${index}`;
  for (const container of [...(template.spec.initContainers ?? []), ...template.spec.containers])
    container.env = [
      ...(container.env ?? []).filter((e) => e.name !== 'JOB_COMPLETION_INDEX'),
      { name: 'JOB_COMPLETION_INDEX', value: index },
    ];
  return podFromTemplate(JOBS, job, template, {
    generateName: `${name}-${index}-`,
    labels: { ...labels, [COMPLETION_INDEX]: index },
    annotations: { [COMPLETION_INDEX]: index },
    finalizers: [TRACKING_FINALIZER],
  });
}
