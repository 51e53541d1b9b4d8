import { type AnyObject, ApiError } from '../../types.ts';
import type { Core } from '../core.ts';
import { fromStorage, type Resource } from '../resource.ts';
import type { Selection } from '../select.ts';
import type { ListMeta } from './forms.ts';

/** The chosen objects in the order of their keys. */
export function select(
  core: Core,
  resource: Resource,
  namespace: string | undefined,
  selection: Selection,
): AnyObject[] {
  const found: [string, AnyObject][] = [];
  for (const [key, stored] of core.store.entries(resource.storage)) {
    if (namespace !== undefined && stored.metadata.namespace !== namespace) continue;
    const object = fromStorage(resource, stored);
    if (selection.everything || selection.matches(object)) found.push([key, object]);
  }
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  return found.map(([, object]) => object);
}

/**
 * One page of the chosen objects. A continue token holds the key to go on after; later pages show the objects as they are
 * by then, at the resourceVersion of the first page.
 */
export function selectPage(
  core: Core,
  resource: Resource,
  namespace: string | undefined,
  selection: Selection,
  query: URLSearchParams,
): { objects: AnyObject[]; metadata: ListMeta } {
  const limit = Number(query.get('limit') ?? 0);
  const token = query.get('continue');
  const from = token ? readToken(token) : undefined;
  const revision = from?.revision ?? String(core.store.revision());
  const all = select(core, resource, namespace, selection);
  const start = from ? all.findIndex((object) => keyOf(object) > from.after) : 0;
  const rest = start < 0 ? [] : all.slice(start);
  if (!(limit > 0) || rest.length <= limit) return { objects: rest, metadata: { resourceVersion: revision } };
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const next = Buffer.from(JSON.stringify({ revision, after: last ? keyOf(last) : '' })).toString('base64url');
  // Kubernetes: with a selector it does not count what is left.
  const remaining = selection.everything ? { remainingItemCount: rest.length - limit } : {};
  return { objects: page, metadata: { resourceVersion: revision, continue: next, ...remaining } };
}

function keyOf(object: AnyObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

function readToken(token: string): { revision: string; after: string } {
  try {
    const read = JSON.parse(Buffer.from(token, 'base64url').toString()) as { revision?: unknown; after?: unknown };
    if (typeof read.revision === 'string' && typeof read.after === 'string')
      return { revision: read.revision, after: read.after };
  } catch {
    // Falls through to the refusal.
  }
  throw new ApiError('BadRequest', 'continue key is not valid: it is not one that this server gave out');
}
