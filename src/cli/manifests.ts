import { parseAllDocuments } from 'yaml';
import { systemClock } from '../base/clock.ts';
import { WindlassError } from '../base/errors.ts';
import type { KubeObject } from '../base/object.ts';
import type { KubeClient } from '../kube/client.ts';
import { createDiscovery } from '../kube/discovery.ts';

/**
 * The objects of a YAML text, Lists taken apart.
 * @throws InvalidArgument with the line that cannot be read
 */
export function parseManifests(text: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const problem = document.errors[0];
    if (problem) throw new WindlassError('InvalidArgument', `cannot read the YAML: ${problem.message}`);
    const object = document.toJS() as (KubeObject & { items?: KubeObject[] }) | null;
    if (!object) return [];
    if (!object.kind || !object.apiVersion) {
      throw new WindlassError('InvalidArgument', 'a document of the YAML has no kind or no apiVersion');
    }
    return object.kind === 'List' ? (object.items ?? []) : [object];
  });
}

/** Applies every object of a YAML text (server-side apply), namespaced ones without a namespace into `namespace`. */
export async function applyManifests(client: KubeClient, text: string, namespace: string): Promise<void> {
  const discovery = createDiscovery(client, systemClock);
  for (const object of parseManifests(text)) {
    const type = await discovery.resolve(object.apiVersion, object.kind);
    if (!type) {
      throw new WindlassError('InvalidArgument', `the cluster does not serve ${object.kind} of ${object.apiVersion}`);
    }
    await client.patch(type, object.metadata.name, object, {
      type: 'apply',
      fieldManager: 'windlass-cli',
      force: true,
      ...(type.namespaced ? { namespace: object.metadata.namespace ?? namespace } : {}),
    });
  }
}
