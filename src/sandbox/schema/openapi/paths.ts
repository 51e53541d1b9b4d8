import type { TypeName } from '../index.ts';

/** A resource of one group version, as paths and operations describe it. */
export interface DescribedResource {
  type: TypeName;
  plural: string;
  namespaced: boolean;
  verbs: readonly string[];
  /** Subresource to the kind that it speaks. */
  subresources: Record<string, string>;
  /** Names in components.schemas. */
  schema: string;
  listSchema: string;
  /** Strategic merge patches are for built-in kinds. */
  builtin: boolean;
}

/** kubectl looks at these to know what the server can do (dry runs, field validation, apply). */
const QUERY = {
  read: ['pretty'],
  list: [
    'allowWatchBookmarks',
    'continue',
    'fieldSelector',
    'labelSelector',
    'limit',
    'pretty',
    'resourceVersion',
    'resourceVersionMatch',
    'sendInitialEvents',
    'timeoutSeconds',
    'watch',
  ],
  write: ['dryRun', 'fieldManager', 'fieldValidation', 'pretty'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force', 'pretty'],
  delete: ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'pretty', 'propagationPolicy'],
};

const TYPES: Record<string, string> = {
  allowWatchBookmarks: 'boolean',
  force: 'boolean',
  orphanDependents: 'boolean',
  sendInitialEvents: 'boolean',
  watch: 'boolean',
  gracePeriodSeconds: 'integer',
  limit: 'integer',
  timeoutSeconds: 'integer',
};

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const ref = (schema: string) => ({ $ref: `#/components/schemas/${schema}` });
const json = (schema: string) => ({ 'application/json': { schema: ref(schema) } });

/** The paths of a resource, each with its operations; `prefix` is `/api/v1` or `/apis/<group>/<version>`. */
export function pathsOf(resource: DescribedResource, prefix: string): Record<string, object> {
  const { plural, namespaced, subresources, schema, listSchema, verbs } = resource;
  const collection = namespaced ? `${prefix}/namespaces/{namespace}/${plural}` : `${prefix}/${plural}`;
  const paths: Record<string, object> = {};
  const can = (verb: string) => verbs.includes(verb);
  const list = can('list') ? { get: operation(resource, 'list', 'list', QUERY.list, listSchema) } : {};
  if (namespaced && can('list')) paths[`${prefix}/${plural}`] = list;
  const many = {
    ...list,
    ...(can('create') ? { post: operation(resource, 'post', 'create', QUERY.write, schema, json(schema)) } : {}),
    ...(can('deletecollection')
      ? { delete: operation(resource, 'deletecollection', 'deletecollection', QUERY.list, `${META}.Status`) }
      : {}),
  };
  if (Object.keys(many).length > 0)
    paths[collection] = { ...many, ...(namespaced ? { parameters: [pathParameter('namespace')] } : {}) };
  const named = [pathParameter('name'), ...(namespaced ? [pathParameter('namespace')] : [])];
  const one = objectOperations(resource, verbs, schema);
  if (Object.keys(one).length > 0) paths[`${collection}/{name}`] = { ...one, parameters: named };
  for (const [name, kind] of Object.entries(subresources)) {
    const sameKind = kind === resource.type.kind;
    if (!sameKind && kind !== 'Scale') continue;
    const operations = objectOperations(
      resource,
      ['get', 'update', 'patch'],
      sameKind ? schema : 'io.k8s.api.autoscaling.v1.Scale',
      name,
    );
    paths[`${collection}/{name}/${name}`] = { ...operations, parameters: named };
  }
  return paths;
}

function objectOperations(
  resource: DescribedResource,
  verbs: readonly string[],
  schema: string,
  subresource = '',
): object {
  const can = (verb: string) => verbs.includes(verb);
  const make = (action: string, verb: string, query: string[], answer: string, body?: object) =>
    operation(resource, action, verb, query, answer, body, subresource);
  return {
    ...(can('get') ? { get: make('get', 'read', QUERY.read, schema) } : {}),
    ...(can('update') ? { put: make('put', 'replace', QUERY.write, schema, json(schema)) } : {}),
    ...(can('delete')
      ? { delete: make('delete', 'delete', QUERY.delete, `${META}.Status`, json(`${META}.DeleteOptions`)) }
      : {}),
    ...(can('patch') ? { patch: make('patch', 'patch', QUERY.patch, schema, patchBody(resource.builtin)) } : {}),
  };
}

function operation(
  resource: DescribedResource,
  action: string,
  verb: string,
  query: string[],
  answer: string,
  content?: object,
  subresource = '',
): object {
  const { type, namespaced, subresources } = resource;
  const kind =
    subresource !== '' && subresources[subresource] === 'Scale'
      ? { group: 'autoscaling', version: 'v1', kind: 'Scale' }
      : type;
  const group = type.group === '' ? 'core' : (type.group.split('.')[0] ?? type.group);
  const id = `${verb}${capital(group)}${capital(type.version)}${namespaced ? 'Namespaced' : ''}${type.kind}${capital(subresource)}`;
  return {
    description: `${verb} ${subresource === '' ? '' : `${subresource} of `}${type.kind}`,
    operationId: id,
    parameters: query.map((name) => ({
      name,
      in: 'query',
      schema: { type: TYPES[name] ?? 'string', uniqueItems: true },
    })),
    ...(content === undefined ? {} : { requestBody: { content, required: true } }),
    responses: { 200: { description: 'OK', content: json(answer) }, 401: { description: 'Unauthorized' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group: kind.group, kind: kind.kind, version: kind.version },
  };
}

function patchBody(builtin: boolean): object {
  const types = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json'];
  if (builtin) types.push('application/strategic-merge-patch+json');
  return Object.fromEntries(types.map((type) => [type, { schema: ref(`${META}.Patch`) }]));
}

function pathParameter(name: string): object {
  return { name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
