import { FINALIZER } from '../api/annotations.ts';
import type { KubeObject, ResourceType } from '../base/object.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict, isNotFound } from '../kube/status.ts';

/** Whether the object still has our finalizer. */
export const hasFinalizer = (object: KubeObject): boolean => object.metadata.finalizers?.includes(FINALIZER) ?? false;

/** Whether what the object owns is to stay when it goes (`kubectl delete --cascade=orphan`). */
export const orphansDependents = (object: KubeObject): boolean =>
  object.metadata.finalizers?.includes('orphan') ?? false;

/**
 * Adds our finalizer, and labels, in one patch that fails when somebody else changed the object since it was read.
 * Does nothing when all of it is there. Gives the object as it is then.
 */
export async function claim<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  labels: Readonly<Record<string, string>> = {},
): Promise<T> {
  const { name, namespace, resourceVersion, finalizers = [] } = object.metadata;
  const missing = Object.entries(labels).filter(([key, value]) => object.metadata.labels?.[key] !== value);
  if (hasFinalizer(object) && missing.length === 0) return object;
  const metadata = {
    // A list is replaced as a whole by a merge patch: the version makes sure that nobody's finalizer gets lost.
    ...(hasFinalizer(object) ? {} : { finalizers: [...finalizers, FINALIZER], resourceVersion }),
    ...(missing.length > 0 ? { labels: Object.fromEntries(missing) } : {}),
  };
  return client.patch<T>(type, name, { metadata }, { type: 'merge', namespace });
}

/** Attempts until a removal gives up against other writers; each reads the object anew. */
const ATTEMPTS = 5;

/** Removes our finalizer; other people's changes in between are read again, an object that is gone is fine. */
export async function release(client: KubeClient, type: ResourceType, object: KubeObject): Promise<void> {
  const { name, namespace } = object.metadata;
  let current: KubeObject | undefined = object;
  for (let attempt = 1; current && hasFinalizer(current); attempt++) {
    const { finalizers = [], resourceVersion } = current.metadata;
    const metadata = { finalizers: finalizers.filter((each) => each !== FINALIZER), resourceVersion };
    try {
      await client.patch(type, name, { metadata }, { type: 'merge', namespace });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      current = await client.find(type, name, { namespace });
    }
  }
}
