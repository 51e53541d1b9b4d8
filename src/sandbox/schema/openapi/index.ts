import { createHash } from 'node:crypto';
import { apiVersionOf } from '../../../base/object.ts';
import { builtinData } from '../builtin.ts';
import type { CustomVersion } from '../custom/index.ts';
import type { OpenApiSchema } from '../node.ts';
import { type DescribedResource, pathsOf } from './paths.ts';
import { toVersion2 } from './version2.ts';

/** The OpenAPI documents of everything served, as clients ask for them. */
export interface OpenApiDocuments {
  /** The whole as OpenAPI 2.0. */
  v2(): object;
  /** `{ paths: { 'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=…' } } }`. */
  v3Index(): object;
  /** One group version, by its path below /openapi/v3 (`api/v1`, `apis/apps/v1`) or its apiVersion. */
  v3(path: string): object | undefined;
}

const INFO = () => ({ title: 'Kubernetes', version: builtinData().version });
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const LIST_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';
const ref = (schema: string): OpenApiSchema => ({ $ref: `#/components/schemas/${schema}` });

/** `custom` gives the versions of custom resources that are served right now. */
export function openApiDocuments(custom: () => Iterable<CustomVersion>): OpenApiDocuments {
  const customIn = (apiVersion: string) => [...custom()].filter((one) => apiVersionOf(one.type) === apiVersion);
  const versions = () =>
    [
      ...new Set([...Object.keys(builtinData().resources), ...[...custom()].map((one) => apiVersionOf(one.type))]),
    ].sort();
  const document = (apiVersion: string): object | undefined => {
    const own = customIn(apiVersion);
    const known = builtinData().resources[apiVersion];
    return known === undefined && own.length === 0 ? undefined : buildVersion3(apiVersion, own);
  };
  return {
    v3Index() {
      const entries = versions().map((apiVersion) => {
        const path = pathOf(apiVersion);
        return [
          path,
          { serverRelativeURL: `/openapi/v3/${path}?hash=${fingerprint(apiVersion, customIn(apiVersion))}` },
        ];
      });
      return { paths: Object.fromEntries(entries) };
    },
    v3: (path) => document(path.replace(/^\/?apis?\//, '')),
    v2: () =>
      toVersion2(
        versions().flatMap((apiVersion) => document(apiVersion) ?? []),
        INFO(),
      ),
  };
}

function pathOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`;
}

/** Clients keep documents by this for good, so it changes with the content. */
function fingerprint(apiVersion: string, own: CustomVersion[]): string {
  const content = JSON.stringify([
    builtinData().version,
    apiVersion,
    own.map(({ type, schema, status }) => [type, schema, status]),
  ]);
  return createHash('sha512').update(content).digest('hex').toUpperCase();
}

function buildVersion3(apiVersion: string, own: CustomVersion[]): object {
  const { schemas } = builtinData();
  const prefix = `/${pathOf(apiVersion)}`;
  const all: Record<string, OpenApiSchema> = { ...schemas };
  const resources = builtinResources(apiVersion);
  for (const version of own) {
    const described = describeCustom(version);
    resources.push(described);
    all[described.schema] = publishedSchema(version);
    all[described.listSchema] = listSchema(version, described.schema);
  }
  const paths = Object.assign({}, ...resources.map((resource) => pathsOf(resource, prefix)));
  const used = new Set<string>();
  for (const { schema, listSchema: list } of resources) for (const name of [schema, list]) collect(name, all, used);
  for (const name of refsIn(paths)) collect(name, all, used);
  return {
    openapi: '3.0.0',
    info: INFO(),
    paths,
    components: { schemas: Object.fromEntries([...used].sort().map((name) => [name, all[name]])) },
  };
}

/** A schema and everything that it refers to. */
function collect(name: string, all: Record<string, OpenApiSchema>, into: Set<string>): void {
  const schema = all[name];
  if (schema === undefined || into.has(name)) return;
  into.add(name);
  for (const next of refsIn(schema)) collect(next, all, into);
}

function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' && typeof item === 'string' ? [item.slice(item.lastIndexOf('/') + 1)] : refsIn(item),
  );
}

function builtinResources(apiVersion: string): DescribedResource[] {
  const { resources, schemas } = builtinData();
  const names = new Map<string, string>();
  for (const [name, schema] of Object.entries(schemas))
    for (const gvk of schema['x-kubernetes-group-version-kind'] ?? [])
      if (apiVersionOf(gvk) === apiVersion) names.set(gvk.kind, name);
  return (resources[apiVersion] ?? []).map(({ plural, kind, namespaced, verbs, subresources }) => {
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    const type = { group, version: apiVersion.slice(slash + 1), kind };
    const [schema = '', list = ''] = [names.get(kind), names.get(`${kind}List`)];
    return { type, plural, namespaced, verbs, subresources, schema, listSchema: list, builtin: true };
  });
}

const CUSTOM_VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];

function describeCustom({ type, listKind, status, scale }: CustomVersion): DescribedResource {
  // Kubernetes: `sh.keda.v1alpha1.ScaledObject` for keda.sh.
  const base = `${type.group.split('.').reverse().join('.')}.${type.version}`;
  return {
    type,
    plural: type.plural,
    namespaced: type.namespaced,
    verbs: CUSTOM_VERBS,
    subresources: { ...(status ? { status: type.kind } : {}), ...(scale ? { scale: 'Scale' } : {}) },
    schema: `${base}.${type.kind}`,
    listSchema: `${base}.${listKind}`,
    builtin: false,
  };
}

function publishedSchema({ type, schema }: CustomVersion): OpenApiSchema {
  const typeMeta = builtinData().schemas['io.k8s.api.core.v1.Pod']?.properties ?? {};
  return {
    ...schema,
    type: 'object',
    properties: {
      ...schema.properties,
      ...Object.fromEntries(['apiVersion', 'kind'].flatMap((name) => (typeMeta[name] ? [[name, typeMeta[name]]] : []))),
      metadata: { description: 'Standard object metadata.', allOf: [ref(OBJECT_META)] },
    },
    'x-kubernetes-group-version-kind': [{ group: type.group, kind: type.kind, version: type.version }],
  };
}

function listSchema({ type, listKind }: CustomVersion, schema: string): OpenApiSchema {
  return {
    description: `${listKind} is a list of ${type.kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      items: { type: 'array', items: ref(schema) },
      metadata: { allOf: [ref(LIST_META)] },
    },
    'x-kubernetes-group-version-kind': [{ group: type.group, kind: listKind, version: type.version }],
  };
}
