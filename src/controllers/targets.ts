import { DEPLOYMENTS, PODS, STATEFUL_SETS } from '../api/resources.ts';
import type { PodTemplate } from '../auth/types.ts';
import { WindlassError } from '../base/errors.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../base/object.ts';
import type { KubeClient, Scale } from '../kube/client.ts';
import { isNotFound } from '../kube/status.ts';
import type { Store } from '../kube/store.ts';

/** What a ScaledObject scales. */
export interface Target {
  type: ResourceType;
  namespace: string;
  name: string;
}

export interface TargetState {
  /** spec.replicas; absent counts as 1, as Kubernetes defaults it. */
  replicas: number;
  /** metadata.generation, which moves when the pod template (or the count) changes. */
  generation: number;
}

/** What the stores keep of a Deployment or StatefulSet: a few dozen bytes instead of its pod template. */
export interface WorkloadCount extends TargetState {
  metadata: { name: string; namespace: string; uid: string };
}

interface Workload extends KubeObject {
  spec?: { replicas?: number; template?: { spec?: PodTemplate } };
}

interface Pod extends KubeObject {
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
}

const isReady = ({ status }: Pod): boolean =>
  status?.phase === 'Running' &&
  (status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false);

/** Keeps of a workload what the scale loop reads. */
export function projectWorkload(raw: KubeObject): WorkloadCount {
  const { metadata, spec } = raw as Workload;
  return {
    metadata: { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '' },
    replicas: spec?.replicas ?? 1,
    generation: metadata.generation ?? 0,
  };
}

export interface Targets {
  /**
   * The target's present state; undefined when it does not exist. Of a watched kind it is the same object until the
   * watch shows a change. Throws when the state cannot be known.
   */
  read(target: Target): Promise<TargetState | undefined>;
  /**
   * Whether the target has that many replicas, for somebody about to change them: asked of the API server when the watch
   * does not keep up, since what it showed last may be long past.
   */
  stillHas(target: Target, replicas: number): Promise<boolean>;
  /** The spec of the target's pod template; undefined for targets that have none. */
  podTemplate(target: Target): Promise<PodTemplate | undefined>;
  /**
   * That the target exists and has a /scale subresource.
   * @throws TargetNotFound, TargetNotScalable
   */
  check(target: Target): Promise<TargetState>;
  /** Running and ready pods by the target's selector; undefined when it has none. */
  readyPods(target: Target): Promise<number | undefined>;
  /** Sets the replica count through the /scale subresource, and through `writer` if one is given. */
  scale(target: Target, replicas: number, writer?: Pick<KubeClient, 'patch'>): Promise<void>;
}

export interface TargetsOptions {
  client: KubeClient;
  deployments: Store<WorkloadCount>;
  statefulSets: Store<WorkloadCount>;
}

const SCALE_HINT = 'scaleTargetRef takes anything in the same namespace that has a /scale subresource';

/** Counts of Deployments and StatefulSets come from their watches; other kinds are asked for when they are needed. */
export function createTargets({ client, deployments, statefulSets }: TargetsOptions): Targets {
  const storeOf = ({ type }: Target): Store<WorkloadCount> | undefined => {
    if (type.group === DEPLOYMENTS.group && type.plural === DEPLOYMENTS.plural) return deployments;
    if (type.group === STATEFUL_SETS.group && type.plural === STATEFUL_SETS.plural) return statefulSets;
    return undefined;
  };
  const scaleOf = async (target: Target): Promise<TargetState | undefined> => {
    const scale = await client.find<Scale>(target.type, target.name, {
      namespace: target.namespace,
      subresource: 'scale',
    });
    return scale && { replicas: scale.spec.replicas ?? 0, generation: 0 };
  };
  const text = ({ type, namespace, name }: Target) => `${type.kind} ${namespace}/${name} (${apiVersionOf(type)})`;

  return {
    async read(target) {
      const store = storeOf(target);
      if (!store) return scaleOf(target);
      await store.synced;
      return store.get(target.namespace, target.name);
    },
    async stillHas(target, replicas) {
      if (storeOf(target)?.trouble === undefined) return true;
      return (await scaleOf(target))?.replicas === replicas;
    },
    async podTemplate(target) {
      const workload = await client.find<Workload>(target.type, target.name, { namespace: target.namespace });
      const template = workload?.spec?.template?.spec;
      return Array.isArray(template?.containers) ? template : undefined;
    },
    async check(target) {
      const store = storeOf(target);
      if (store) {
        await store.synced;
        const state = store.get(target.namespace, target.name);
        if (state) return state;
        // The watch may lag behind a target that was created together with the object that names it.
        const live = await scaleOf(target);
        if (live) return live;
        throw notFound(target);
      }
      const state = await scaleOf(target).catch((error: unknown) => {
        // A path that is not served: the kind has no such subresource.
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (state) return state;
      const object = await client.find(target.type, target.name, { namespace: target.namespace });
      if (!object) throw notFound(target);
      throw new WindlassError('TargetNotScalable', `the scale target ${text(target)} has no /scale subresource`, {
        hint: SCALE_HINT,
      });
    },
    async readyPods(target) {
      const scale = await client.find<Scale>(target.type, target.name, {
        namespace: target.namespace,
        subresource: 'scale',
      });
      const labelSelector = scale?.status?.selector;
      if (!labelSelector) return undefined;
      const pods = await client.listAll<Pod>(PODS, { namespace: target.namespace, labelSelector });
      return pods.filter(isReady).length;
    },
    async scale(target, replicas, writer = client) {
      try {
        await writer.patch(
          target.type,
          target.name,
          { spec: { replicas } },
          { type: 'merge', namespace: target.namespace, subresource: 'scale' },
        );
      } catch (error) {
        throw isNotFound(error) ? notFound(target) : error;
      }
    },
  };

  function notFound(target: Target): WindlassError {
    return new WindlassError('TargetNotFound', `the scale target ${text(target)} does not exist`, {
      hint: 'create it, or mend spec.scaleTargetRef; the object goes on by itself once the target is there',
    });
  }
}
