import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { keyOf } from '../../base/object.ts';
import { parseQuantity, quantityToInteger, quantityToMilli } from '../../base/quantity.ts';
import { setCondition } from '../controllers/context.ts';
import type { EventRecorder } from '../controllers/events.ts';
import type { Pod } from '../controllers/kinds.ts';
import { NODES, namespaceOf, PODS, uidOf } from '../controllers/kinds.ts';
import { isFinished } from '../controllers/pods.ts';
import { createQueue, splitKey } from '../controllers/queue.ts';
import type { ClusterApi, Running } from '../types.ts';
import { ApiError } from '../types.ts';
import type { Node } from './node.ts';
import { podRequests, type Resources } from './resources.ts';

interface SchedulerOptions {
  api: ClusterApi;
  clock: Clock;
  log: Logger;
  events: EventRecorder;
  nodeName: string;
}

/** Gives pods to the one node while it has room for their requests; what does not fit waits until something leaves. */
export function startScheduler({ api, clock, log, events, nodeName }: SchedulerOptions): Running {
  const placed = new Map<string, Resources>();
  const waiting = new Set<string>();
  const used: Resources = { cpuMilli: 0, memoryBytes: 0 };

  const place = (pod: Pod) => {
    if (placed.has(uidOf(pod))) return;
    const requests = podRequests(pod);
    placed.set(uidOf(pod), requests);
    used.cpuMilli += requests.cpuMilli;
    used.memoryBytes += requests.memoryBytes;
  };
  const free = (pod: Pod) => {
    const requests = placed.get(uidOf(pod));
    if (!requests) return;
    placed.delete(uidOf(pod));
    used.cpuMilli -= requests.cpuMilli;
    used.memoryBytes -= requests.memoryBytes;
    for (const key of waiting) queue.add(key);
  };

  /** Why the pod cannot go to the node, as the scheduler of Kubernetes words it; empty when it can. */
  const obstacles = (pod: Pod, node: Node): string[] => {
    const reasons: string[] = [];
    const labels = node.metadata.labels ?? {};
    if (node.spec?.unschedulable) reasons.push('node(s) were unschedulable');
    const wanted = Object.entries(pod.spec.nodeSelector ?? {});
    if (wanted.some(([key, value]) => labels[key] !== value))
      reasons.push("node(s) didn't match Pod's node affinity/selector");
    if (reasons.length > 0) return reasons;
    const { cpu = '0', memory = '0', pods = '0' } = node.status?.allocatable ?? {};
    const requests = podRequests(pod);
    if (placed.size + 1 > Number(pods)) reasons.push('Too many pods');
    const cpuLeft = Number(quantityToMilli(parseQuantity(cpu))) - used.cpuMilli;
    if (requests.cpuMilli > 0 && requests.cpuMilli > cpuLeft) reasons.push('Insufficient cpu');
    const memoryLeft = Number(quantityToInteger(parseQuantity(memory))) - used.memoryBytes;
    if (requests.memoryBytes > 0 && requests.memoryBytes > memoryLeft) reasons.push('Insufficient memory');
    return reasons;
  };

  const refuse = async (pod: Pod, message: string) => {
    const condition = {
      type: 'PodScheduled',
      status: 'False' as const,
      reason: 'Unschedulable',
      message,
      lastProbeTime: null,
    };
    const conditions = setCondition(pod.status?.conditions, condition, clock.now());
    if (conditions === pod.status?.conditions) return;
    events.record(pod, 'Warning', 'FailedScheduling', message);
    await api.update(PODS, { ...pod, status: { ...pod.status, conditions } } as Pod, 'status');
  };

  // One at a time: each decision counts on the one before it.
  const queue = createQueue({
    name: 'scheduler',
    clock,
    log,
    workers: 1,
    async reconcile(key) {
      const [namespace, name] = splitKey(key);
      const pod = api.get<Pod>(PODS, name, namespace);
      if (!pod || !isUnscheduled(pod)) return void waiting.delete(key);
      const node = api.get<Node>(NODES, nodeName);
      const reasons = node ? obstacles(pod, node) : [];
      if (!node || reasons.length > 0) {
        waiting.add(key);
        const why = reasons.map((reason) => `1 ${reason}`).join(', ');
        await refuse(pod, node ? `0/1 nodes are available: ${why}.` : 'no nodes available to schedule pods');
        return undefined;
      }
      place(pod);
      waiting.delete(key);
      try {
        await api.update(PODS, { ...pod, spec: { ...pod.spec, nodeName } } as Pod);
      } catch (error) {
        free(pod);
        if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
        throw error;
      }
      events.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespaceOf(pod)}/${name} to ${nodeName}`);
      return undefined;
    },
  });

  const see = (pod: Pod) => {
    if (pod.spec.nodeName === nodeName) {
      waiting.delete(keyOf(pod));
      if (isFinished(pod)) free(pod);
      else place(pod);
    } else if (isUnscheduled(pod)) queue.add(keyOf(pod));
  };
  const stopPods = api.watch<Pod>(PODS, ({ type, object }) => {
    if (type !== 'DELETED') return see(object);
    waiting.delete(keyOf(object));
    free(object);
  });
  const stopNodes = api.watch(NODES, () => {
    for (const key of waiting) queue.add(key);
  });
  const pods = api.list<Pod>(PODS);
  // Those that have a place first: what is left is for the others, oldest first.
  for (const pod of pods.filter((p) => p.spec.nodeName)) see(pod);
  const age = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
  for (const pod of pods.filter((p) => !p.spec.nodeName).sort((a, b) => age(a) - age(b))) see(pod);

  return {
    async stop() {
      stopPods();
      stopNodes();
      await queue.stop();
    },
  };
}

function isUnscheduled(pod: Pod): boolean {
  const {
    nodeName,
    schedulingGates,
    schedulerName = 'default-scheduler',
  } = pod.spec as Pod['spec'] & {
    schedulerName?: string;
  };
  if (nodeName || isFinished(pod) || pod.metadata.deletionTimestamp) return false;
  return schedulerName === 'default-scheduler' && !schedulingGates?.length;
}
