import { isDeepStrictEqual } from 'node:util';
import { apiVersionOf, type ResourceType } from '../../base/object.ts';
import { isFields } from '../schema/fields.ts';
import type { SchemaNode } from '../schema/node.ts';
import { canonicalQuantities } from '../schema/shape.ts';
import { type AnyObject, ApiError } from '../types.ts';
import {
  attach,
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  intersection,
  isEmpty,
  pathsOf,
  union,
} from './field-set.ts';
import { applierOf, type Manager, managersOf, ownable, sameManager, withManagers } from './managed-fields.ts';
import { claimedFields, compare, DEDUCED, MergeError, mergeApplied, removeDropped } from './typed.ts';

export interface ServerSideApply {
  /** Absent when the apply creates the object. */
  current: AnyObject | undefined;
  /** The applied configuration. */
  applied: unknown;
  type: ResourceType;
  node: SchemaNode | undefined;
  fieldManager: string;
  force: boolean;
  subresource?: string | undefined;
  /** The type has a status subresource, so that only it may set status. */
  statusApart: boolean;
  now: string;
}

/** No applier can drop metadata itself, whose name and uid nobody owns. */
const METADATA: FieldSet = { own: false, children: new Map([['f:metadata', emptySet(true)]]) };

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Server-side apply: the applied fields win, fields that the manager applied before and nobody else owns go away.
 * Returns `current` itself when nothing changes.
 * @throws ApiError Conflict naming every field that another manager set to something else (unless forced)
 */
export function serverSideApply(request: ServerSideApply): AnyObject {
  const { current, type, fieldManager, subresource, force, now } = request;
  const node = request.node ?? DEDUCED;
  const applied = canonicalQuantities(node, readConfiguration(request)) as AnyObject;
  const self = applierOf(type, fieldManager, subresource);
  const claimed = merging(applied, type, () => withoutReset(claimedFields(node, ownable(applied)), request));
  const managers = knownManagers(current, node, now);
  const mine = managers.find((one) => sameManager(one, self));
  const others = managers.filter((one) => one !== mine);

  const effective = dropReset(applied, request);
  const merged = merging(applied, type, () => mergeApplied(node, current, effective)) as AnyObject;
  const kept = others.reduce((set, one) => union(set, one.fields), union(claimed, METADATA));
  const result = mine
    ? (merging(applied, type, () => removeDropped(node, merged, mine.fields, kept)) as AnyObject)
    : merged;

  const { changed, removed } = compare(node, ownable(current) ?? {}, ownable(result));
  changed.own = false;
  const conflicts = others
    .map((other) => ({ other, fields: intersection(other.fields, intersection(changed, claimed)) }))
    .filter(({ fields }) => !isEmpty(fields));
  if (!force) refuseConflicts(conflicts, fieldManager, current, node);

  const unchanged = current !== undefined && isEmpty(changed) && isEmpty(removed);
  if (unchanged && mine && equalSets(mine.fields, claimed) && isDeepStrictEqual(ownable(current), ownable(result)))
    return current;
  const rest = others.map((one) => ({ ...one, fields: difference(difference(one.fields, changed), removed) }));
  return withManagers(result, [...rest, { ...self, time: now, fields: claimed }]);
}

function readConfiguration({ applied, type }: ServerSideApply): AnyObject {
  if (!isFields(applied))
    throw new ApiError('BadRequest', 'error decoding YAML: the applied configuration is no object');
  if (applied.apiVersion !== apiVersionOf(type) || applied.kind !== type.kind)
    throw new ApiError(
      'BadRequest',
      `the applied configuration is a ${String(applied.apiVersion)} ${String(applied.kind)}, but the request is for ${apiVersionOf(type)} ${type.kind}`,
    );
  const metadata = isFields(applied.metadata) ? applied.metadata : {};
  if (Array.isArray(metadata.managedFields) && metadata.managedFields.length > 0)
    throw new ApiError('BadRequest', 'metadata.managedFields must be nil');
  return { ...applied, metadata } as unknown as AnyObject;
}

