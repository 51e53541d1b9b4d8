import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ObjectMeta, ResourceType } from '../base/object.ts';
import { canonicalQuantity } from '../base/quantity.ts';
import { FIELD_MANAGER, type KubeClient, type RequestOptions } from './client.ts';

type Fields = { [key: string]: unknown };

/** An object as it is applied: only the fields that we decide about. */
export interface Applied {
  apiVersion: string;
  kind: string;
  metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'labels' | 'annotations' | 'ownerReferences' | 'finalizers'>;
  spec?: unknown;
  data?: unknown;
}

export interface ApplyOptions extends RequestOptions {
  fieldManager?: string | undefined;
  /** Take fields over from other managers instead of failing with KubernetesConflict; true unless told otherwise. */
  force?: boolean | undefined;
  dryRun?: boolean | undefined;
}

export interface ApplyResult<T> {
  object: T;
  /** False when the live object was already as wanted and nothing was written. */
  written: boolean;
}

/** Server-side apply under our field manager; creates the object when it is not there. Always writes. */
export function applyObject<T = KubeObject>(
  client: Pick<KubeClient, 'patch'>,
  type: ResourceType,
  object: Applied,
  options: ApplyOptions = {},
): Promise<T> {
  const { force = true, fieldManager = FIELD_MANAGER, ...rest } = options;
  const { name, namespace } = object.metadata;
  return client.patch<T>(type, name, object, { ...rest, namespace, fieldManager, force, type: 'apply' });
}

/**
 * Applies only when that would change something. `live` is the object as the server has it, with its managedFields;
 * when it is not given it is read first.
 */
export async function applyIfChanged<T extends KubeObject = KubeObject>(
  client: Pick<KubeClient, 'patch' | 'find'>,
  type: ResourceType,
  object: Applied,
  options: ApplyOptions & { live?: T | undefined } = {},
): Promise<ApplyResult<T>> {
  const { live: given, ...rest } = options;
  const { name, namespace } = object.metadata;
  const { signal, timeoutMs } = options;
  const live = given ?? (await client.find<T>(type, name, { namespace, signal, timeoutMs }));
  if (live && !applyWouldChange(live, object, options.fieldManager)) return { object: live, written: false };
  return { object: await applyObject<T>(client, type, object, rest), written: true };
}

/**
 * Whether applying `wanted` would change the live object or what it records as ours. Three questions: does the live
 * object hold every value that we want, do we own every field that we want (a value that only another manager set would
 * go with it), and do we own nothing more (a field that we applied once and want no longer has to go).
 * Values that the server writes in another way count as different, save quantities; then one write too many is done.
 */
export function applyWouldChange(live: KubeObject, wanted: Applied, manager = FIELD_MANAGER): boolean {
  const entry = managedFieldsOf(live).find(
    (fields) => fields.manager === manager && fields.operation === 'Apply' && !fields.subresource,
  );
  if (!entry || !isFields(entry.fieldsV1)) return true;
  const { apiVersion: _a, kind: _k, metadata, ...rest } = wanted as Applied & Fields;
  const { name: _n, namespace: _s, ...meta } = metadata;
  const mine = Object.keys(meta).length > 0 ? { ...rest, metadata: meta } : rest;
  return !(
    ownsAll(entry.fieldsV1, mine) &&
    ownsNoMore(entry.fieldsV1, mine) &&
    holds(live, mine, entry.fieldsV1, false)
  );
}

interface ManagedFields {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: unknown;
}

function managedFieldsOf(live: KubeObject): ManagedFields[] {
  return (live.metadata.managedFields ?? []).filter(isFields);
}

/**
 * Whether every value of `wanted` is in `live`. Other managers may have added keys to maps and entries to keyed lists;
 * where we own a value as a whole (an atomic list, an empty node of `owned`) it must be the same throughout, for there
 * nothing tells a default of the server from what we applied once.
 */
function holds(live: unknown, wanted: unknown, owned: Fields | undefined, quantities: boolean): boolean {
  const whole = owned === undefined || isLeaf(owned);
  if (Array.isArray(wanted)) {
    if (!Array.isArray(live)) return false;
    if (whole)
      return live.length === wanted.length && wanted.every((item, at) => holds(live[at], item, undefined, quantities));
    return wanted.every((item) => {
      const entry = memberFor(owned, item);
      const member = entry && live.find((other) => matchesKey(entry.path, other));
      return entry !== undefined && member !== undefined && holds(member, item, entry.below, quantities);
    });
  }
  if (isFields(wanted)) {
    if (!isFields(live)) return false;
    if (whole && Object.keys(live).some((key) => wanted[key] === undefined)) return false;
    return Object.entries(wanted).every(([key, value]) => {
      if (value === undefined) return true;
      const field = whole ? undefined : owned[`f:${key}`];
      // Labels and annotations are texts whatever they look like.
      const numeric = key !== 'metadata' && (quantities || key === 'spec');
      return holds(live[key], value, isFields(field) ? field : undefined, numeric);
    });
  }
  if (live === wanted) return true;
  return quantities && isQuantity(live) && isQuantity(wanted) && canonicalQuantity(live) === canonicalQuantity(wanted);
}

const QUANTITY = /^[+-]?\d+(\.\d+)?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?$/;

function isQuantity(value: unknown): value is string {
  return typeof value === 'string' && QUANTITY.test(value);
}

/** Whether a fieldsV1 tree covers every field of `wanted`. An empty node owns the whole value. */
function ownsAll(owned: Fields, wanted: unknown): boolean {
  if (isLeaf(owned)) return true;
  if (Array.isArray(wanted))
    return wanted.every((item) => {
      const member = memberFor(owned, item);
      return member !== undefined && ownsAll(member.below, item);
    });
  if (!isFields(wanted)) return true;
  return Object.entries(wanted).every(([key, value]) => {
    if (value === undefined) return true;
    const field = owned[`f:${key}`];
    return isFields(field) && ownsAll(field, value);
  });
}

/** Whether `wanted` has every field that a fieldsV1 tree owns. */
function ownsNoMore(owned: Fields, wanted: unknown): boolean {
  return Object.entries(owned).every(([path, below]) => {
    if (path === '.' || !isFields(below)) return true;
    if (path.startsWith('f:')) {
      const value = isFields(wanted) ? wanted[path.slice(2)] : undefined;
      return value !== undefined && ownsNoMore(below, value);
    }
    if (!Array.isArray(wanted)) return false;
    const member = wanted.find((item) => memberFor({ [path]: below }, item) !== undefined);
    return member !== undefined && ownsNoMore(below, member);
  });
}

/** The node of a list's entry and its path: `k:{"name":"a"}` by key fields, `v:"a"` by value. */
function memberFor(owned: Fields, item: unknown): { path: string; below: Fields } | undefined {
  for (const [path, below] of Object.entries(owned))
    if (isFields(below) && matchesKey(path, item)) return { path, below };
  return undefined;
}

function matchesKey(path: string, item: unknown): boolean {
  if (path.startsWith('v:')) return isDeepStrictEqual(JSON.parse(path.slice(2)), item);
  if (!path.startsWith('k:') || !isFields(item)) return false;
  const keys: unknown = JSON.parse(path.slice(2));
  if (!isFields(keys)) return false;
  // A key field that the server defaults (a port's protocol) need not be in what we apply.
  return Object.entries(keys).every(([key, value]) => item[key] === undefined || item[key] === value);
}

function isLeaf(node: Fields): boolean {
  return Object.keys(node).length === 0;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
