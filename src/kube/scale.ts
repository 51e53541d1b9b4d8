import { WindlassError } from '../base/errors.ts';
import type { ResourceType } from '../base/object.ts';
import type { KubeClient, RequestOptions, Scale } from './client.ts';

export interface ScaleTarget {
  type: ResourceType;
  namespace: string;
  name: string;
}

/** The scale subresource of a workload; KubernetesRefused (`isNotFound`) when there is none. */
export function getScale(
  client: Pick<KubeClient, 'get'>,
  { type, namespace, name }: ScaleTarget,
  options: RequestOptions = {},
): Promise<Scale> {
  return client.get<Scale>(type, name, { ...options, namespace, subresource: 'scale' });
}

/**
 * Sets the replicas of a workload and returns its new scale. With `resourceVersion`, as read with `getScale`, the write
 * is refused as KubernetesConflict when somebody changed the workload in between.
 */
export async function setReplicas(
  client: Pick<KubeClient, 'patch'>,
  { type, namespace, name }: ScaleTarget,
  replicas: number,
  options: RequestOptions & { resourceVersion?: string | undefined; dryRun?: boolean | undefined } = {},
): Promise<Scale> {
  if (!Number.isInteger(replicas) || replicas < 0)
    throw new WindlassError('Internal', `${replicas} cannot be the replicas of ${type.kind} ${namespace}/${name}`);
  const { resourceVersion, ...rest } = options;
  const metadata = resourceVersion === undefined ? {} : { metadata: { resourceVersion } };
  // Merge and not apply: other managers own spec.replicas, and the field must not become ours.
  const patch = { ...metadata, spec: { replicas } };
  return client.patch<Scale>(type, name, patch, { ...rest, namespace, subresource: 'scale', type: 'merge' });
}
