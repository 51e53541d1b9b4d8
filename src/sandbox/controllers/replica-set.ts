import { keyOf } from '../../base/object.ts';
import type { Running } from '../types.ts';
import { claim, selects } from './adoption.ts';
import type { ControllerContext, OwnerIndex } from './context.ts';
import { createOwnerIndex, deleteIfPresent, writeStatus } from './context.ts';
import type { Pod, ReplicaSet, ReplicaSetStatus } from './kinds.ts';
import { namespaceOf, PODS, REPLICA_SETS } from './kinds.ts';
import { isActive, isReady, podFromTemplate, untilAvailable } from './pods.ts';
import { createQueue, splitKey } from './queue.ts';
import { cheapestToDeleteFirst } from './ranking.ts';

/** Keeps as many pods as each ReplicaSet asks for. */
export function startReplicaSetController(context: ControllerContext): Running {
  const { api, clock, log, events } = context;

  const queue = createQueue({
    name: 'replicaset',
    clock,
    log,
    async reconcile(key) {
      const [namespace, name] = splitKey(key);
      const set = api.get<ReplicaSet>(REPLICA_SETS, name, namespace);
      if (!set) return undefined;
      const claimed = await claim<Pod>(api, { type: REPLICA_SETS, object: set }, PODS, pods);
      let active = claimed.filter(isActive);
      let failure: unknown;
      if (set.metadata.deletionTimestamp === undefined) {
        try {
          active = await adjust(set, active);
        } catch (error) {
          failure = error;
        }
      }
      const { status, again } = statusOf(set, active, failure);
      await writeStatus(api, REPLICA_SETS, set, status);
      if (failure !== undefined) throw failure;
      return again === undefined ? undefined : { after: again };
    },
  });

  const adjust = async (set: ReplicaSet, active: Pod[]): Promise<Pod[]> => {
    const wanted = set.spec.replicas ?? 1;
    if (active.length > wanted) {
      const victims = cheapestToDeleteFirst(active).slice(0, active.length - wanted);
      for (const pod of victims) {
        await deleteIfPresent(api, PODS, pod);
        events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
      }
      return active.filter((pod) => !victims.includes(pod));
    }
    const all = [...active];
    while (all.length < wanted) {
      try {
        const pod = await api.create<Pod>(
          PODS,
          podFromTemplate(REPLICA_SETS, set, set.spec.template),
          namespaceOf(set),
        );
        pods.note(pod);
        all.push(pod);
        events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        events.record(set, 'Warning', 'FailedCreate', `Error creating: ${why}`);
        throw error;
      }
    }
    return all;
  };

  const statusOf = (set: ReplicaSet, active: Pod[], failure: unknown) => {
    const now = clock.now();
    const { selector: _s, template, minReadySeconds = 0 } = set.spec;
    const waits = active.map((pod) => untilAvailable(pod, minReadySeconds, now));
    const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
    const labels = Object.entries(template.metadata?.labels ?? {});
    const { conditions: before = [], ...rest } = set.status ?? { replicas: 0 };
    const failed = {
      type: 'ReplicaFailure',
      status: 'True' as const,
      reason: 'FailedCreate',
      message: failure instanceof Error ? failure.message : '',
      lastTransitionTime: new Date(now).toISOString().replace(/\.\d+/, ''),
    };
    const others = before.filter((c) => c.type !== 'ReplicaFailure');
    const old = before.find((c) => c.type === 'ReplicaFailure');
    const conditions = failure === undefined ? others : [...others, old?.message === failed.message ? old : failed];
    const status: ReplicaSetStatus = {
      ...rest,
      replicas: active.length,
      fullyLabeledReplicas: active.filter((pod) => labels.every(([k, v]) => pod.metadata.labels?.[k] === v)).length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
      observedGeneration: set.metadata.generation ?? 0,
    };
    if (conditions.length > 0) status.conditions = conditions;
    return { status: dropZeros(status), again: pending.length > 0 ? Math.min(...pending) : undefined };
  };

  const pods: OwnerIndex<Pod> = createOwnerIndex<Pod>(api, PODS, (owner, { object }) => {
    const { namespace } = object.metadata;
    if (owner?.kind === 'ReplicaSet') return queue.add(`${namespace}/${owner.name}`);
    if (owner || object.metadata.deletionTimestamp || !object.metadata.labels) return;
    for (const set of api.list<ReplicaSet>(REPLICA_SETS, namespace ? { namespace } : {}))
      if (selects(set.spec.selector, object.metadata.labels)) queue.add(keyOf(set));
  });
  const stop = api.watch<ReplicaSet>(REPLICA_SETS, ({ object }) => queue.add(keyOf(object)));
  for (const set of api.list<ReplicaSet>(REPLICA_SETS)) queue.add(keyOf(set));

  return {
    async stop() {
      stop();
      pods.stop();
      await queue.stop();
    },
  };
}

/** Kubernetes: counts of zero are left out of the status, except `replicas`. */
function dropZeros(status: ReplicaSetStatus): ReplicaSetStatus {
  const entries = Object.entries(status).filter(([key, value]) => value !== 0 || key === 'replicas');
  return Object.fromEntries(entries) as unknown as ReplicaSetStatus;
}
