import { VALIDATE_HPA_OWNERSHIP } from '../../api/annotations.ts';
import { DEFAULTS } from '../../api/defaults.ts';
import type { AuthenticationRef, PodSpec, PodTemplate, ScaledObject } from '../../api/index.ts';
import {
  CLUSTER_TRIGGER_AUTHENTICATIONS,
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  LIMIT_RANGES,
  SCALED_OBJECTS,
  STATEFUL_SETS,
  TRIGGER_AUTHENTICATIONS,
} from '../../api/resources.ts';
import type { LimitRange } from '../../api/rules/index.ts';
import type { Clock } from '../../base/clock.ts';
import type { KubeObject, ResourceType } from '../../base/object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { createDiscovery, type Discovery } from '../../kube/discovery.ts';
import type { Store } from '../../kube/store.ts';

/** What is known of an HPA. */
export interface Autoscaler {
  metadata: { name: string; namespace: string; uid: string };
  /** `apiVersion/kind/name` of what it scales, with what absent fields mean to KEDA. */
  target: string;
  /** Names of the ScaledObjects that own it. */
  ownerScaledObjects: string[];
  /** Its annotation says that admission does not mind it. */
  exempt: boolean;
}

export interface Question {
  /** Something is claimed anew, so that what a watch knows may be too old an answer. */
  fresh: boolean;
  signal: AbortSignal;
}

/** What admission asks about the rest of the cluster. Everything throws when it cannot be known. */
export interface ClusterFacts {
  /** Whether the API server serves the kind. */
  servesKind(apiVersion: string, kind: string, signal: AbortSignal): Promise<boolean>;
  /** The ScaledObjects of a namespace that match, none that is gone. */
  scaledObjects(
    namespace: string,
    matches: (object: ScaledObject) => boolean,
    question: Question,
  ): Promise<readonly ScaledObject[]>;
  /** The HPAs of a namespace that match, none that is gone. */
  autoscalers(
    namespace: string,
    matches: (hpa: Autoscaler) => boolean,
    question: Question,
  ): Promise<readonly Autoscaler[]>;
  /** The spec of a workload's pods; undefined when there is no such workload. */
  podSpec(
    kind: 'Deployment' | 'StatefulSet',
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<PodSpec | undefined>;
  limitRanges(namespace: string, signal: AbortSignal): Promise<readonly LimitRange[]>;
  /** Whether the authentication exists that a trigger in the namespace refers to. */
  hasAuthentication(ref: AuthenticationRef, namespace: string, signal: AbortSignal): Promise<boolean>;
}

interface RawAutoscaler extends KubeObject {
  spec?: { scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string } };
}

/** What admission keeps of an HPA. */
export function autoscalerOf({ metadata, spec }: RawAutoscaler): Autoscaler {
  const { apiVersion, kind, name } = spec?.scaleTargetRef ?? {};
  return {
    metadata: { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '' },
    target: `${apiVersion || DEFAULTS.targetApiVersion}/${kind || DEFAULTS.targetKind}/${name ?? ''}`,
    ownerScaledObjects: (metadata.ownerReferences ?? []).flatMap((owner) =>
      owner.kind === 'ScaledObject' ? [owner.name] : [],
    ),
    exempt: metadata.annotations?.[VALIDATE_HPA_OWNERSHIP] === 'false',
  };
}

export interface ClusterFactsOptions {
  client: KubeClient;
  discovery: Discovery;
  clock: Clock;
  /** The namespace that the stores watch; undefined for all. Others are asked for live. */
  namespace?: string | undefined;
  /** All ScaledObjects; without it every question is asked live. */
  scaledObjects?: Store<ScaledObject> | undefined;
  /** HPAs that are not ours; without it every question is asked live. */
  foreignAutoscalers?: Store<Autoscaler> | undefined;
}

/** Up to so many ScaledObjects in a namespace, all are read live when something is claimed anew. */
const SMALL_NAMESPACE = 200;
const API_VERSION = /^[a-z0-9.-]+(\/[a-z0-9]+)?$/i;

/**
 * Answers from the watches and from the API server. A watch lags a little, in both directions: so a hit is read again
 * before it refuses anything, and a miss is read again where something is claimed anew. Only in namespaces with more
 * than 200 ScaledObjects a miss counts as it is, since a list of all of them for each new one costs more than it finds.
 */
export function createClusterFacts(options: ClusterFactsOptions): ClusterFacts {
  const { client, discovery, clock, scaledObjects, foreignAutoscalers } = options;

  const usable = <T>(store: Store<T> | undefined, namespace: string): Store<T> | undefined =>
    store?.isSynced && !store.trouble && (options.namespace === undefined || options.namespace === namespace)
      ? store
      : undefined;
  const isSmall = (namespace: string) =>
    (usable(scaledObjects, namespace)?.list(namespace).length ?? 0) <= SMALL_NAMESPACE;

  const findAll = async <Raw extends KubeObject, T extends { metadata: { name: string } }>(
    { type, store, view }: { type: ResourceType; store: Store<T> | undefined; view: (raw: Raw) => T },
    namespace: string,
    matches: (object: T) => boolean,
    { fresh, signal }: Question,
  ): Promise<T[]> => {
    const known = usable(store, namespace);
    if (known && !(fresh && isSmall(namespace))) {
      const candidates = known.list(namespace).filter(matches);
      const live = await Promise.all(
        candidates.map(({ metadata }) => client.find<Raw>(type, metadata.name, { namespace, signal })),
      );
      return live.flatMap((raw) => (raw ? [view(raw)] : [])).filter(matches);
    }
    const found: T[] = [];
    for await (const { items } of client.pages<Raw>(type, { namespace, signal }))
      found.push(...items.map(view).filter(matches));
    return found;
  };

  return {
    async servesKind(apiVersion, kind, signal) {
      if (!API_VERSION.test(apiVersion)) return false;
      if (await discovery.resolve(apiVersion, kind, signal)) return true;
      // What it remembers may be older than a CRD that was installed a moment ago.
      return (await createDiscovery(client, clock).resolve(apiVersion, kind, signal)) !== undefined;
    },
    scaledObjects: (namespace, matches, question) =>
      findAll<KubeObject, ScaledObject>(
        { type: SCALED_OBJECTS, store: scaledObjects, view: (raw) => raw as ScaledObject },
        namespace,
        matches,
        question,
      ),
    autoscalers: (namespace, matches, question) =>
      findAll<RawAutoscaler, Autoscaler>(
        { type: HORIZONTAL_POD_AUTOSCALERS, store: foreignAutoscalers, view: autoscalerOf },
        namespace,
        matches,
        question,
      ),
    async podSpec(kind, namespace, name, signal) {
      const type = kind === 'Deployment' ? DEPLOYMENTS : STATEFUL_SETS;
      const workload = await client.find<KubeObject & { spec?: { template?: PodTemplate } }>(type, name, {
        namespace,
        signal,
      });
      return workload && (workload.spec?.template?.spec ?? {});
    },
    limitRanges: (namespace, signal) => client.listAll<LimitRange>(LIMIT_RANGES, { namespace, signal }),
    async hasAuthentication({ name, kind }, namespace, signal) {
      const found =
        kind === 'ClusterTriggerAuthentication'
          ? await client.find(CLUSTER_TRIGGER_AUTHENTICATIONS, name, { signal })
          : await client.find(TRIGGER_AUTHENTICATIONS, name, { namespace, signal });
      return found !== undefined;
    },
  };
}
