import type { ResourceType } from '../../base/object.ts';
import type { ClusterApi } from '../types.ts';

const CUSTOM_RESOURCE_DEFINITIONS: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/**
 * Calls `start` once for every resource the cluster serves, now and when a CRD adds one, in one version each; what it returns is
 * called when the resource is no longer served or on stop. Events are left out: nothing owns them and there are many.
 */
export function followTypes(api: ClusterApi, start: (type: ResourceType) => () => void): { stop(): void } {
  const followed = new Map<string, () => void>();
  const look = () => {
    const served = new Set<string>();
    for (const type of api.types()) {
      if (type.plural === 'events') continue;
      const key = `${type.plural}.${type.group}`;
      if (served.has(key)) continue;
      served.add(key);
      if (!followed.has(key)) followed.set(key, start(type));
    }
    for (const [key, stop] of followed)
      if (!served.has(key)) {
        followed.delete(key);
        stop();
      }
  };
  const stopWatch = api.watch(CUSTOM_RESOURCE_DEFINITIONS, look);
  look();
  return {
    stop() {
      stopWatch();
      for (const stop of followed.values()) stop();
      followed.clear();
    },
  };
}
