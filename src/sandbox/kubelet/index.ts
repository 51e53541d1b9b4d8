import { mkdirSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { createEventRecorder } from '../controllers/events.ts';
import type { Pod } from '../controllers/kinds.ts';
import { CONFIG_MAPS, namespaceOf, PODS, SECRETS, uidOf } from '../controllers/kinds.ts';
import type { PodUsage } from '../controllers/pod-usage.ts';
import type { ClusterApi, Running } from '../types.ts';
import { ApiError } from '../types.ts';
import type { Program } from './command.ts';
import { keepProcessRecords } from './leftovers.ts';
import { type LogOptions, readLog } from './logs.ts';
import { type NodeOptions, registerNode } from './node.ts';
import { createPodWorker, type PodDeps, type PodWorker, podDir } from './pod.ts';
import { startScheduler } from './scheduler.ts';
import { createUsageReader } from './usage.ts';
import { removePodDir, type TokenSource } from './volumes.ts';

export type { Program } from './command.ts';
export type { LogOptions } from './logs.ts';

export interface KubeletOptions {
  api: ClusterApi;
  clock: Clock;
  log: Logger;
  /** Folder for logs, volumes and the records of processes; one sandbox at a time may use it. */
  stateDir: string;
  /** Programs that stand for images, by image as written in the container. */
  programs?: Record<string, Program> | undefined;
  node?: NodeOptions | undefined;
  /** Variables that every process gets, such as KUBERNETES_SERVICE_HOST. */
  env?: Record<string, string> | undefined;
  /** Makes tokens for projected service account volumes. */
  serviceAccountToken?: TokenSource | undefined;
  /** Milliseconds between SIGTERM and SIGKILL when the sandbox stops; default 2000. */
  stopGraceMs?: number | undefined;
}

export interface Kubelet extends Running {
  /**
   * A container's output as it was written, for `kubectl logs`.
   * @throws ApiError NotFound or BadRequest, worded as by Kubernetes
   */
  podLogs(namespace: string, name: string, options?: LogOptions): AsyncIterable<Uint8Array>;
  /** CPU and memory of the running pods, for metrics.k8s.io and the autoscaler. */
  podUsage(): PodUsage[];
}

/** A node on this machine: its object, a scheduler for it, and a process for every container. */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { api, clock, programs = {}, env = {}, stopGraceMs = 2000 } = options;
  const log = options.log.with({ component: 'kubelet' });
  mkdirSync(options.stateDir, { recursive: true });
  const stateDir = realpathSync(options.stateDir);
  const records = keepProcessRecords(stateDir, log);
  const node = await registerNode(api, clock, options.node ?? {});
  const nodeName = node.metadata.name;
  const events = createEventRecorder(api, clock, log, 'kubelet');
  const workers = new Map<string, PodWorker>();
  const ending = new Set<Promise<void>>();
  const { cpu = '1', memory = '1Gi' } = node.status?.allocatable ?? {};
  const deps: PodDeps = {
    api,
    clock,
    log,
    events,
    records,
    stateDir,
    programs,
    node: { cpu, memory },
    env,
    token: options.serviceAccountToken,
  };

  const see = (pod: Pod) => {
    if (pod.spec.nodeName !== nodeName) return;
    const worker = workers.get(uidOf(pod));
    if (worker) worker.update(pod);
    else workers.set(uidOf(pod), createPodWorker(pod, deps));
  };
  const forget = (pod: Pod) => {
    const worker = workers.get(uidOf(pod));
    if (!worker) return;
    workers.delete(worker.uid);
    const end = worker
      .removed()
      .catch((error: unknown) => log.error('Cannot clean up after a pod', { pod: pod.metadata.name, error }))
      .finally(() => ending.delete(end));
    ending.add(end);
  };

  const stops = [
    api.watch<Pod>(PODS, ({ type, object }) => (type === 'DELETED' ? forget(object) : see(object))),
    ...[SECRETS, CONFIG_MAPS].map((type) =>
      api.watch(type, ({ type: change, object }) => {
        if (change === 'DELETED') return;
        for (const worker of workers.values())
          if (namespaceOf(worker.pod()) === object.metadata.namespace) worker.nudge();
      }),
    ),
  ];
  const cleaned = removeForgotten(stateDir, new Set(api.list<Pod>(PODS).map(uidOf))).catch((error: unknown) =>
    log.warn('Cannot remove the folders of old pods', { error }),
  );
  for (const pod of api.list<Pod>(PODS)) see(pod);
  const scheduler = startScheduler({
    api,
    clock,
    log,
    nodeName,
    events: createEventRecorder(api, clock, log, 'default-scheduler'),
  });
  const usage = createUsageReader(clock, () => workers.values());

  return {
    podLogs(namespace, name, logOptions = {}) {
      const pod = api.get<Pod>(PODS, name, namespace);
      if (!pod) throw new ApiError('NotFound', `pods "${name}" not found`, { name, kind: 'pods' });
      const source = sourceOf(pod, workers.get(uidOf(pod)), logOptions);
      return readLog(source, logOptions, clock.now());
    },
    podUsage: () => usage.list(),
    async stop() {
      for (const stop of stops) stop();
      await scheduler.stop();
      await Promise.all([...workers.values()].map((worker) => worker.shutdown(stopGraceMs)));
      await Promise.all([...ending, cleaned]);
      await events.flush();
      await records.stop();
    },
  };
}

function sourceOf(pod: Pod, worker: PodWorker | undefined, { container, previous = false }: LogOptions) {
  const { name } = pod.metadata;
  const names = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((c) => c.name);
  const [only = '', ...others] = pod.spec.containers.map((c) => c.name);
  if (container === undefined && others.length > 0) {
    const choose = `choose one of: [${[only, ...others].join(' ')}]`;
    throw new ApiError('BadRequest', `a container name must be specified for pod ${name}, ${choose}`);
  }
  const wanted = container ?? only;
  if (!names.includes(wanted)) throw new ApiError('BadRequest', `container ${wanted} is not valid for pod ${name}`);
  const source = worker?.container(wanted)?.log(previous);
  if (source) return source;
  if (previous)
    throw new ApiError('BadRequest', `previous terminated container "${wanted}" in pod "${name}" not found`);
  throw new ApiError('BadRequest', `container "${wanted}" in pod "${name}" is waiting to start: ContainerCreating`);
}

/** Removes the folders of pods that are no more. */
async function removeForgotten(stateDir: string, known: Set<string>): Promise<void> {
  const dir = path.join(stateDir, 'pods');
  mkdirSync(dir, { recursive: true });
  for (const uid of readdirSync(dir)) if (!known.has(uid)) await removePodDir(podDir(stateDir, uid));
}
