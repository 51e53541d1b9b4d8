import type { ResourceType } from '../../../base/object.ts';
import { keyOf } from '../../../base/object.ts';
import type { Running } from '../../types.ts';
import { ApiError } from '../../types.ts';
import { claim } from '../adoption.ts';
import type { ControllerContext } from '../context.ts';
import { createOwnerIndex, deleteIfPresent, ownedBy, writeStatus } from '../context.ts';
import { canonicalJson, templateHash } from '../deployment/hash.ts';
import type { Pod, PodTemplate } from '../kinds.ts';
import { CONTROLLER_REVISIONS, namespaceOf, PODS, STATEFUL_SETS, uidOf } from '../kinds.ts';
import { isReady, podFromTemplate, untilAvailable } from '../pods.ts';
import { createQueue, splitKey } from '../queue.ts';
import { plan } from './plan.ts';
import {
  type ControllerRevision,
  ordinalOf,
  REVISION_LABEL,
  type StatefulSet,
  type StatefulSetStatus,
} from './types.ts';

const CLAIMS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
};

/** Keeps the numbered pods of StatefulSets. */
export function startStatefulSetController(context: ControllerContext): Running {
  const { api, clock, log, events } = context;

  const queue = createQueue({
    name: 'statefulset',
    clock,
    log,
    async reconcile(key) {
      const [namespace, name] = splitKey(key);
      const set = api.get<StatefulSet>(STATEFUL_SETS, name, namespace);
      if (!set || set.metadata.deletionTimestamp) return undefined;
      const claimed = await claim<Pod>(api, { type: STATEFUL_SETS, object: set }, PODS, pods);
      const mine = claimed.filter((pod) => ordinalOf(set, pod) !== undefined);
      const { current, update } = await revisionsOf(set);
      const steps = plan({
        set,
        pods: mine,
        currentRevision: current.metadata.name,
        updateRevision: update.metadata.name,
        now: clock.now(),
      });
      for (const step of steps) {
        if (step.do === 'create') await create(set, step.ordinal, step.revision === 'update' ? update : current);
        else {
          await deleteIfPresent(api, PODS, step.pod);
          const message = `delete Pod ${step.pod.metadata.name} in StatefulSet ${name} successful`;
          events.record(set, 'Normal', 'SuccessfulDelete', message);
        }
      }
      return save(set, current, update);
    },
  });

  /** The stored template that pods have so far, and the one they shall have. */
  const revisionsOf = async (set: StatefulSet) => {
    const all = revisions.of(uidOf(set)).sort((a, b) => a.revision - b.revision);
    const wanted = canonicalJson(set.spec.template);
    const plain = ({ data }: ControllerRevision) => {
      const { $patch: _patch, ...template } = data.spec.template as PodTemplate & { $patch?: string };
      return canonicalJson(template);
    };
    const newest = all.at(-1);
    let update = all.find((revision) => plain(revision) === wanted);
    if (!update) {
      update = await storeRevision(set, (newest?.revision ?? 0) + 1);
      all.push(update);
    } else if (newest && update !== newest) {
      // Going back to an earlier template makes it the newest.
      const patch = { revision: newest.revision + 1 };
      const { name, namespace } = update.metadata;
      update = await api.patch<ControllerRevision>(CONTROLLER_REVISIONS, name, namespace, { type: 'merge', patch });
    }
    const current = all.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? update;
    await forgetOld(set, all, [current.metadata.name, update.metadata.name]);
    return { current, update };
  };

  const storeRevision = async (set: StatefulSet, revision: number): Promise<ControllerRevision> => {
    const hash = templateHash(set.spec.template);
    const object = {
      metadata: {
        name: `${set.metadata.name}-${hash}`,
        labels: { ...set.spec.selector.matchLabels, [REVISION_LABEL]: hash },
        ownerReferences: [ownedBy(STATEFUL_SETS, set)],
      },
      data: { spec: { template: { ...structuredClone(set.spec.template), $patch: 'replace' } } },
      revision,
    };
    const stored = await api.create<ControllerRevision>(CONTROLLER_REVISIONS, object, namespaceOf(set));
    revisions.note(stored);
    return stored;
  };

  const forgetOld = async (set: StatefulSet, all: ControllerRevision[], used: string[]) => {
    for (const pod of pods.of(uidOf(set))) used.push(pod.metadata.labels?.[REVISION_LABEL] ?? '');
    const unused = all.filter((revision) => !used.includes(revision.metadata.name));
    const { revisionHistoryLimit = 10 } = set.spec;
    for (const revision of unused.slice(0, Math.max(0, unused.length - revisionHistoryLimit)))
      await deleteIfPresent(api, CONTROLLER_REVISIONS, revision);
  };

  const create = async (set: StatefulSet, ordinal: number, revision: ControllerRevision) => {
    const name = `${set.metadata.name}-${ordinal}`;
    const { $patch: _patch, ...stored } = revision.data.spec.template as PodTemplate & { $patch?: string };
    const template = structuredClone(stored);
    template.spec.hostname = name;
    if (set.spec.serviceName) template.spec.subdomain = set.spec.serviceName;
    await makeClaims(set, name, template);
    const labels = {
      [REVISION_LABEL]: revision.metadata.name,
      'statefulset.kubernetes.io/pod-name': name,
      'apps.kubernetes.io/pod-index': String(ordinal),
    };
    try {
      const pod = await api.create<Pod>(
        PODS,
        podFromTemplate(STATEFUL_SETS, set, template, { name, labels }),
        namespaceOf(set),
      );
      pods.note(pod);
      const message = `create Pod ${name} in StatefulSet ${set.metadata.name} successful`;
      events.record(set, 'Normal', 'SuccessfulCreate', message);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${why}`;
      events.record(set, 'Warning', 'FailedCreate', message);
      throw error;
    }
  };

  /** A claim per template and pod, which outlives the pod. */
  const makeClaims = async (set: StatefulSet, pod: string, template: PodTemplate) => {
    for (const { metadata, spec } of set.spec.volumeClaimTemplates ?? []) {
      const name = `${metadata.name}-${pod}`;
      const volume = { name: metadata.name, persistentVolumeClaim: { claimName: name } };
      template.spec.volumes = [...(template.spec.volumes ?? []).filter((v) => v.name !== metadata.name), volume];
      // Without the type the node still makes the folder that the claim stands for.
      if (!api.resolve('v1', CLAIMS.kind) || api.get(CLAIMS, name, namespaceOf(set))) continue;
      const labels = { ...metadata.labels, ...set.spec.selector.matchLabels };
      const object = { metadata: { ...metadata, name, labels }, spec: structuredClone(spec) };
      await api.create(CLAIMS, object, namespaceOf(set)).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
      });
    }
  };

  const save = async (set: StatefulSet, current: ControllerRevision, update: ControllerRevision) => {
    const now = clock.now();
    const { replicas = 1, minReadySeconds = 0 } = set.spec;
    const mine = pods.of(uidOf(set)).filter((pod) => ordinalOf(set, pod) !== undefined);
    const alive = mine.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const at = (revision: ControllerRevision) =>
      alive.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === revision.metadata.name).length;
    const waits = alive.map((pod) => untilAvailable(pod, minReadySeconds, now));
    const counts = {
      readyReplicas: mine.filter(isReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
      currentReplicas: at(current),
      updatedReplicas: at(update),
    };
    // Kubernetes: when all pods are updated and ready, the update revision becomes the current one.
    const isDone = counts.updatedReplicas === replicas && mine.length === replicas && counts.readyReplicas === replicas;
    const status: StatefulSetStatus = {
      observedGeneration: set.metadata.generation ?? 0,
      replicas: mine.length,
      ...(Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0)) as Partial<typeof counts>),
      currentRevision: isDone ? update.metadata.name : current.metadata.name,
      updateRevision: update.metadata.name,
      collisionCount: 0,
      ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
    };
    if (isDone && counts.updatedReplicas > 0) status.currentReplicas = counts.updatedReplicas;
    // Kubernetes: always present, so that `kubectl get` shows 0.
    status.availableReplicas = counts.availableReplicas;
    const stored = api.get<StatefulSet>(STATEFUL_SETS, set.metadata.name, namespaceOf(set));
    if (stored && uidOf(stored) === uidOf(set)) await writeStatus(api, STATEFUL_SETS, stored, status);
    const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
    return pending.length > 0 ? { after: Math.min(...pending) } : undefined;
  };

  const pods = createOwnerIndex<Pod>(api, PODS, (owner, { object }) => {
    if (owner?.kind === 'StatefulSet') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
  const revisions = createOwnerIndex<ControllerRevision>(api, CONTROLLER_REVISIONS, () => {});
  const stop = api.watch<StatefulSet>(STATEFUL_SETS, ({ object }) => queue.add(keyOf(object)));
  for (const set of api.list<StatefulSet>(STATEFUL_SETS)) queue.add(keyOf(set));

  return {
    async stop() {
      stop();
      pods.stop();
      revisions.stop();
      await queue.stop();
    },
  };
}
