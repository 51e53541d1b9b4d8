import { WindlassError } from '../base/errors.ts';
import { apiVersionOf, type ResourceType } from '../base/object.ts';

export type Query = Record<string, string | number | boolean | undefined>;

/** The path of a collection: all namespaces when none is given. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === '' ? '/api' : '/apis';
  const scope = type.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}/${apiVersionOf(type)}${scope}/${type.plural}`;
}

/**
 * The path of one object or of its subresource.
 * @throws InvalidArgument when the name, or the namespace of a namespaced type, is missing
 */
export function objectPath(type: ResourceType, name: string, namespace?: string, subresource?: string): string {
  // An empty name would address the whole collection: a delete must never get that far.
  if (!name) throw new WindlassError('InvalidArgument', `a ${type.kind} needs a name`);
  requireNamespace(type, namespace);
  const path = `${collectionPath(type, namespace)}/${encodeURIComponent(name)}`;
  return subresource ? `${path}/${subresource}` : path;
}

export function requireNamespace(type: ResourceType, namespace?: string): void {
  if (type.namespaced && !namespace)
    throw new WindlassError('InvalidArgument', `a ${type.kind} needs a namespace; none was given`);
}

/** A path with its query; parameters that are undefined, empty or false are left out. */
export function withQuery(path: string, query: Query | undefined): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== '' && value !== false) parameters.set(key, String(value));
  const text = parameters.toString();
  return text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`;
}

/** `get Deployment shop/web`, for messages. */
export function describeRequest(verb: string, type: ResourceType, name?: string, namespace?: string): string {
  if (name) return `${verb} ${type.kind} ${namespace && type.namespaced ? `${namespace}/` : ''}${name}`;
  if (!type.namespaced) return `${verb} ${type.plural}`;
  return `${verb} ${type.plural} in ${namespace ? `namespace ${namespace}` : 'all namespaces'}`;
}
