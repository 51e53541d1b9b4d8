import { keyOf } from '../../../base/object.ts';
import type { Running } from '../../types.ts';
import { ApiError } from '../../types.ts';
import type { ControllerContext } from '../context.ts';
import { createOwnerIndex, deleteIfPresent } from '../context.ts';
import type { Pod } from '../kinds.ts';
import { JOBS, PODS, uidOf } from '../kinds.ts';
import { isFinished } from '../pods.ts';
import { createQueue, splitKey } from '../queue.ts';
import { createJobSync } from './sync.ts';
import { finishedAt, isTracked, type Job, TRACKING_FINALIZER } from './types.ts';

/** Kubernetes: the job controller gathers changes of pods for a second (syncJobBatchPeriod). */
const BATCH = 1000;

/** Runs Jobs to completion, and deletes finished ones when their ttlSecondsAfterFinished is over. */
export function startJobController(context: ControllerContext): Running {
  const { api, clock, log } = context;

  const jobs = createQueue({
    name: 'job',
    clock,
    log,
    reconcile(key) {
      const [namespace, name] = splitKey(key);
      const job = api.get<Job>(JOBS, name, namespace);
      if (!job) return undefined;
      if (job.spec.managedBy !== undefined && job.spec.managedBy !== 'kubernetes.io/job-controller') return undefined;
      return finishedAt(job) === undefined ? sync.run(job) : expire(job);
    },
  });

  const expire = async (job: Job) => {
    const ttl = job.spec.ttlSecondsAfterFinished;
    const finished = Date.parse(finishedAt(job) ?? '');
    if (ttl === undefined || Number.isNaN(finished) || job.metadata.deletionTimestamp) return undefined;
    const left = finished + ttl * 1000 - clock.now();
    if (left > 0) return { after: left };
    // Kubernetes: the TTL controller deletes in the foreground, pods first.
    await deleteIfPresent(api, JOBS, job, { propagationPolicy: 'Foreground' });
    return undefined;
  };

  /** Pods that nobody will count any more, by key: their Job is gone, so the finalizer only keeps them from going too. */
  const orphans = createQueue({
    name: 'job-orphan-pod',
    clock,
    log,
    async reconcile(key) {
      const [namespace, name] = splitKey(key);
      const pod = api.get<Pod>(PODS, name, namespace);
      const owner = pod?.metadata.ownerReferences?.find((o) => o.controller && o.kind === 'Job');
      if (!pod || !owner || !isTracked(pod)) return undefined;
      if (api.get(JOBS, owner.name, namespace)?.metadata.uid === owner.uid) return undefined;
      await releasePod(context, pod);
      return undefined;
    },
  });

  const pods = createOwnerIndex<Pod>(api, PODS, (owner, event) => {
    if (owner?.kind !== 'Job') return;
    const namespace = event.object.metadata.namespace ?? '';
    const job = api.get(JOBS, owner.name, namespace);
    const key = `${namespace}/${owner.name}`;
    // What only changes status.ready can wait a little; with short pods it then needs no write of its own.
    const isMinor = event.type === 'MODIFIED' && !isFinished(event.object) && !event.object.metadata.deletionTimestamp;
    if (job?.metadata.uid === owner.uid) {
      if (isMinor) jobs.addAfter(key, BATCH);
      else jobs.add(key);
    } else if (event.type !== 'DELETED' && isTracked(event.object)) orphans.add(keyOf(event.object));
  });
  const sync = createJobSync(context, pods, (pod) => releasePod(context, pod));

  const stopJobs = api.watch<Job>(JOBS, ({ type, object }) => {
    if (type !== 'DELETED') return jobs.add(keyOf(object));
    sync.forget(uidOf(object));
    for (const pod of pods.of(uidOf(object))) if (isTracked(pod)) orphans.add(keyOf(pod));
  });
  for (const job of api.list<Job>(JOBS)) jobs.add(keyOf(job));
  for (const pod of api.list<Pod>(PODS)) if (isTracked(pod)) orphans.add(keyOf(pod));

  return {
    async stop() {
      stopJobs();
      pods.stop();
      await Promise.all([jobs.stop(), orphans.stop()]);
    },
  };
}

/** Takes the tracking finalizer off; a pod that is gone needs it no more. */
async function releasePod({ api }: ControllerContext, pod: Pod): Promise<void> {
  const { name, namespace } = pod.metadata;
  // Read again in the same turn: the list of finalizers is replaced whole.
  const current = api.get<Pod>(PODS, name, namespace);
  if (current === undefined || uidOf(current) !== uidOf(pod) || !isTracked(current)) return;
  const left = (current.metadata.finalizers ?? []).filter((f) => f !== TRACKING_FINALIZER);
  try {
    const patch = { metadata: { uid: uidOf(pod), finalizers: left.length > 0 ? left : null } };
    await api.patch(PODS, name, namespace, { type: 'merge', patch });
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'NotFound')) throw error;
  }
}
