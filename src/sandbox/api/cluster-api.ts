import { apiVersionOf, type KubeObject, type ResourceType } from '../../base/object.ts';
import { matchesLabels } from '../../base/selector.ts';
import type { AnyObject, ChangeEvent, ClusterApi } from '../types.ts';
import { type Core, read } from './core.ts';
import { notFound } from './failures.ts';
import type { WriteContext } from './machinery.ts';
import { remove } from './remove.ts';
import { fromStorage, type Resource, resourceName } from './resource.ts';
import { patchScale, updateScale } from './scale.ts';
import { create, patch, update } from './write.ts';

/** The sandbox's own controllers act as this user and field manager. */
const CONTROLLER: Omit<WriteContext, 'warn'> = {
  caller: { name: 'system:kube-controller-manager', groups: ['system:masters', 'system:authenticated'] },
  manager: 'kube-controller-manager',
  dryRun: false,
  fieldValidation: 'Ignore',
};

/** The API for code in this process. */
export function clusterApiOf(core: Core): ClusterApi {
  const context: WriteContext = { ...CONTROLLER, warn: () => {} };
  const resourceOf = (type: ResourceType): Resource => {
    const found = core.registry.find(type.group, type.version, type.plural);
    if (!found) throw notFound(type, resourceName(type));
    return found;
  };
  const targetOf = (type: ResourceType, name: string, namespace: string | undefined) => ({
    resource: resourceOf(type),
    namespace: type.namespaced ? namespace : undefined,
    name,
  });
  const asked = <T extends KubeObject>(object: AnyObject) => object as unknown as T;

  return {
    get<T extends KubeObject>(type: ResourceType, name: string, namespace?: string) {
      const found = read(core, resourceOf(type), namespace, name);
      return found && asked<T>(found);
    },
    list<T extends KubeObject>(type: ResourceType, options: Parameters<ClusterApi['list']>[1] = {}) {
      const { namespace, labels = [] } = options;
      const resource = resourceOf(type);
      const found: T[] = [];
      for (const object of core.store.entries(resource.storage).values()) {
        if (namespace !== undefined && object.metadata.namespace !== namespace) continue;
        if (!matchesLabels(labels, object.metadata.labels)) continue;
        found.push(asked<T>(fromStorage(resource, object)));
      }
      return found;
    },
    async create<T extends KubeObject>(type: ResourceType, object: object, namespace?: string) {
      const input = { apiVersion: apiVersionOf(type), kind: type.kind, ...object } as AnyObject;
      return asked<T>(await create(core, resourceOf(type), input, namespace ?? input.metadata.namespace, context));
    },
    async update<T extends KubeObject>(type: ResourceType, object: KubeObject, subresource?: 'status' | 'scale') {
      const target = targetOf(type, object.metadata.name, object.metadata.namespace);
      const input = object as AnyObject;
      if (subresource === 'scale') return asked<T>(await updateScale(core, target, input, context));
      return asked<T>(await update(core, target, structuredClone(input), context, subresource));
    },
    async patch<T extends KubeObject>(...[type, name, namespace, how, subresource]: Parameters<ClusterApi['patch']>) {
      const target = targetOf(type, name, namespace);
      if (subresource === 'scale') return asked<T>(await patchScale(core, target, how, context));
      return asked<T>(await patch(core, target, how, context, subresource));
    },
    async delete(type, name, namespace, options = {}) {
      await remove(core, targetOf(type, name, namespace), options, context);
    },
    watch<T extends KubeObject>(type: ResourceType, handle: (event: ChangeEvent<T>) => void) {
      const resource = resourceOf(type);
      return core.store.watch(resource.storage, ({ type: kind, object, previous }) =>
        handle({
          type: kind,
          object: asked<T>(fromStorage(resource, object)),
          ...(previous ? { previous: asked<T>(fromStorage(resource, previous)) } : {}),
        }),
      );
    },
    resolve: (apiVersion, kind) => core.registry.findKind(apiVersion, kind)?.type,
    types: () =>
      core.registry
        .all()
        .filter((resource) => !resource.virtual)
        .map((resource) => resource.type),
  };
}
