import { APP_MANAGED_BY, MANAGER, VALIDATE_HPA_OWNERSHIP } from '../../api/annotations.ts';
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
import type { Logger } from '../../base/log.ts';
import type { KubeObject, ResourceType } from '../../base/object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { createDiscovery, type Discovery } from '../../kube/discovery.ts';
import { createStore, type Store } from '../../kube/store.ts';
import { type Claim, type Claims, claimOf, collides } from './claims.ts';

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
  /** The ScaledObjects of a namespace that claim the same target or HPA, none that is gone. */
  scaledObjects(namespace: string, claim: Claim, question: Question): Promise<readonly ScaledObject[]>;
  /** The HPAs of a namespace on a target, none that is gone. */
  autoscalers(namespace: string, target: string, question: Question): Promise<readonly Autoscaler[]>;
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
  /** The namespaces that the stores watch whole; undefined for all. Others are asked for live. */
  namespace?: string | readonly string[] | undefined;
  /** All ScaledObjects by what they claim; without it every question is asked live. */
  claims?: Claims | undefined;
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
  const { client, discovery, clock, claims, foreignAutoscalers } = options;

  const isUsable = (store: Store<unknown>, namespace: string): boolean =>
    store.isSynced &&
    !store.trouble &&
    (options.namespace === undefined || [options.namespace].flat().includes(namespace));
  const isSmall = (namespace: string) =>
    !claims || !isUsable(claims.store, namespace) || claims.count(namespace) <= SMALL_NAMESPACE;

  /** Those of some names that are still there. */
  const readNamed = async <Raw extends KubeObject>(
    type: ResourceType,
    namespace: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<Raw[]> => {
    const live = await Promise.all(names.map((name) => client.find<Raw>(type, name, { namespace, signal })));
    return live.filter((each) => each !== undefined);
  };
  const readAll = async <T>(
    type: ResourceType,
    namespace: string,
    signal: AbortSignal,
    view: (raw: KubeObject) => T[],
  ): Promise<T[]> => {
    const found: T[] = [];
    for await (const { items } of client.pages(type, { namespace, signal })) found.push(...items.flatMap(view));
    return found;
  };

  return {
    async servesKind(apiVersion, kind, signal) {
      if (!API_VERSION.test(apiVersion)) return false;
      if (await discovery.resolve(apiVersion, kind, signal)) return true;
      // What it remembers may be older than a CRD that was installed a moment ago.
      return (await createDiscovery(client, clock).resolve(apiVersion, kind, signal)) !== undefined;
    },
    async scaledObjects(namespace, claim, { fresh, signal }) {
      const matching = (raw: KubeObject) => {
        const object = raw as ScaledObject;
        return collides(claimOf(object), claim) ? [object] : [];
      };
      if (!claims || !isUsable(claims.store, namespace) || (fresh && isSmall(namespace)))
        return readAll(SCALED_OBJECTS, namespace, signal, matching);
      const named = await readNamed(SCALED_OBJECTS, namespace, claims.holders(namespace, claim), signal);
      return named.flatMap(matching);
    },
    async autoscalers(namespace, target, { fresh, signal }) {
      const matching = (raw: KubeObject) => {
        const hpa = autoscalerOf(raw);
        return hpa.target === target ? [hpa] : [];
      };
      if (!foreignAutoscalers || !isUsable(foreignAutoscalers, namespace) || (fresh && isSmall(namespace)))
        return readAll(HORIZONTAL_POD_AUTOSCALERS, namespace, signal, matching);
      const known = foreignAutoscalers.byIndex(BY_TARGET, `${namespace}/${target}`);
      const names = known.map(({ metadata }) => metadata.name);
      return (await readNamed(HORIZONTAL_POD_AUTOSCALERS, namespace, names, signal)).flatMap(matching);
    },
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

const BY_TARGET = 'target';

/** Follows the HPAs that are not ours, a few dozen bytes each: of ours there is one for each ScaledObject. */
export function followForeignAutoscalers(options: {
  client: KubeClient;
  namespace: string | readonly string[] | undefined;
  clock: Clock;
  log: Logger;
}): Store<Autoscaler> {
  return createStore({
    ...options,
    type: HORIZONTAL_POD_AUTOSCALERS,
    labelSelector: `${APP_MANAGED_BY}!=${MANAGER}`,
    project: autoscalerOf,
    indexes: { [BY_TARGET]: ({ metadata, target }) => [`${metadata.namespace}/${target}`] },
  });
}
