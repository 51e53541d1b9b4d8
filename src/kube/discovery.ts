import type { Clock } from '../base/clock.ts';
import { apiVersionOf, parseApiVersion, type ResourceType } from '../base/object.ts';
import type { KubeClient } from './client.ts';
import { isNotFound } from './status.ts';

export interface DiscoveredType extends ResourceType {
  /** Whether the type has a scale subresource. */
  scalable: boolean;
}

export interface Discovery {
  /**
   * The resource type of a kind; undefined when the server does not serve it.
   * @throws KubernetesUnavailable and the like when the server cannot be asked
   */
  resolve(apiVersion: string, kind: string, signal?: AbortSignal): Promise<DiscoveredType | undefined>;
}

const scalable = (plural: string, kind: string): DiscoveredType => ({
  group: 'apps',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
  scalable: true,
});

/** Known without asking: what nearly every object scales. */
const BUILT_IN = [
  scalable('deployments', 'Deployment'),
  scalable('statefulsets', 'StatefulSet'),
  scalable('replicasets', 'ReplicaSet'),
];

/** A group version that lacked a kind is asked for again this much later, at the earliest: CRDs come and go. */
const RELOAD_MS = 10_000;

interface ApiResource {
  name: string;
  kind: string;
  namespaced: boolean;
}

interface Loaded {
  at: number;
  types: Map<string, DiscoveredType>;
}

/** Resolves kinds by the server's discovery documents, one group version at a time, and remembers them. */
export function createDiscovery(client: Pick<KubeClient, 'requestJson'>, clock: Clock): Discovery {
  const loaded = new Map<string, Loaded>();
  const loading = new Map<string, Promise<Loaded>>();

  const load = async (apiVersion: string): Promise<Loaded> => {
    const { group, version } = parseApiVersion(apiVersion);
    const types = new Map<string, DiscoveredType>();
    const path = `${group === '' ? '/api' : '/apis'}/${apiVersion}`;
    try {
      const answer = await client.requestJson<{ resources?: ApiResource[] }>({
        method: 'GET',
        path,
        doing: `discover the resources of ${apiVersion}`,
      });
      const resources = answer.resources ?? [];
      const names = new Set(resources.map(({ name }) => name));
      for (const { name, kind, namespaced } of resources) {
        if (name.includes('/')) continue;
        types.set(kind, { group, version, plural: name, kind, namespaced, scalable: names.has(`${name}/scale`) });
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const entry = { at: clock.monotonic(), types };
    loaded.set(apiVersion, entry);
    return entry;
  };

  return {
    async resolve(apiVersion, kind, signal) {
      const builtIn = BUILT_IN.find((type) => type.kind === kind && apiVersionOf(type) === apiVersion);
      if (builtIn) return builtIn;
      const known = loaded.get(apiVersion);
      const found = known?.types.get(kind);
      if (found || (known && clock.monotonic() - known.at < RELOAD_MS)) return found;
      // The request is shared, so one caller's abort must not end it for the others.
      let request = loading.get(apiVersion);
      if (!request) {
        request = load(apiVersion).finally(() => loading.delete(apiVersion));
        loading.set(apiVersion, request);
      }
      const { types } = await request;
      signal?.throwIfAborted();
      return types.get(kind);
    },
  };
}
