import { setCondition } from '../controllers/context.ts';
import type { Condition, ContainerStatus, Pod, PodStatus } from '../controllers/kinds.ts';
import { POD_IP } from './env.ts';

export interface PodFacts {
  pod: Pod;
  init: ContainerStatus[];
  main: ContainerStatus[];
  startTime: string;
  /** Set when the pod as a whole is over whatever its containers say (its deadline has passed). */
  failed?: { reason: string; message: string } | undefined;
  now: number;
}

type Phase = NonNullable<PodStatus['phase']>;

/** Kubernetes: getPhase of the kubelet. A container that waits for a restart counts as stopped. */
export function phaseOf(pod: Pod, init: ContainerStatus[], main: ContainerStatus[]): Phase {
  const policy = pod.spec.restartPolicy ?? 'Always';
  for (const [i, status] of init.entries()) {
    const sidecar = pod.spec.initContainers?.[i]?.restartPolicy === 'Always';
    const code = status.state.terminated?.exitCode;
    if (sidecar ? status.started : code === 0) continue;
    if (code !== undefined && code !== 0 && policy === 'Never' && !sidecar) return 'Failed';
    if (sidecar && (code !== undefined || main.some((c) => c.state.terminated))) continue;
    return 'Pending';
  }
  const running = main.filter((c) => c.state.running);
  const stopped = main.filter((c) => c.state.terminated ?? (c.state.waiting && c.lastState.terminated));
  if (main.length > running.length + stopped.length) return 'Pending';
  if (running.length > 0) return 'Running';
  if (policy === 'Always') return 'Running';
  if (stopped.every((c) => c.state.terminated?.exitCode === 0)) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

/** The whole status of a pod on this node, from what its containers do. */
export function podStatusOf({ pod, init, main, startTime, failed, now }: PodFacts): PodStatus {
  const before = pod.status ?? {};
  // Kubernetes: a phase that is final stays; nothing brings a pod back.
  const ended = before.phase === 'Succeeded' || before.phase === 'Failed' ? before.phase : undefined;
  const phase = ended ?? (failed ? 'Failed' : endingPhase(pod, init, main));
  const done = phase === 'Succeeded' || phase === 'Failed';
  const incomplete = (pod.spec.initContainers ?? [])
    .filter((c, i) => (c.restartPolicy === 'Always' ? !init[i]?.started : init[i]?.state.terminated?.exitCode !== 0))
    .map((c) => c.name);
  const unready = main.filter((c) => !c.ready).map((c) => c.name);
  const over = phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed';
  const notReady: Partial<Condition> =
    unready.length === 0 && !done
      ? { status: 'True' }
      : done
        ? { status: 'False', reason: over }
        : {
            status: 'False',
            reason: 'ContainersNotReady',
            message: `containers with unready status: [${unready.join(' ')}]`,
          };
  const initialized: Partial<Condition> =
    incomplete.length === 0 || phase === 'Succeeded'
      ? { status: 'True', ...(phase === 'Succeeded' ? { reason: over } : {}) }
      : {
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.join(' ')}]`,
        };
  let conditions = before.conditions;
  const set = (type: string, condition: Partial<Condition>) => {
    const next = { type, status: 'True' as const, lastProbeTime: null, ...condition };
    conditions = setCondition(conditions, next, now);
  };
  set('PodReadyToStartContainers', { status: done ? 'False' : 'True' });
  set('Initialized', initialized);
  set('Ready', notReady);
  set('ContainersReady', notReady);
  set('PodScheduled', {});
  return {
    ...before,
    phase,
    conditions: conditions ?? [],
    hostIP: POD_IP,
    hostIPs: [{ ip: POD_IP }],
    podIP: POD_IP,
    podIPs: [{ ip: POD_IP }],
    startTime,
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: main,
    ...(failed ?? {}),
  };
}

/** A pod on its way out whose containers have all ended is over, whatever its restart policy. */
function endingPhase(pod: Pod, init: ContainerStatus[], main: ContainerStatus[]): Phase {
  const phase = phaseOf(pod, init, main);
  if (pod.metadata.deletionTimestamp === undefined || !main.every((c) => c.state.terminated)) return phase;
  return main.every((c) => c.state.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
}
