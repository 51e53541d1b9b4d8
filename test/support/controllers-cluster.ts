import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject, ResourceType } from '../../src/base/object.ts';
import { timestamp } from '../../src/sandbox/controllers/context.ts';
import { type ControllerOptions, startControllers } from '../../src/sandbox/controllers/index.ts';
import { NODES, PODS, type Pod } from '../../src/sandbox/controllers/kinds.ts';
import { createClusterApi } from '../../src/sandbox/index.ts';
import { startKubelet } from '../../src/sandbox/kubelet/index.ts';
import { createFakeClock } from './fake-clock.ts';

export interface TestClusterOptions extends Partial<ControllerOptions> {
  /** Run a node too: pods without a command are simulated and ready at once. */
  node?: boolean;
}

/** A cluster on a fake clock with every controller; without a node pods do what the test tells them. */
export async function startTestCluster({ node: withNode = false, ...options }: TestClusterOptions = {}) {
  const clock = createFakeClock();
  const api = await createClusterApi({ clock, log: silentLogger });
  const controllers = startControllers({ api, clock, log: silentLogger, ...options });
  const stateDir = mkdtempSync(path.join(os.tmpdir(), 'controllers-'));
  const kubelet = withNode
    ? await startKubelet({ api, clock, log: silentLogger, stateDir, node: { pods: 1000 }, stopGraceMs: 0 })
    : undefined;
  if (!withNode) await api.create(NODES, { metadata: { name: 'node' } });
  let changes = 0;
  for (const type of api.types()) api.watch(type, () => changes++);
  /** Until nothing changes any more by itself. */
  const settle = async (ms = 0) => {
    await clock.advance(ms);
    for (let before = -1; before !== changes; ) {
      before = changes;
      await clock.advance(0);
    }
  };

  const pods = (namespace = 'default') =>
    api.list<Pod>(PODS, { namespace }).sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  const setStatus = async (pod: Pod, status: Pod['status']) => {
    const current = api.get<Pod>(PODS, pod.metadata.name, pod.metadata.namespace) ?? pod;
    await api.update(PODS, { ...current, status: { ...current.status, ...status } } as Pod, 'status');
  };
  const container = (pod: Pod, state: object, ready: boolean) => ({
    name: pod.spec.containers[0]?.name ?? 'c',
    image: 'i',
    imageID: '',
    ready,
    restartCount: 0,
    state,
    lastState: {},
  });
  const bind = async (pod: Pod) => {
    const current = api.get<Pod>(PODS, pod.metadata.name, pod.metadata.namespace) ?? pod;
    if (current.spec.nodeName) return;
    await api.update(PODS, { ...current, spec: { ...current.spec, nodeName: 'node' } } as Pod);
  };
  return {
    api,
    clock,
    settle,
    pods,
    controllers,
    /** The pod runs; ready unless told otherwise. */
    async run(pod: Pod, ready = true) {
      await bind(pod);
      const now = timestamp(clock.now());
      const status = ready ? ('True' as const) : ('False' as const);
      await setStatus(pod, {
        phase: 'Running',
        startTime: now,
        podIP: '127.0.0.1',
        conditions: [{ type: 'Ready', status, lastTransitionTime: now }],
        containerStatuses: [container(pod, { running: { startedAt: now } }, ready)],
      });
      await settle();
    },
    /** The pod's container ends with the code. */
    async end(pod: Pod, exitCode: number) {
      await bind(pod);
      const now = timestamp(clock.now());
      const terminated = { exitCode, startedAt: now, finishedAt: now, reason: exitCode === 0 ? 'Completed' : 'Error' };
      await setStatus(pod, {
        phase: exitCode === 0 ? 'Succeeded' : 'Failed',
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: now }],
        containerStatuses: [container(pod, { terminated }, false)],
      });
      await settle();
    },
    /** The pod that was being deleted has stopped. */
    async gone(pod: Pod) {
      await api.delete(PODS, pod.metadata.name, pod.metadata.namespace, { gracePeriodSeconds: 0 });
      await settle();
    },
    async create<T extends KubeObject>(type: ResourceType, object: object) {
      const made = await api.create<T>(type, object, 'default');
      await settle();
      return made;
    },
    get: <T extends KubeObject>(type: ResourceType, name: string) => api.get<T>(type, name, 'default'),
    async stop() {
      await controllers.stop();
      await kubelet?.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

export type TestCluster = Awaited<ReturnType<typeof startTestCluster>>;
