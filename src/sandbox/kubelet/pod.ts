import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { deleteIfPresent, timestamp } from '../controllers/context.ts';
import type { EventRecorder } from '../controllers/events.ts';
import type { Container, ContainerStatus, Pod, PodStatus } from '../controllers/kinds.ts';
import { namespaceOf, PODS, uidOf } from '../controllers/kinds.ts';
import { isFinished } from '../controllers/pods.ts';
import type { ClusterApi } from '../types.ts';
import { ApiError } from '../types.ts';
import { ContainerConfigError, launchOf, type Program } from './command.ts';
import { type ContainerRunner, createContainer, type Prepared } from './container.ts';
import { declaredEnv, type NodeAmounts } from './env.ts';
import { MARKER, type ProcessRecords } from './leftovers.ts';
import { podStatusOf } from './status.ts';
import { makeVolumes, removePodDir, type TokenSource } from './volumes.ts';

export interface PodDeps {
  api: ClusterApi;
  clock: Clock;
  log: Logger;
  events: EventRecorder;
  records: ProcessRecords;
  stateDir: string;
  programs: Record<string, Program>;
  node: NodeAmounts;
  /** Variables that every process gets beside what its pod declares. */
  env: Record<string, string>;
  token: TokenSource | undefined;
}

/** A pod on this node, from the moment it is seen until nothing of it is left. */
export interface PodWorker {
  readonly uid: string;
  pod(): Pod;
  /** The stored object is another one; a deletion begins here. */
  update(pod: Pod): void;
  /** The stored object is gone: stop at once and forget. */
  removed(): Promise<void>;
  /** Ends the processes without telling the cluster: the sandbox itself stops. */
  shutdown(graceMs: number): Promise<void>;
  /** A Secret or ConfigMap of the pod's namespace has changed. */
  nudge(): void;
  container(name: string): ContainerRunner | undefined;
  containers(): ContainerRunner[];
}

export const podDir = (stateDir: string, uid: string) => path.join(stateDir, 'pods', uid);

