import { keyOf } from '../../../base/object.ts';
import type { Running } from '../../types.ts';
import { ApiError } from '../../types.ts';
import { claim } from '../adoption.ts';
import type { ControllerContext } from '../context.ts';
import { createOwnerIndex, deleteIfPresent, ownedBy, writeStatus } from '../context.ts';
import type { Pod, ReplicaSet } from '../kinds.ts';
import { DEPLOYMENTS, namespaceOf, PODS, REPLICA_SETS, uidOf } from '../kinds.ts';
import { isFinished } from '../pods.ts';
import { createQueue, splitKey } from '../queue.ts';
import { sameTemplate, templateHash } from './hash.ts';
import { nextSizeOfNew, nextSizesOfOld, proportionalSizes, rolloutLimits, type SetCounts } from './rolling.ts';
import { deploymentStatus, isComplete, withProgress } from './status.ts';
import { DESIRED_REPLICAS, type Deployment, HASH_LABEL, MAX_REPLICAS, REVISION, REVISION_HISTORY } from './types.ts';

const size = (set: ReplicaSet) => set.spec.replicas ?? 1;
const countsOf = (set: ReplicaSet): SetCounts => ({
  replicas: size(set),
  available: set.status?.availableReplicas ?? 0,
});
const revisionOf = (set: ReplicaSet) => Number(set.metadata.annotations?.[REVISION] ?? 0) || 0;
const age = (set: ReplicaSet) => Date.parse(set.metadata.creationTimestamp ?? '') || 0;

