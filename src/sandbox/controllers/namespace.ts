import type { KubeObject, ResourceType } from '../../base/object.ts';
import type { Running } from '../types.ts';
import type { ControllerContext } from './context.ts';
import { deleteIfPresent, setCondition } from './context.ts';
import type { Condition } from './kinds.ts';
import { NAMESPACES } from './kinds.ts';
import { createQueue } from './queue.ts';
import { followTypes } from './served-types.ts';

interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: string; conditions?: Condition[] };
}

/** Empties a namespace that is being deleted, waits for what has finalizers of its own, and then lets the namespace go. */
export function startNamespaceController({ api, clock, log }: ControllerContext): Running {
  const deleting = new Set<string>();
  const queue = createQueue({
    name: 'namespace',
    clock,
    log,
    async reconcile(name) {
      const namespace = api.get<Namespace>(NAMESPACES, name);
      if (!namespace?.metadata.deletionTimestamp) return void deleting.delete(name);
      deleting.add(name);
      const left = await empty(name);
      const current = api.get<Namespace>(NAMESPACES, name);
      if (!current) return void deleting.delete(name);
      if (left.length === 0) {
        deleting.delete(name);
        await finalize(current);
        return undefined;
      }
      await report(current, left);
      // Kubernetes looks again on a timer too; what is removed wakes this up before.
      return { after: 5000 };
    },
  });

  const namespaced = (): ResourceType[] => {
    const seen = new Set<string>();
    return api.types().filter((type) => {
      const key = `${type.plural}.${type.group}`;
      return type.namespaced && !seen.has(key) && seen.add(key);
    });
  };

  /** Deletes everything in the namespace; what is still there afterwards, as type and count. */
  const empty = async (namespace: string): Promise<{ type: ResourceType; count: number }[]> => {
    const left: { type: ResourceType; count: number }[] = [];
    for (const type of namespaced()) {
      for (const object of api.list(type, { namespace })) {
        if (object.metadata.deletionTimestamp) continue;
        await deleteIfPresent(api, type, object, { propagationPolicy: 'Background' });
      }
      const count = api.list(type, { namespace }).length;
      if (count > 0) left.push({ type, count });
    }
    return left;
  };

  const report = async (namespace: Namespace, left: { type: ResourceType; count: number }[]) => {
    const what = left.map(({ type, count }) => `${type.plural}.${type.group} has ${count} resource instances`);
    const conditions = setCondition(
      namespace.status?.conditions,
      {
        type: 'NamespaceContentRemaining',
        status: 'True',
        reason: 'SomeResourcesRemain',
        message: `Some resources are remaining: ${what.join(', ')}`,
      },
      clock.now(),
    );
    if (conditions === namespace.status?.conditions) return;
    await api.update(
      NAMESPACES,
      { ...namespace, status: { ...namespace.status, phase: 'Terminating', conditions } } as Namespace,
      'status',
    );
  };

  /** Takes `kubernetes` out of spec.finalizers; the API server removes the namespace when none is left. */
  const finalize = async (namespace: Namespace) => {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((f) => f !== 'kubernetes');
    if (namespace.spec?.finalizers?.includes('kubernetes'))
      await api.update(NAMESPACES, { ...namespace, spec: { ...namespace.spec, finalizers } } as Namespace);
    if (api.get(NAMESPACES, namespace.metadata.name) && finalizers.length === 0)
      await deleteIfPresent(api, NAMESPACES, namespace);
  };

  const stopNamespaces = api.watch<Namespace>(NAMESPACES, ({ type, object }) => {
    if (type !== 'DELETED' && object.metadata.deletionTimestamp) queue.add(object.metadata.name);
  });
  const types = followTypes(api, (type) => {
    if (!type.namespaced) return () => {};
    return api.watch(type, ({ type: change, object }) => {
      const { namespace } = object.metadata;
      // Also what is created in the meantime, before the API server refuses it.
      if (namespace && deleting.has(namespace) && change !== 'MODIFIED') queue.add(namespace);
    });
  });
  for (const namespace of api.list<Namespace>(NAMESPACES))
    if (namespace.metadata.deletionTimestamp) queue.add(namespace.metadata.name);

  return {
    async stop() {
      stopNamespaces();
      types.stop();
      await queue.stop();
    },
  };
}
