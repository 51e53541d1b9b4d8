import type { KubeObject, ObjectMeta } from '../../../base/object.ts';
import { keyOf } from '../../../base/object.ts';
import type { Running } from '../../types.ts';
import { ApiError } from '../../types.ts';
import type { ControllerContext } from '../context.ts';
import { createOwnerIndex, deleteIfPresent, ownedBy, timestamp, writeStatus } from '../context.ts';
import { finishedAt, type Job, type JobSpec } from '../job/types.ts';
import { CRON_JOBS, JOBS, namespaceOf, uidOf } from '../kinds.ts';
import { createQueue, splitKey } from '../queue.ts';
import { lastTime, nextTime, parseSchedule, type Schedule } from './schedule.ts';

export interface CronJob extends KubeObject {
  spec: {
    schedule: string;
    timeZone?: string;
    suspend?: boolean;
    startingDeadlineSeconds?: number;
    concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace';
    successfulJobsHistoryLimit?: number;
    failedJobsHistoryLimit?: number;
    jobTemplate: { metadata?: Partial<ObjectMeta>; spec: JobSpec };
  };
  status?: CronJobStatus;
}

interface CronJobStatus {
  active?: object[];
  lastScheduleTime?: string;
  lastSuccessfulTime?: string;
}

const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

const age = (job: Job) => Date.parse(job.metadata.creationTimestamp ?? '') || 0;
const isDone = (job: Job) => finishedAt(job) !== undefined;
const isComplete = (job: Job) =>
  job.status?.conditions?.some((c) => c.type === 'Complete' && c.status === 'True') ?? false;

/** Starts Jobs by their schedules. */
export function startCronJobController(context: ControllerContext): Running {
  const { api, clock, log, events } = context;

  const queue = createQueue({
    name: 'cronjob',
    clock,
    log,
    async reconcile(key) {
      const [namespace, name] = splitKey(key);
      const cron = api.get<CronJob>(CRON_JOBS, name, namespace);
      if (!cron || cron.metadata.deletionTimestamp) return undefined;
      const owned = jobs.of(uidOf(cron));
      const status: CronJobStatus = { ...cron.status };
      noteFinished(cron, owned, status);
      await forgetOld(cron, owned);
      const again = await follow(cron, owned, status);
      const active = owned.concat(jobs.of(uidOf(cron)).filter((job) => !owned.some((o) => uidOf(o) === uidOf(job))));
      await save(cron, active, status);
      return again;
    },
  });

  const noteFinished = (cron: CronJob, owned: Job[], status: CronJobStatus) => {
    const known = new Set((cron.status?.active ?? []).map((ref) => (ref as { uid?: string }).uid));
    for (const job of owned) {
      if (!isDone(job)) continue;
      if (known.has(uidOf(job))) {
        const how = isComplete(job) ? 'Complete' : 'Failed';
        events.record(cron, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${how}`);
      }
      const at = job.status?.completionTime;
      if (isComplete(job) && at && (!status.lastSuccessfulTime || at > status.lastSuccessfulTime))
        status.lastSuccessfulTime = at;
    }
  };

  const forgetOld = async ({ spec }: CronJob, owned: Job[]) => {
    const done = owned.filter(isDone).sort((a, b) => age(a) - age(b));
    const [good, bad] = [done.filter(isComplete), done.filter((job) => !isComplete(job))];
    const limits: [Job[], number][] = [
      [good, spec.successfulJobsHistoryLimit ?? 3],
      [bad, spec.failedJobsHistoryLimit ?? 1],
    ];
    for (const [list, limit] of limits)
      for (const job of list.slice(0, Math.max(0, list.length - limit)))
        await deleteIfPresent(api, JOBS, job, { propagationPolicy: 'Background' });
  };

  /** Starts a Job when one is due; when to look again. */
  const follow = async (cron: CronJob, owned: Job[], status: CronJobStatus) => {
    const { spec } = cron;
    if (spec.suspend) return undefined;
    const now = clock.now();
    let schedule: Schedule;
    let next: number | undefined;
    try {
      schedule = parseSchedule(spec.schedule);
      next = nextTime(schedule, now, spec.timeZone);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      events.record(cron, 'Warning', 'UnparseableSchedule', `unparseable schedule: "${spec.schedule}" : ${why}`);
      return undefined;
    }
    const again = next === undefined ? undefined : { after: next - now };
    const created = Date.parse(cron.metadata.creationTimestamp ?? '') || now;
    let from = Date.parse(status.lastScheduleTime ?? '') || created;
    if (spec.startingDeadlineSeconds !== undefined) from = Math.max(from, now - spec.startingDeadlineSeconds * 1000);
    const due = lastTime(schedule, from, now, spec.timeZone);
    if (due === undefined) return again;
    const active = owned.filter((job) => !isDone(job));
    if (spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
      const why = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      events.record(cron, 'Normal', 'JobAlreadyActive', why);
      return again;
    }
    if (spec.concurrencyPolicy === 'Replace')
      for (const job of active) {
        await deleteIfPresent(api, JOBS, job, { propagationPolicy: 'Background' });
        events.record(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
      }
    await startJob(cron, due);
    status.lastScheduleTime = timestamp(due);
    return again;
  };

  const startJob = async (cron: CronJob, due: number) => {
    const { metadata = {}, spec } = cron.spec.jobTemplate;
    // The name holds the scheduled minute: the same start can never happen twice.
    const name = `${cron.metadata.name}-${Math.floor(due / 60_000)}`;
    const object = {
      metadata: {
        name,
        labels: metadata.labels ?? {},
        annotations: { ...metadata.annotations, [SCHEDULED]: timestamp(due) },
        ownerReferences: [ownedBy(CRON_JOBS, cron)],
      },
      spec: structuredClone(spec),
    };
    try {
      jobs.note(await api.create<Job>(JOBS, object, namespaceOf(cron)));
      events.record(cron, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'AlreadyExists') return;
      const why = error instanceof Error ? error.message : String(error);
      events.record(cron, 'Warning', 'FailedCreate', `Error creating job: ${why}`);
      throw error;
    }
  };

  const save = async (cron: CronJob, owned: Job[], status: CronJobStatus) => {
    const current = api.get<CronJob>(CRON_JOBS, cron.metadata.name, namespaceOf(cron));
    if (!current || uidOf(current) !== uidOf(cron)) return;
    const active = owned
      .filter((job) => !isDone(job) && api.get(JOBS, job.metadata.name, namespaceOf(job)) !== undefined)
      .map((job) => ({
        apiVersion: 'batch/v1',
        kind: 'Job',
        name: job.metadata.name,
        namespace: namespaceOf(job),
        uid: uidOf(job),
        resourceVersion: job.metadata.resourceVersion ?? '',
      }));
    // A reference keeps the version it was first noted with, or every change of the Job would be a change here.
    const before = (cron.status?.active ?? []) as { uid?: string }[];
    const stable = active.map((ref) => before.find((b) => b.uid === ref.uid) ?? ref);
    const { active: _old, ...rest } = status;
    await writeStatus(api, CRON_JOBS, current, stable.length > 0 ? { ...rest, active: stable } : rest);
  };

  const jobs = createOwnerIndex<Job>(api, JOBS, (owner, { object }) => {
    if (owner?.kind === 'CronJob') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
  const stop = api.watch<CronJob>(CRON_JOBS, ({ object }) => queue.add(keyOf(object)));
  for (const cron of api.list<CronJob>(CRON_JOBS)) queue.add(keyOf(cron));

  return {
    async stop() {
      stop();
      jobs.stop();
      await queue.stop();
    },
  };
}
