import { FINALIZER } from '../api/annotations.ts';
import type { KubeObject, ResourceType } from '../base/object.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict, isNotFound } from '../kube/status.ts';

/** Whether the object still has our finalizer. */
export const hasFinalizer = (object: KubeObject): boolean => object.metadata.finalizers?.includes(FINALIZER) ?? false;

/** Whether what the object owns is to stay when it goes (`kubectl delete --cascade=orphan`). */
export const orphansDependents = (object: KubeObject): boolean =>
  object.metadata.finalizers?.includes('orphan') ?? false;

/** Attempts until a change of the finalizers gives up against other writers; each reads the object anew. */
const ATTEMPTS = 5;

/**
 * Adds our finalizer, and labels. Does nothing when all of it is there. Gives the object as it is then.
 *
 * What is known of the object may be older than it is, by our own last write for one: it is read again then, and other
 * people's changes stay.
 * @throws KubernetesConflict when its spec is another one by now: whoever runs next decides on that one
 */
export async function claim<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  labels: Readonly<Record<string, string>> = {},
): Promise<T> {
  const { name, namespace, uid, generation } = object.metadata;
  let current = object;
  for (let attempt = 1; ; attempt++) {
    const { resourceVersion, finalizers = [] } = current.metadata;
    const missing = Object.entries(labels).filter(([key, value]) => current.metadata.labels?.[key] !== value);
    if (hasFinalizer(current) && missing.length === 0) return current;
    const metadata = {
      // A list is replaced as a whole by a merge patch: the version makes sure that nobody's finalizer gets lost.
      ...(hasFinalizer(current) ? {} : { finalizers: [...finalizers, FINALIZER], resourceVersion }),
      ...(missing.length > 0 ? { labels: Object.fromEntries(missing) } : {}),
    };
    try {
      return await client.patch<T>(type, name, { metadata }, { type: 'merge', namespace });
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      const now = await client.find<T>(type, name, { namespace });
      if (!now || now.metadata.uid !== uid || now.metadata.generation !== generation) throw error;
      current = now;
    }
  }
}

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
