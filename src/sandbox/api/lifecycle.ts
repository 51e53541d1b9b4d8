import type { AnyObject } from '../types.ts';
import { storageOf } from './builtin.ts';
import type { Core } from './core.ts';
import { isEstablished } from './definitions.ts';
import type { WriteContext } from './machinery.ts';
import type { DefinitionSpec } from './registry.ts';
import { remove } from './remove.ts';
import { INSTANCES_FINALIZER } from './strategy.ts';
import { change, create } from './write.ts';

const DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions';
const NAMESPACES = '/namespaces';

/** Namespaces that every cluster has. */
const NAMESPACE_NAMES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** The API server itself, as a user and a field manager. */
export const SYSTEM: WriteContext = {
  caller: { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] },
  manager: 'kube-apiserver',
  dryRun: false,
  fieldValidation: 'Ignore',
  warn: () => {},
};

/** Serves the types of CustomResourceDefinitions as they come and go. Returns the function that stops it. */
export function serveDefinitions(core: Core): () => void {
  const instanceWatches = new Map<string, () => void>();
  const stopWatching = (name: string) => {
    instanceWatches.get(name)?.();
    instanceWatches.delete(name);
  };
  const follow = (crd: AnyObject) => {
    if (isEstablished(crd)) {
      core.machinery.setCustomResource(crd);
      core.registry.setCustomResource(crd);
    }
    if (crd.metadata.deletionTimestamp) emptyDefinition(core, crd, instanceWatches);
  };
  for (const crd of core.store.entries(DEFINITIONS).values()) follow(crd);
  const stop = core.store.watch(DEFINITIONS, ({ type, object }) => {
    if (type !== 'DELETED') return follow(object);
    stopWatching(object.metadata.name);
    core.registry.removeCustomResource(object.metadata.name);
    core.machinery.removeCustomResource(object.metadata.name);
  });
  return () => {
    stop();
    for (const name of [...instanceWatches.keys()]) stopWatching(name);
  };
}

/** Deletes every object of a definition that is being deleted, and lets it go when none is left. */
function emptyDefinition(core: Core, crd: AnyObject, watches: Map<string, () => void>): void {
  const { name } = crd.metadata;
  if (watches.has(name) || !crd.metadata.finalizers?.includes(INSTANCES_FINALIZER)) return;
  const { group, names } = crd.spec as DefinitionSpec;
  const storage = storageOf({ group, plural: names.plural });
  const failed = (error: unknown) =>
    core.log.error('Cannot finish the deletion of a CustomResourceDefinition', { crd: name, error });
  const finish = () => {
    if (core.store.entries(storage).size > 0) return;
    const resource = core.registry.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
    const current = core.store.get(DEFINITIONS, name);
    if (!resource || !current?.metadata.finalizers?.includes(INSTANCES_FINALIZER)) return;
    const without = (object: AnyObject): AnyObject => {
      const finalizers = object.metadata.finalizers?.filter((finalizer) => finalizer !== INSTANCES_FINALIZER) ?? [];
      return { ...object, metadata: { ...object.metadata, finalizers } };
    };
    change(core, { resource, namespace: undefined, name }, without, SYSTEM, { operation: 'PatchOptions' }).catch(
      failed,
    );
  };
  watches.set(
    name,
    core.store.watch(storage, ({ type }) => {
      if (type === 'DELETED') finish();
    }),
  );
  const resource = core.registry.all().find((candidate) => candidate.storage === storage);
  if (resource) {
    for (const object of [...core.store.entries(storage).values()]) {
      const target = { resource, namespace: object.metadata.namespace, name: object.metadata.name };
      remove(core, target, { propagationPolicy: 'Background' }, SYSTEM).catch(failed);
    }
  }
  finish();
}

/** Gives each new namespace its default ServiceAccount and the CA's certificate. Returns the function that stops it. */
export function fillNamespaces(core: Core, ca: string | undefined): () => void {
  const fill = (namespace: AnyObject) => {
    if (namespace.metadata.deletionTimestamp) return;
    void ensure(core, '', 'serviceaccounts', { metadata: { name: 'default', namespace: namespace.metadata.name } });
    if (ca === undefined) return;
    const metadata = { name: 'kube-root-ca.crt', namespace: namespace.metadata.name };
    void ensure(core, '', 'configmaps', { metadata, data: { 'ca.crt': ca } }, ['data']);
  };
  for (const namespace of [...core.store.entries(NAMESPACES).values()]) fill(namespace);
  return core.store.watch(NAMESPACES, ({ type, object }) => {
    if (type === 'ADDED') fill(object);
  });
}

/** Creates the namespaces and the service that every cluster has, where they are missing. */
export async function createDefaults(core: Core): Promise<void> {
  for (const name of NAMESPACE_NAMES) await ensure(core, '', 'namespaces', { metadata: { name } });
}

/** Creates the object unless it exists; the `kept` fields of an existing one are brought up to date. */
export async function ensure(
  core: Core,
  group: string,
  plural: string,
  object: object,
  kept: string[] = [],
): Promise<void> {
  const resource = core.registry.find(group, 'v1', plural);
  if (!resource) return;
  const input = { apiVersion: group === '' ? 'v1' : `${group}/v1`, kind: resource.type.kind, ...object } as AnyObject;
  const { name, namespace } = input.metadata;
  const stored = core.store.get(resource.storage, namespace ? `${namespace}/${name}` : name);
  const fresh = Object.fromEntries(kept.map((field) => [field, input[field]]));
  try {
    if (!stored) await create(core, resource, input, namespace, SYSTEM);
    else if (kept.length > 0) {
      const target = { resource, namespace, name };
      await change(core, target, (current) => ({ ...current, ...fresh }), SYSTEM, { operation: 'PatchOptions' });
    }
  } catch (error) {
    // A namespace that is deleted at once takes its content along.
    core.log.debug('A default object was not created', { kind: resource.type.kind, name, namespace, error });
  }
}
