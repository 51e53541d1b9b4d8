import type { KubeObject } from '../../src/base/object.ts';
import type { KubeClient } from '../../src/kube/client.ts';

const COMES_AND_GOES = new Set(['events', 'leases', 'endpointslices', 'endpoints', 'componentstatuses', 'ipaddresses']);

/** Everything there is, but for what comes and goes by itself, as `group/plural namespace/name`. */
export async function inventory(client: KubeClient): Promise<string[]> {
  interface Resources {
    groupVersion: string;
    resources: { name: string; namespaced: boolean; verbs: string[] }[];
  }
  const groups = await client.requestJson<{ groups: { preferredVersion: { groupVersion: string } }[] }>({
    method: 'GET',
    path: '/apis',
  });
  const names: string[] = [];
  for (const groupVersion of ['v1', ...groups.groups.map(({ preferredVersion }) => preferredVersion.groupVersion)]) {
    if (/^(metrics|external\.metrics)/.test(groupVersion)) continue;
    const root = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
    const { resources } = await client.requestJson<Resources>({ method: 'GET', path: root });
    for (const { name, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('list') || COMES_AND_GOES.has(name)) continue;
      const { items } = await client.requestJson<{ items: KubeObject[] }>({ method: 'GET', path: `${root}/${name}` });
      for (const { metadata } of items) names.push(`${name} ${metadata.namespace ?? ''}/${metadata.name}`);
    }
  }
  return names.sort();
}
