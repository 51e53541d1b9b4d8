import { scaleTargetOf } from '../../src/api/defaults.ts';
import type { PodSpec, ScaledObject } from '../../src/api/index.ts';
import type { LimitRange } from '../../src/api/rules/index.ts';
import { claimOf, collides } from '../../src/servers/admission/claims.ts';
import { type Autoscaler, autoscalerOf, type ClusterFacts } from '../../src/servers/admission/cluster-facts.ts';

export interface ClusterContents {
  /** `apiVersion/kind` that are served; apps/v1 is always. */
  kinds?: string[];
  scaledObjects?: ScaledObject[];
  autoscalers?: Autoscaler[];
  /** By `kind/name`. */
  pods?: Record<string, PodSpec>;
  limitRanges?: LimitRange[];
  /** By `kind/name`. */
  authentications?: string[];
  /** Nothing can be read. */
  broken?: Error;
}

const APPS = ['apps/v1/Deployment', 'apps/v1/StatefulSet', 'apps/v1/ReplicaSet'];

/** A cluster in memory as admission sees it. */
export function clusterFacts(contents: ClusterContents = {}): ClusterFacts {
  const { kinds = [], scaledObjects = [], autoscalers = [], pods = {}, limitRanges = [] } = contents;
  const { authentications = [], broken } = contents;
  const answer = async <T>(value: T): Promise<T> => {
    if (broken) throw broken;
    return value;
  };
  return {
    servesKind: (apiVersion, kind) => answer([...APPS, ...kinds].includes(`${apiVersion}/${kind}`)),
    scaledObjects: (namespace, claim) =>
      answer(scaledObjects.filter((each) => each.metadata.namespace === namespace && collides(claimOf(each), claim))),
    autoscalers: (namespace, target) =>
      answer(autoscalers.filter((each) => each.metadata.namespace === namespace && each.target === target)),
    podSpec: (kind, _namespace, name) => answer(pods[`${kind}/${name}`]),
    limitRanges: () => answer(limitRanges),
    hasAuthentication: ({ kind = 'TriggerAuthentication', name }) =>
      answer(authentications.includes(`${kind}/${name}`)),
  };
}

/** An HPA on the target of a ScaledObject. */
export function anAutoscaler(
  name: string,
  on: ScaledObject,
  { owner, exempt, ...target }: { owner?: string; exempt?: string; apiVersion?: string; kind?: string } = {},
): Autoscaler {
  return autoscalerOf({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name,
      namespace: on.metadata.namespace ?? '',
      ...(owner
        ? { ownerReferences: [{ apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: owner, uid: 'u' }] }
        : {}),
      ...(exempt ? { annotations: { 'validations.keda.sh/hpa-ownership': exempt } } : {}),
    },
    spec: { scaleTargetRef: { ...scaleTargetOf(on), ...target } },
  });
}
