import { parseApiVersion } from '../../../base/object.ts';
import type { Registry } from '../registry.ts';
import { compareVersions } from '../registry.ts';
import type { Resource } from '../resource.ts';

export const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+windlass',
  gitCommit: 'unknown',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'linux/amd64',
};

/** An API group that an aggregated API server serves, as it describes itself. */
export interface RemoteGroup {
  group: string;
  version: string;
  resources: RemoteResource[];
  /** The server could not be asked: its resources may be out of date. */
  stale: boolean;
}

export interface RemoteResource {
  name: string;
  singularName?: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const PART_VERBS = ['get', 'patch', 'update'];

interface Subresource {
  name: string;
  kind: { group: string; version: string; kind: string };
  verbs: string[];
}

/** The subresources of a served type. */
export function subresourcesOf(resource: Resource): Subresource[] {
  const { group, version, kind, plural } = resource.type;
  const own = { group, version, kind };
  const key = `${group}/${plural}`;
  const parts: Subresource[] = [];
  if (resource.scale)
    parts.push({ name: 'scale', kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: PART_VERBS });
  if (resource.status) parts.push({ name: 'status', kind: own, verbs: PART_VERBS });
  if (key === '/pods') {
    const eviction = { group: 'policy', version: 'v1', kind: 'Eviction' };
    parts.push({ name: 'binding', kind: { group: '', version: 'v1', kind: 'Binding' }, verbs: ['create'] });
    parts.push({ name: 'eviction', kind: eviction, verbs: ['create'] });
    parts.push({ name: 'log', kind: own, verbs: ['get'] });
  }
  if (key === '/namespaces') parts.push({ name: 'finalize', kind: own, verbs: ['update'] });
  if (key === '/serviceaccounts') {
    const token = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
    parts.push({ name: 'token', kind: token, verbs: ['create'] });
  }
  return parts;
}

function verbsOf(resource: Resource): string[] {
  if (resource.virtual) return ['create'];
  // Kubernetes: services and namespaces are deleted one by one.
  if (resource.storage === '/namespaces') return VERBS.filter((verb) => verb !== 'deletecollection');
  return VERBS;
}

interface ServedVersion {
  version: string;
  resources: Resource[];
  remote?: RemoteGroup;
}

/** What is served, by group: own types first, then aggregated ones; versions from the most to the least stable. */
function groupsOf(registry: Registry, remotes: RemoteGroup[]): Map<string, ServedVersion[]> {
  const groups = new Map<string, ServedVersion[]>();
  const versionOf = (group: string, version: string): ServedVersion => {
    const versions = groups.get(group) ?? [];
    groups.set(group, versions);
    const found = versions.find((candidate) => candidate.version === version);
    if (found) return found;
    const made = { version, resources: [] };
    versions.push(made);
    return made;
  };
  for (const resource of registry.all()) versionOf(resource.type.group, resource.type.version).resources.push(resource);
  for (const remote of remotes) versionOf(remote.group, remote.version).remote = remote;
  for (const versions of groups.values()) versions.sort((a, b) => compareVersions(a.version, b.version));
  return groups;
}

function apiGroup(name: string, versions: ServedVersion[]) {
  const described = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: described, preferredVersion: described[0] };
}

/** GET /apis */
export function groupList(registry: Registry, remotes: RemoteGroup[]): object {
  const groups = [...groupsOf(registry, remotes)].filter(([name]) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(([name, versions]) => apiGroup(name, versions)) };
}

/** GET /apis/<group> */
export function oneGroup(registry: Registry, remotes: RemoteGroup[], name: string): object | undefined {
  const versions = groupsOf(registry, remotes).get(name);
  return versions && { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(name, versions) };
}

/** GET /api/v1 or /apis/<group>/<version> */
export function resourceList(registry: Registry, group: string, version: string): object | undefined {
  const served = registry.all().filter(({ type }) => type.group === group && type.version === version);
  if (served.length === 0) return undefined;
  const resources = served.flatMap((resource) => {
    const { plural, kind, namespaced } = resource.type;
    return [
      {
        name: plural,
        singularName: resource.singular,
        namespaced,
        kind,
        verbs: verbsOf(resource),
        ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
        ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
      },
      ...subresourcesOf(resource).map((part) => ({
        name: `${plural}/${part.name}`,
        singularName: '',
        namespaced,
        ...(part.kind.group === group && part.kind.version === version ? {} : groupAndVersion(part.kind)),
        kind: part.kind.kind,
        verbs: part.verbs,
      })),
    ];
  });
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources,
  };
}

const groupAndVersion = ({ group, version }: { group: string; version: string }) => ({ group, version });

/** GET /api or /apis for clients that take the aggregated form: every group with its resources at once. */
export function aggregatedDiscovery(registry: Registry, remotes: RemoteGroup[], core: boolean): object {
  const groups = [...groupsOf(registry, remotes)].filter(([name]) => (name === '') === core);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(([name, versions]) => ({
      metadata: { name, creationTimestamp: null },
      versions: versions.map(({ version, resources, remote }) => ({
        version,
        resources: remote ? remoteDiscovery(remote) : resources.map(discoveryOf),
        freshness: remote?.stale ? 'Stale' : 'Current',
      })),
    })),
  };
}

function discoveryOf(resource: Resource) {
  const { group, version, kind, plural, namespaced } = resource.type;
  const parts = subresourcesOf(resource);
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: verbsOf(resource),
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(parts.length > 0
      ? { subresources: parts.map((part) => ({ subresource: part.name, responseKind: part.kind, verbs: part.verbs })) }
      : {}),
  };
}

function remoteDiscovery({ group, version, resources }: RemoteGroup) {
  const whole = resources.filter(({ name }) => !name.includes('/'));
  return whole.map((resource) => ({
    resource: resource.name,
    responseKind: { group, version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singularName ?? '',
    verbs: resource.verbs,
    ...(resource.shortNames ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories ? { categories: resource.categories } : {}),
  }));
}

/** GET / */
export function rootPaths(registry: Registry, remotes: RemoteGroup[]): object {
  const versions = new Set<string>();
  for (const { type } of registry.all()) if (type.group !== '') versions.add(`${type.group}/${type.version}`);
  for (const { group, version } of remotes) versions.add(`${group}/${version}`);
  const groups = new Set([...versions].map((name) => parseApiVersion(name).group));
  const apis = [...groups, ...versions].sort().map((name) => `/apis/${name}`);
  return {
    paths: [
      '/api',
      '/api/v1',
      '/apis',
      ...apis,
      '/healthz',
      '/livez',
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
    ],
  };
}
