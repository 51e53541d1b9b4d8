import type { ObjectMeta } from '../../base/object.ts';
import type { Manifest } from './parse-manifests.ts';

/** Namespace and name of a manifest, as far as they are texts. */
export function metadataOf(object: Record<string, unknown>): Partial<ObjectMeta> & { name: string; namespace: string } {
  const metadata = (
    typeof object.metadata === 'object' && object.metadata !== null ? object.metadata : {}
  ) as ObjectMeta;
  return {
    ...metadata,
    name: typeof metadata.name === 'string' ? metadata.name : '',
    namespace: typeof metadata.namespace === 'string' ? metadata.namespace : '',
  };
}

/** `ScaledObject shop/worker`. */
export function titleOf({ object }: Manifest): string {
  const { namespace, name } = metadataOf(object);
  return `${String(object.kind)} ${namespace === '' ? '' : `${namespace}/`}${name === '' ? '(no name)' : name}`;
}

/** All objects of the files, to follow references with. */
export interface ManifestIndex {
  readonly all: readonly Manifest[];
  /** An object by API group, kind and name. An object without a namespace may be in any. */
  find(group: string, kind: string, namespace: string, name: string): Manifest | undefined;
  /** Whether the files have any object of the kind. */
  has(group: string, kind: string): boolean;
}

export function groupOf(apiVersion: unknown): string {
  const text = String(apiVersion);
  return text.includes('/') ? text.slice(0, text.indexOf('/')) : '';
}

export function indexManifests(all: readonly Manifest[]): ManifestIndex {
  const byKind = new Map<string, Manifest[]>();
  for (const manifest of all) {
    const key = `${groupOf(manifest.object.apiVersion)}/${String(manifest.object.kind)}`;
    byKind.set(key, [...(byKind.get(key) ?? []), manifest]);
  }
  return {
    all,
    find(group, kind, namespace, name) {
      return byKind.get(`${group}/${kind}`)?.find(({ object }) => {
        const found = metadataOf(object);
        return found.name === name && sameNamespace(found.namespace, namespace);
      });
    },
    has: (group, kind) => byKind.has(`${group}/${kind}`),
  };
}

/** Manifests without a namespace get one when they are applied, so they may be in any. */
export function sameNamespace(a: string, b: string): boolean {
  return a === b || a === '' || b === '';
}
