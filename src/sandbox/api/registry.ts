import { parseApiVersion, type ResourceType } from '../../base/object.ts';
import type { AnyObject } from '../types.ts';
import { builtinResources, storageOf } from './builtin.ts';
import type { Resource } from './resource.ts';

/** What is served right now: built-in types and those of CustomResourceDefinitions. */
export interface Registry {
  find(group: string, version: string, plural: string): Resource | undefined;
  findKind(apiVersion: string, kind: string): Resource | undefined;
  /** In the order of discovery. */
  all(): Resource[];
  /** Serves the definition's versions from now on, in place of what an older form of it said. */
  setCustomResource(crd: AnyObject): void;
  removeCustomResource(name: string): void;
  /** Grows whenever the served types change. */
  generation(): number;
}

interface DefinitionVersion {
  name: string;
  served: boolean;
  storage: boolean;
  subresources?: {
    status?: object;
    scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };
  };
  selectableFields?: { jsonPath: string }[];
}

export interface DefinitionSpec {
  group: string;
  scope: 'Namespaced' | 'Cluster';
  names: {
    plural: string;
    kind: string;
    singular?: string;
    listKind?: string;
    shortNames?: string[];
    categories?: string[];
  };
  versions: DefinitionVersion[];
}

export function createRegistry(): Registry {
  const builtin = builtinResources();
  const custom = new Map<string, Resource[]>();
  let generation = 1;
  let byPath = new Map<string, Resource>();
  let byKind = new Map<string, Resource>();
  let all: Resource[] = [];

  const index = () => {
    generation++;
    all = [...builtin, ...[...custom.values()].flat()];
    byPath = new Map(all.map((r) => [`${r.type.group}/${r.type.version}/${r.type.plural}`, r]));
    byKind = new Map(all.map((r) => [`${r.type.group}/${r.type.version}/${r.type.kind}`, r]));
  };
  index();

  return {
    find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`),
    findKind(apiVersion, kind) {
      const { group, version } = parseApiVersion(apiVersion);
      return byKind.get(`${group}/${version}/${kind}`);
    },
    all: () => all,
    setCustomResource(crd) {
      custom.set(crd.metadata.name, customResources(crd));
      index();
    },
    removeCustomResource(name) {
      if (custom.delete(name)) index();
    },
    generation: () => generation,
  };
}

function customResources(crd: AnyObject): Resource[] {
  const spec = crd.spec as DefinitionSpec;
  const { names, group } = spec;
  const typeOf = (version: string): ResourceType => ({
    group,
    version,
    plural: names.plural,
    kind: names.kind,
    namespaced: spec.scope === 'Namespaced',
  });
  const stored = spec.versions.find((version) => version.storage) ?? spec.versions[0];
  return spec.versions
    .filter((version) => version.served)
    .sort((a, b) => compareVersions(a.name, b.name))
    .map((version) => ({
      type: typeOf(version.name),
      storage: storageOf({ group, plural: names.plural }),
      storageType: typeOf(stored?.name ?? version.name),
      singular: names.singular ?? names.kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      status: version.subresources?.status !== undefined,
      scale: version.subresources?.scale,
      generation: true,
      // Kubernetes: an update of a custom resource needs the resourceVersion that it is based on.
      unconditionalUpdate: false,
      createOnUpdate: false,
      fields: (version.selectableFields ?? []).map((field) => field.jsonPath.replace(/^\./, '')),
      virtual: false,
      crd,
    }));
}

/** Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1, then others by name. */
export function compareVersions(a: string, b: string): number {
  const rank = (version: string): [number, number, number] | undefined => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (!match) return undefined;
    const stage = match[2] === 'alpha' ? 0 : match[2] === 'beta' ? 1 : 2;
    return [stage, Number(match[1]), Number(match[3] ?? 0)];
  };
  const [left, right] = [rank(a), rank(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  for (let i = 0; i < 3; i++) {
    const difference = (right[i] ?? 0) - (left[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
