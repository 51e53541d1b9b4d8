import type { KubeObject, ResourceType } from '../../base/object.ts';
import { type LabelSelector, matchesLabels, requirementsOf } from '../../base/selector.ts';
import type { ClusterApi } from '../types.ts';
import { ApiError } from '../types.ts';
import { type OwnerIndex, ownedBy } from './context.ts';
import { namespaceOf, uidOf } from './kinds.ts';

/** Whether a workload's selector takes an object with these labels; an empty selector takes none. */
export function selects(selector: LabelSelector | undefined, labels: Record<string, string> | undefined): boolean {
  const requirements = requirementsOf(selector ?? {});
  return requirements.length > 0 && matchesLabels(requirements, labels);
}

/**
 * What a workload controls: it takes up uncontrolled objects that its selector matches, and lets go of those it no longer matches,
 * as Kubernetes' controllers do.
 */
export async function claim<T extends KubeObject>(
  api: ClusterApi,
  owner: { type: ResourceType; object: KubeObject & { spec: { selector?: LabelSelector } } },
  type: ResourceType,
  index: OwnerIndex<T>,
): Promise<T[]> {
  const { object } = owner;
  const { selector } = object.spec;
  const mine: T[] = [];
  for (const item of index.of(uidOf(object))) {
    if (selects(selector, item.metadata.labels) || item.metadata.deletionTimestamp) mine.push(item);
    else {
      const left = item.metadata.ownerReferences?.filter((o) => o.uid !== uidOf(object)) ?? [];
      await setOwners(api, type, item, left);
    }
  }
  if (object.metadata.deletionTimestamp) return mine;
  for (const item of index.free(namespaceOf(object))) {
    if (item.metadata.deletionTimestamp || !selects(selector, item.metadata.labels)) continue;
    const owners = [...(item.metadata.ownerReferences ?? []), ownedBy(owner.type, object)];
    const adopted = await setOwners<T>(api, type, item, owners);
    if (adopted) mine.push(adopted);
  }
  return mine;
}

async function setOwners<T extends KubeObject>(
  api: ClusterApi,
  type: ResourceType,
  { metadata }: T,
  owners: object[],
): Promise<T | undefined> {
  const { name, namespace, uid, resourceVersion } = metadata;
  const patch = { metadata: { uid, resourceVersion, ownerReferences: owners.length > 0 ? owners : null } };
  try {
    return await api.patch<T>(type, name, namespace, { type: 'merge', patch });
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}