/** Runs a step whose failures are the client's. */
function merging<T>(applied: AnyObject, type: ResourceType, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof MergeError)) throw error;
    const { namespace = '', name } = applied.metadata;
    throw new ApiError(
      'BadRequest',
      `failed to create typed patch object (${namespace}/${name}; ${apiVersionOf(type)}, Kind=${type.kind}): ${error.message}`,
    );
  }
}

/** Kubernetes: the main resource ignores status, the status subresource everything else. */
function withoutReset(claimed: FieldSet, { subresource, statusApart }: ServerSideApply): FieldSet {
  const kept = emptySet();
  for (const [key, set] of claimed.children) {
    const counts = subresource === 'status' ? key === 'f:status' : !statusApart || key !== 'f:status';
    // Everybody names the object; that alone owns nothing.
    if (counts) attach(kept, key, key === 'f:metadata' ? { ...set, own: false } : set);
  }
  return kept;
}

function dropReset(applied: AnyObject, { subresource, statusApart }: ServerSideApply): AnyObject {
  const { apiVersion, kind, metadata, status, ...rest } = applied;
  if (subresource === 'status')
    return { apiVersion, kind, metadata: identity(metadata), ...(status === undefined ? {} : { status }) };
  return statusApart || status === undefined ? { apiVersion, kind, metadata, ...rest } : applied;
}

function identity({ name, namespace, uid, resourceVersion }: AnyObject['metadata']): AnyObject['metadata'] {
  const given = Object.entries({ name, namespace, uid, resourceVersion }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as AnyObject['metadata'];
}

/** Kubernetes: what an object without managers holds belongs to `before-first-apply`. */
function knownManagers(current: AnyObject | undefined, node: SchemaNode, now: string): Manager[] {
  const managers = managersOf(current);
  if (current === undefined || managers.length > 0) return managers;
  const fields = compare(node, {}, ownable(current)).changed;
  fields.own = false;
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion: current.apiVersion, time: now, fields }];
}

function refuseConflicts(
  found: { other: Manager; fields: FieldSet }[],
  fieldManager: string,
  current: AnyObject | undefined,
  node: SchemaNode,
): void {
  const allowed = fieldManager === 'kubectl' ? fieldsLastApplied(current, node) : emptySet();
  const conflicts = found.flatMap(({ other, fields }) =>
    pathsOf(difference(fields, allowed)).map((path) => ({ who: describe(other), path })),
  );
  const [first] = conflicts;
  if (first === undefined) return;
  const causes = conflicts.map(({ who, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${who}`,
    field: path,
  }));
  if (conflicts.length === 1)
    throw new ApiError('Conflict', `Apply failed with 1 conflict: conflict with ${first.who}: ${first.path}`, {
      causes,
    });
  const lines = [...new Set(conflicts.map(({ who }) => who))]
    .sort()
    .flatMap((who) => [
      `conflicts with ${who}:`,
      ...conflicts.filter((one) => one.who === who).map(({ path }) => `- ${path}`),
    ]);
  throw new ApiError('Conflict', `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`, { causes });
}

function describe({ manager, operation, apiVersion, subresource }: Manager): string {
  const who = subresource
    ? `${JSON.stringify(manager)} with subresource ${JSON.stringify(subresource)}`
    : JSON.stringify(manager);
  return operation === 'Update' ? `${who} using ${apiVersion}` : who;
}

/**
 * Kubernetes: the first `kubectl apply --server-side` may take over what `kubectl apply` wrote before, as far as it
 * still has the value that its annotation remembers.
 */
function fieldsLastApplied(current: AnyObject | undefined, node: SchemaNode): FieldSet {
  const text = current?.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return emptySet();
  try {
    const last = canonicalQuantities(node, JSON.parse(text)) as AnyObject;
    const claimed = claimedFields(node, ownable(last));
    const merged = mergeApplied(node, current, last) as AnyObject;
    return difference(claimed, compare(node, ownable(current), ownable(merged)).changed);
  } catch {
    // The annotation is the user's to write; one that cannot be read allows nothing.
    return emptySet();
  }
}