/** Rolls Deployments out: a ReplicaSet per pod template, moved from the old to the new one within the strategy's limits. */
export function startDeploymentController(context: ControllerContext): Running {
  const { api, clock, log, events } = context;

  const queue = createQueue({
    name: 'deployment',
    clock,
    log,
    async reconcile(key) {
      const [namespace, name] = splitKey(key);
      const stored = api.get<Deployment>(DEPLOYMENTS, name, namespace);
      if (!stored) return undefined;
      const all = await claim<ReplicaSet>(api, { type: DEPLOYMENTS, object: stored }, REPLICA_SETS, sets);
      all.sort((a, b) => age(a) - age(b) || revisionOf(a) - revisionOf(b));
      if (stored.metadata.deletionTimestamp) return save(stored, all, currentOf(stored, all));
      return roll(stored, all);
    },
  });

  const currentOf = (deployment: Deployment, all: ReplicaSet[]) =>
    all.find((set) => sameTemplate(set.spec.template, deployment.spec.template));

  const roll = async (stored: Deployment, all: ReplicaSet[]) => {
    let deployment = stored;
    const progress = deployment.status?.conditions?.find((c) => c.type === 'Progressing');
    if (deployment.spec.paused && progress?.reason !== 'DeploymentPaused')
      deployment = withProgress(deployment, 'DeploymentPaused', 'Deployment is paused', clock.now());
    if (!deployment.spec.paused && progress?.reason === 'DeploymentPaused')
      deployment = withProgress(deployment, 'DeploymentResumed', 'Deployment is resumed', clock.now());

    let current = currentOf(deployment, all);
    const isScaling = all.some(
      (set) => size(set) > 0 && set.metadata.annotations?.[DESIRED_REPLICAS] !== String(deployment.spec.replicas ?? 1),
    );
    if (deployment.spec.paused || isScaling) {
      await rescale(deployment, all, current);
      return save(deployment, sets.of(uidOf(deployment)), current);
    }
    const recreate = deployment.spec.strategy?.type === 'Recreate';
    const old = all.filter((set) => set !== current);
    if (recreate) {
      let busy = false;
      for (const set of old) if (size(set) > 0) busy = (await scale(deployment, set, 0)) || busy;
      if (busy || old.some((set) => hasLivePods(set))) return save(deployment, sets.of(uidOf(deployment)), current);
    }
    const made = await ensureCurrent(deployment, all, current);
    current = made.set;
    if (made.isNew)
      deployment = withProgress(
        deployment,
        'NewReplicaSetCreated',
        `Created new replica set "${current.metadata.name}"`,
        clock.now(),
      );
    const replicas = deployment.spec.replicas ?? 1;
    if (recreate) await scale(deployment, current, replicas);
    else {
      const limits = rolloutLimits(deployment.spec.strategy?.rollingUpdate, replicas);
      const active = old.filter((set) => size(set) > 0);
      const up = nextSizeOfNew(replicas, limits, countsOf(current), active.map(countsOf));
      if (!(await scale(deployment, current, up))) {
        const down = nextSizesOfOld(replicas, limits, countsOf(current), active.map(countsOf));
        for (const [i, set] of active.entries()) await scale(deployment, set, down[i] ?? size(set));
      }
    }
    const result = await save(deployment, sets.of(uidOf(deployment)), current);
    await forgetOld(deployment, old);
    return result;
  };

  const hasLivePods = (set: ReplicaSet) =>
    (set.status?.replicas ?? 0) > 0 ||
    api
      .list<Pod>(PODS, { namespace: namespaceOf(set) })
      .some((pod) => !isFinished(pod) && pod.metadata.ownerReferences?.some((o) => o.uid === uidOf(set)));

  /** Makes the ReplicaSet of the current template when there is none, and keeps its revision the highest. */
  const ensureCurrent = async (deployment: Deployment, all: ReplicaSet[], present: ReplicaSet | undefined) => {
    const highest = Math.max(0, ...all.filter((set) => set !== present).map(revisionOf));
    if (present) {
      const set = await renumber(deployment, present, highest);
      await noteRevision(deployment, revisionOf(set));
      return { set, isNew: false };
    }
    const { template, selector, minReadySeconds } = deployment.spec;
    const collisions = deployment.status?.collisionCount ?? 0;
    const hash = templateHash(template, collisions);
    const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
    const replicas = deployment.spec.replicas ?? 1;
    const room =
      deployment.spec.strategy?.type === 'Recreate'
        ? replicas
        : nextSizeOfNew(
            replicas,
            rolloutLimits(deployment.spec.strategy?.rollingUpdate, replicas),
            { replicas: 0, available: 0 },
            all.map(countsOf),
          );
    const object = {
      metadata: {
        name: `${deployment.metadata.name}-${hash}`,
        labels,
        annotations: {
          ...withoutLocal(deployment.metadata.annotations),
          [REVISION]: String(highest + 1),
          ...sizeAnnotations(deployment),
        },
        ownerReferences: [ownedBy(DEPLOYMENTS, deployment)],
      },
      spec: {
        replicas: room,
        ...(minReadySeconds ? { minReadySeconds } : {}),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
    try {
      const set = await api.create<ReplicaSet>(REPLICA_SETS, object, namespaceOf(deployment));
      sets.note(set);
      if (room > 0)
        events.record(
          deployment,
          'Normal',
          'ScalingReplicaSet',
          `Scaled up replica set ${set.metadata.name} from 0 to ${room}`,
        );
      await noteRevision(deployment, highest + 1);
      return { set, isNew: true };
    } catch (error) {
      // Another ReplicaSet has this name: the next try takes another hash.
      if (error instanceof ApiError && error.reason === 'AlreadyExists') {
        const status = { ...deployment.status, collisionCount: collisions + 1 };
        await writeStatus(
          api,
          DEPLOYMENTS,
          api.get<Deployment>(DEPLOYMENTS, deployment.metadata.name, namespaceOf(deployment)) ?? deployment,
          status,
        );
      }
      throw error;
    }
  };

  const renumber = async (deployment: Deployment, set: ReplicaSet, highest: number): Promise<ReplicaSet> => {
    const annotations = set.metadata.annotations ?? {};
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    const wanted: Record<string, string> = { ...withoutLocal(deployment.metadata.annotations) };
    if (revisionOf(set) <= highest) {
      wanted[REVISION] = String(highest + 1);
      const history = [annotations[REVISION_HISTORY], annotations[REVISION]].filter(Boolean).join(',');
      if (history !== '') wanted[REVISION_HISTORY] = history;
    }
    const same = Object.entries(wanted).every(([key, value]) => annotations[key] === value);
    if (same && (set.spec.minReadySeconds ?? 0) === minReadySeconds) return set;
    const patch = { metadata: { annotations: wanted }, spec: { minReadySeconds } };
    return api.patch<ReplicaSet>(REPLICA_SETS, set.metadata.name, namespaceOf(set), { type: 'merge', patch });
  };

  const noteRevision = async (deployment: Deployment, revision: number) => {
    const { name, annotations } = deployment.metadata;
    if (annotations?.[REVISION] === String(revision)) return;
    const patch = { metadata: { annotations: { [REVISION]: String(revision) } } };
    await api.patch(DEPLOYMENTS, name, namespaceOf(deployment), { type: 'merge', patch });
  };

  /** Scales the ReplicaSets there are to a changed size of the Deployment, without moving the rollout on. */
  const rescale = async (deployment: Deployment, all: ReplicaSet[], current: ReplicaSet | undefined) => {
    const replicas = deployment.spec.replicas ?? 1;
    const active = all.filter((set) => size(set) > 0);
    if (active.length <= 1) {
      const only = active[0] ?? current ?? all.at(-1);
      if (only) await scale(deployment, only, replicas);
      return;
    }
    const isSaturated = current && size(current) === replicas && (current.status?.availableReplicas ?? 0) === replicas;
    if (isSaturated) {
      for (const set of active) if (set !== current) await scale(deployment, set, 0);
      return;
    }
    const recreate = deployment.spec.strategy?.type === 'Recreate';
    const surge =
      recreate || replicas === 0 ? 0 : rolloutLimits(deployment.spec.strategy?.rollingUpdate, replicas).surge;
    const before = Math.max(...active.map((set) => Number(set.metadata.annotations?.[MAX_REPLICAS] ?? 0) || 0));
    const sizes = proportionalSizes(active.map(size), replicas + surge, before);
    for (const [i, set] of active.entries()) await scale(deployment, set, sizes[i] ?? size(set));
  };

  const sizeAnnotations = (deployment: Deployment) => {
    const replicas = deployment.spec.replicas ?? 1;
    const recreate = deployment.spec.strategy?.type === 'Recreate';
    const surge = recreate ? 0 : rolloutLimits(deployment.spec.strategy?.rollingUpdate, replicas).surge;
    return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + surge) };
  };

  /** Sets the size and notes for which size of the Deployment that was; true when the size changed. */
  const scale = async (deployment: Deployment, set: ReplicaSet, to: number): Promise<boolean> => {
    const annotations = sizeAnnotations(deployment);
    const noted = Object.entries(annotations).every(([key, value]) => set.metadata.annotations?.[key] === value);
    const from = size(set);
    if (from === to && noted) return false;
    const patch = { metadata: { annotations }, spec: { replicas: to } };
    const stored = await api.patch<ReplicaSet>(REPLICA_SETS, set.metadata.name, namespaceOf(set), {
      type: 'merge',
      patch,
    });
    sets.note(stored);
    if (from === to) return false;
    const way = to > from ? 'up' : 'down';
    const message = `Scaled ${way} replica set ${set.metadata.name} from ${from} to ${to}`;
    events.record(deployment, 'Normal', 'ScalingReplicaSet', message);
    return true;
  };

  const save = async (deployment: Deployment, all: ReplicaSet[], current: ReplicaSet | undefined) => {
    const fresh = current && all.find((set) => uidOf(set) === uidOf(current));
    const { status, again } = deploymentStatus(deployment, all, fresh ?? current, clock.now());
    const stored = api.get<Deployment>(DEPLOYMENTS, deployment.metadata.name, namespaceOf(deployment));
    if (!stored || uidOf(stored) !== uidOf(deployment)) return undefined;
    await writeStatus(api, DEPLOYMENTS, stored, status);
    return again === undefined ? undefined : { after: again };
  };

  /** Deletes ReplicaSets that no rollback needs, once a rollout is complete. */
  const forgetOld = async (deployment: Deployment, old: ReplicaSet[]) => {
    const { revisionHistoryLimit = 10 } = deployment.spec;
    const stored = api.get<Deployment>(DEPLOYMENTS, deployment.metadata.name, namespaceOf(deployment));
    if (!stored || !isComplete(stored, stored.status ?? {})) return;
    const empty = old
      .filter((set) => size(set) === 0 && (set.status?.replicas ?? 0) === 0 && !set.metadata.deletionTimestamp)
      .sort((a, b) => revisionOf(a) - revisionOf(b));
    for (const set of empty.slice(0, Math.max(0, old.length - revisionHistoryLimit)))
      await deleteIfPresent(api, REPLICA_SETS, set, { propagationPolicy: 'Background' });
  };

  const sets = createOwnerIndex<ReplicaSet>(api, REPLICA_SETS, (owner, { object }) => {
    if (owner?.kind === 'Deployment') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
  const stopPods = api.watch<Pod>(PODS, ({ type, object }) => {
    // Recreate waits for the last old pod, which no ReplicaSet counts any more.
    if (type !== 'DELETED') return;
    const owner = object.metadata.ownerReferences?.find((o) => o.controller && o.kind === 'ReplicaSet');
    const set = owner && api.get<ReplicaSet>(REPLICA_SETS, owner.name, object.metadata.namespace);
    const above = set?.metadata.ownerReferences?.find((o) => o.controller && o.kind === 'Deployment');
    if (above) queue.add(`${object.metadata.namespace}/${above.name}`);
  });
  const stop = api.watch<Deployment>(DEPLOYMENTS, ({ object }) => queue.add(keyOf(object)));
  for (const deployment of api.list<Deployment>(DEPLOYMENTS)) queue.add(keyOf(deployment));

  return {
    async stop() {
      stop();
      stopPods();
      sets.stop();
      await queue.stop();
    },
  };
}

/** Kubernetes: a Deployment's annotations go to its ReplicaSets, except what describes the one object. */
function withoutLocal(annotations: Record<string, string> = {}): Record<string, string> {
  const local = [
    'kubectl.kubernetes.io/last-applied-configuration',
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    'deprecated.deployment.rollback.to',
  ];
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !local.includes(key)));
}