export function createPodWorker(first: Pod, deps: PodDeps): PodWorker {
  const { api, clock, events } = deps;
  const uid = uidOf(first);
  const dir = podDir(deps.stateDir, uid);
  const label = `${first.metadata.name}_${namespaceOf(first)}(${uid})`;
  const startTime = first.status?.startTime ?? timestamp(clock.now());
  let pod = first;
  let gone = false;
  let stopping = false;
  let failed: { reason: string; message: string } | undefined;
  let volumes: Record<string, string> | undefined;

  const runner = (container: Container, prior: ContainerStatus | undefined): ContainerRunner =>
    createContainer(container, priorOf(prior, clock.now()), {
      clock,
      records: deps.records,
      logDir: dir,
      podLabel: label,
      idPrefix: uid,
      graceMs: graceOf(pod),
      prepare: () => prepare(container),
      changed,
      event: (type, reason, message) => events.record(pod, type, reason, message),
    });

  const prepare = (container: Container): Prepared => {
    mkdirSync(path.join(dir, 'tmp'), { recursive: true });
    try {
      volumes ??= makeVolumes(api, pod, path.join(dir, 'volumes'), path.join(deps.stateDir, 'claims'), deps.token);
    } catch (error) {
      if (!(error instanceof ContainerConfigError)) throw error;
      events.record(pod, 'Warning', 'FailedMount', `MountVolume.SetUp failed: ${error.message}`);
      throw new ContainerConfigError(error.message, 'ContainerCreating');
    }
    const base = {
      PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
      HOME: dir,
      TMPDIR: path.join(dir, 'tmp'),
      HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
      ...deps.env,
      ...volumes,
    };
    const declared = declaredEnv(api, pod, container, base, deps.node);
    const env = { ...base, ...declared, [MARKER]: deps.stateDir };
    const launch = launchOf(pod, container, env, deps.programs);
    if (launch.kind === 'process' && launch.cwd !== undefined && !existsSync(launch.cwd))
      throw new ContainerConfigError(
        `working directory ${launch.cwd} does not exist on this machine: containers are processes here, not images`,
        'CreateContainerError',
      );
    return { launch, env, cwd: dir };
  };

  // Status writes fall together: one is on its way at most, and the next one has everything since.
  let dirty = false;
  let writing: Promise<void> | undefined;
  function changed(): void {
    if (stopping || gone) return;
    dirty = true;
    writing ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(write)
      .catch((error: unknown) => {
        deps.log.error('Cannot write the status of a pod', { pod: label, error });
      })
      .finally(() => {
        writing = undefined;
        if (dirty) changed();
      });
  }
  const write = async () => {
    while (dirty && !gone) {
      dirty = false;
      try {
        const current = api.get<Pod>(PODS, pod.metadata.name, pod.metadata.namespace);
        if (!current || uidOf(current) !== uid) return;
        const status = statusNow(current);
        if (!isDeepStrictEqual(current.status, status))
          pod = await api.update<Pod>(PODS, { ...current, status } as Pod, 'status');
      } catch (error) {
        if (error instanceof ApiError && error.reason === 'NotFound') return;
        if (!(error instanceof ApiError && error.reason === 'Conflict')) throw error;
        dirty = true;
      }
    }
  };
  const statusNow = (current: Pod): PodStatus =>
    podStatusOf({
      pod: current,
      init: init.map((c) => c.status()),
      main: main.map((c) => c.status()),
      startTime,
      failed,
      now: clock.now(),
    });
  const written = async () => {
    while (writing) await writing;
  };

  const statuses = pod.status ?? {};
  const find = (list: ContainerStatus[] | undefined, { name }: Container) => list?.find((s) => s.name === name);
  const init = (pod.spec.initContainers ?? []).map((c) => runner(c, find(statuses.initContainerStatuses, c)));
  const main = pod.spec.containers.map((c) => runner(c, find(statuses.containerStatuses, c)));
  const all = [...init, ...main];
  const sidecars = init.filter((c) => c.container.restartPolicy === 'Always');

  const graceNow = (p: Pod) => (p.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  const stopAll = async (graceMs: number) => {
    await Promise.all([...main, ...init.filter((c) => !sidecars.includes(c))].map((c) => c.stop(graceMs)));
    await Promise.all(sidecars.map((c) => c.stop(graceMs)));
  };

  const life = async () => {
    const policy = pod.spec.restartPolicy ?? 'Always';
    changed();
    for (const container of init) {
      if (sidecars.includes(container)) {
        void container.run('Always');
        await container.started;
      } else {
        // Kubernetes: init containers of a pod that always restarts are repeated only when they fail.
        const code = await container.run(policy === 'Never' ? 'Never' : 'OnFailure');
        if (code !== 0) return void (await finish());
      }
      if (stopping || gone || leaving) return;
    }
    await Promise.all(main.map((container) => container.run(policy)));
    await finish();
  };
  const finish = async () => {
    await Promise.all(sidecars.map((c) => c.stop(graceOf(pod))));
    deadline?.cancel();
    changed();
  };

  /** Kubernetes: the object of a deleted pod goes when its containers have ended and that has been reported. */
  let leaving: Promise<void> | undefined;
  const leave = async () => {
    await stopAll(graceNow(pod));
    changed();
    await written();
    if (!gone && !stopping) await deleteIfPresent(api, PODS, pod, { gracePeriodSeconds: 0 });
  };
  const left = pod.spec.activeDeadlineSeconds;
  const deadline =
    left === undefined || isFinished(pod)
      ? undefined
      : clock.after(Date.parse(startTime) + left * 1000 - clock.now(), () => {
          const message = 'Pod was active on the node longer than the specified deadline';
          void stopAll(graceOf(pod)).then(() => {
            failed = { reason: 'DeadlineExceeded', message };
            events.record(pod, 'Normal', 'DeadlineExceeded', message);
            changed();
          });
        });

  if (!isFinished(pod) && pod.metadata.deletionTimestamp === undefined)
    life().catch((error: unknown) => {
      deps.log.error('A pod cannot be run', { pod: label, error });
      failed = { reason: 'SandboxError', message: describeError(error) };
      changed();
    });

  const worker: PodWorker = {
    uid,
    pod: () => pod,
    update(next) {
      const before = pod.metadata;
      pod = next;
      if (next.metadata.deletionTimestamp === undefined) return;
      if (!leaving) {
        for (const c of all)
          if (c.status().state.running)
            events.record(pod, 'Normal', 'Killing', `Stopping container ${c.container.name}`);
        leaving = leave().catch((error: unknown) =>
          deps.log.error('Cannot remove a deleted pod', { pod: label, error }),
        );
      } else if (next.metadata.deletionGracePeriodSeconds !== before.deletionGracePeriodSeconds)
        void stopAll(graceNow(next));
    },
    async removed() {
      gone = true;
      deadline?.cancel();
      // Kubernetes: a pod deleted by force still gets a moment.
      await stopAll(Math.min(graceOf(pod), 1000));
      await removePodDir(dir);
    },
    async shutdown(graceMs) {
      stopping = true;
      deadline?.cancel();
      await stopAll(graceMs);
      while (writing) await writing;
    },
    nudge() {
      for (const c of all) if (c.status().state.waiting) c.nudge();
    },
    container: (name) => all.find((c) => c.container.name === name),
    containers: () => all,
  };
  if (pod.metadata.deletionTimestamp !== undefined) worker.update(pod);
  return worker;
}

function graceOf(pod: Pod): number {
  return (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
}

/** What is known of a container from before this process: what ran then runs no more. */
function priorOf(prior: ContainerStatus | undefined, now: number): ContainerStatus | undefined {
  const { running } = prior?.state ?? {};
  if (!prior || !running) return prior;
  const terminated = {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The process ended with the sandbox that ran it',
    startedAt: running.startedAt,
    finishedAt: timestamp(now),
  };
  return { ...prior, ready: false, started: false, state: { terminated } };
}
