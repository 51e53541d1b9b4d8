import { JOB_NAME, SCALED_JOB_GENERATION, SCALED_JOB_NAME } from '../../api/annotations.ts';
import { JOBS, PODS } from '../../api/resources.ts';
import type { KubeObject } from '../../base/object.ts';
import { JOB_TEMPLATE } from '../../decision/job-manifest.ts';
import { type ExpectedJob, type JobView, jobView } from '../../decision/job-view.ts';
import { createStore, type Store } from '../../kube/store.ts';
import type { ControllerContext } from '../context.ts';

/** What is kept of a Job: whose it is and how far it is. */
interface JobEntry {
  metadata: { name: string; namespace: string; uid: string };
  scaledJob: string;
  raw: Parameters<typeof jobView>[0];
}

/** What is kept of a pod of a Job. */
interface PodEntry {
  metadata: { name: string; namespace: string };
  job: string;
  scaledJob: string;
  raw: Parameters<typeof jobView>[1][number];
}

type RawJob = KubeObject & Parameters<typeof jobView>[0];
type RawPod = KubeObject & Parameters<typeof jobView>[1][number];

/** The Jobs of all ScaledJobs, from one watch of Jobs and one of their pods, both limited to our label. */
export interface Jobs {
  /** The Jobs of a ScaledJob, those that ended and are gone since its last readings included. */
  of(namespace: string, scaledJob: string): JobView[];
  /** Those of them that exist. */
  listed(namespace: string, scaledJob: string): JobView[];
  /** Asks the API server whether it has Jobs of a ScaledJob that the watch has not shown yet; false if so. */
  showsAll(namespace: string, scaledJob: string): Promise<boolean>;
  /** Jobs that were created by this process and that the watch has not shown yet. */
  expected(namespace: string, scaledJob: string): ExpectedJob[];
  /** A Job was created. */
  created(namespace: string, scaledJob: string, name: string, at: number): void;
  /** Readings taken before `at` (milliseconds since 1970) are no longer used: Jobs that are gone since then are forgotten. */
  forgetGone(namespace: string, scaledJob: string, at: number): void;
  forget(namespace: string, scaledJob: string): void;
  /** Calls back with the key of a ScaledJob whose Jobs or pods changed. */
  onChange(handler: (key: string) => void): () => void;
  /** The watch that may have fallen behind: what is known may be outdated. */
  readonly trouble: Error | undefined;
  readonly isSynced: boolean;
  readonly synced: Promise<unknown>;
  stop(): void;
}

const BY_OWNER = 'owner';
const BY_JOB = 'job';
const NAMES = { generation: SCALED_JOB_GENERATION, template: JOB_TEMPLATE };

export function createJobs(ctx: ControllerContext): Jobs {
  const { client, clock, log, namespace } = ctx;
  const selection = { client, namespace, labelSelector: SCALED_JOB_NAME, clock, log };
  const jobs: Store<JobEntry> = createStore<JobEntry, RawJob>({
    ...selection,
    type: JOBS,
    project: ({ metadata, status }) => ({
      metadata: { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '' },
      scaledJob: metadata.labels?.[SCALED_JOB_NAME] ?? '',
      raw: {
        metadata: {
          name: metadata.name,
          creationTimestamp: metadata.creationTimestamp,
          deletionTimestamp: metadata.deletionTimestamp,
          annotations: pick(metadata.annotations, [NAMES.generation, NAMES.template]),
          ownerReferences: metadata.ownerReferences?.map(({ uid, controller }) => ({ uid, controller })),
        },
        status: status && {
          completionTime: status.completionTime,
          conditions: status.conditions?.map(({ type, status: on, lastTransitionTime }) => ({
            type,
            status: on,
            lastTransitionTime,
          })),
        },
      },
    }),
    indexes: { [BY_OWNER]: (job) => [`${job.metadata.namespace}/${job.scaledJob}`] },
  });
  const pods: Store<PodEntry> = createStore<PodEntry, RawPod>({
    ...selection,
    type: PODS,
    project: ({ metadata, status }) => ({
      metadata: { name: metadata.name, namespace: metadata.namespace ?? '' },
      job: metadata.labels?.[JOB_NAME] ?? '',
      scaledJob: metadata.labels?.[SCALED_JOB_NAME] ?? '',
      raw: {
        status: status && {
          phase: status.phase,
          conditions: status.conditions?.map(({ type, status: on }) => ({ type, status: on })),
          containerStatuses: status.containerStatuses?.map(({ state }) => ({
            state: {
              running: state?.running && { startedAt: state.running.startedAt },
              terminated: state?.terminated && { startedAt: state.terminated.startedAt },
            },
          })),
        },
      },
    }),
    indexes: { [BY_JOB]: (pod) => [`${pod.metadata.namespace}/${pod.job}`] },
  });

  const waiting = new Map<string, ExpectedJob[]>();
  const gone = new Map<string, JobView[]>();

  const viewOf = (job: JobEntry): JobView =>
    jobView(
      job.raw,
      pods.byIndex(BY_JOB, `${job.metadata.namespace}/${job.metadata.name}`).map(({ raw }) => raw),
      NAMES,
    );

  const stops = [
    jobs.onChange(({ type, object }) => {
      const key = `${object.metadata.namespace}/${object.scaledJob}`;
      const expected = waiting.get(key);
      if (expected)
        settle(
          waiting,
          key,
          expected.filter(({ name }) => name !== object.metadata.name),
        );
      if (type !== 'deleted') return;
      const view = viewOf(object);
      // It ended, and a reading from before its end may still be in use (history limits, TTLs).
      if (view.outcome)
        gone.set(key, [...(gone.get(key) ?? []), { ...view, finishedAt: view.finishedAt ?? clock.now() }]);
    }),
  ];

  return {
    of(ns, name) {
      return [...this.listed(ns, name), ...(gone.get(`${ns}/${name}`) ?? [])];
    },
    listed: (ns, name) => jobs.byIndex(BY_OWNER, `${ns}/${name}`).map(viewOf),
    async showsAll(ns, name) {
      const live = await client.listAll<RawJob>(JOBS, {
        namespace: ns,
        labelSelector: `${SCALED_JOB_NAME}=${name}`,
      });
      return live.every(({ metadata }) => jobs.get(ns, metadata.name) !== undefined);
    },
    expected: (ns, name) => waiting.get(`${ns}/${name}`) ?? [],
    created(ns, scaledJob, name, createdAt) {
      if (jobs.get(ns, name)) return;
      const key = `${ns}/${scaledJob}`;
      waiting.set(key, [...(waiting.get(key) ?? []), { name, createdAt }]);
    },
    forgetGone(ns, name, at) {
      const key = `${ns}/${name}`;
      // Kubernetes cuts times to whole seconds and takes them from its own clock.
      settle(
        gone,
        key,
        (gone.get(key) ?? []).filter(({ finishedAt = 0 }) => finishedAt + 5_000 >= at),
      );
    },
    forget(ns, name) {
      waiting.delete(`${ns}/${name}`);
      gone.delete(`${ns}/${name}`);
    },
    onChange(handler) {
      const ends = [
        jobs.onChange(({ object }) => handler(`${object.metadata.namespace}/${object.scaledJob}`)),
        pods.onChange(({ object }) => handler(`${object.metadata.namespace}/${object.scaledJob}`)),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
    get trouble() {
      return jobs.trouble;
    },
    get isSynced() {
      return jobs.isSynced && pods.isSynced;
    },
    synced: Promise.all([jobs.synced, pods.synced]),
    stop() {
      for (const stop of stops) stop();
      jobs.stop();
      pods.stop();
    },
  };
}

function settle<T>(map: Map<string, T[]>, key: string, rest: T[]): void {
  if (rest.length > 0) map.set(key, rest);
  else map.delete(key);
}

function pick(map: Record<string, string> | undefined, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => keys.includes(key)));
}
