import { isDeepStrictEqual } from 'node:util';
import { isFields } from '../schema/fields.ts';
import { makeNode, type SchemaNode } from '../schema/node.ts';
import { attach, emptySet, type FieldSet, isEmpty } from './field-set.ts';

/** Fields without a schema: maps merge key by key, everything else has one owner (Kubernetes calls these deduced). */
export const DEDUCED: SchemaNode = makeNode(
  { 'x-kubernetes-preserve-unknown-fields': true },
  { resolve: () => undefined, builtin: false },
);

/** A value that does not fit the way its list or map is merged. */
export class MergeError extends Error {
  override readonly name = 'MergeError';
}

/** The schema of one field of an object, and whether it is a named field rather than a key of a map. */
export function fieldNode(node: SchemaNode, name: string): SchemaNode | undefined {
  return node.field(name) ?? node.values ?? (node.keepsUnknown || node.kind === 'free' ? DEDUCED : undefined);
}

/** How a value is merged: as a whole, field by field, or item by item. */
export function mergeForm(node: SchemaNode, value: unknown): 'whole' | 'fields' | 'items' {
  if (node.atomic) return 'whole';
  if (Array.isArray(value)) return node.kind === 'list' ? 'items' : 'whole';
  return isFields(value) && node.kind !== 'scalar' && node.kind !== 'list' ? 'fields' : 'whole';
}

/** The key of an item of a set or keyed list, as fieldsV1 writes it. */
export function itemKey(node: SchemaNode, item: unknown): string {
  if (node.set) return `v:${JSON.stringify(item)}`;
  const fields = isFields(item) ? item : {};
  const key: Record<string, unknown> = {};
  for (const name of [...(node.keys ?? [])].sort()) {
    const value = fields[name] ?? node.items?.field(name)?.source.default;
    if (value !== undefined && value !== null) key[name] = value;
  }
  if (Object.keys(key).length === 0)
    throw new MergeError(
      `associative list with keys has an element that omits all key fields [${(node.keys ?? []).map((k) => `"${k}"`).join(' ')}]`,
    );
  return `k:${JSON.stringify(key)}`;
}

/** The items of a set or keyed list by their key, in order. */
export function keyedItems(node: SchemaNode, list: readonly unknown[], at: string): Map<string, unknown> {
  const out = new Map<string, unknown>();
  for (const item of list) {
    let key: string;
    try {
      key = itemKey(node, item);
    } catch (error) {
      throw new MergeError(`${at}: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (out.has(key)) throw new MergeError(`${at}: duplicate entries for key ${elementOf(key)}`);
    out.set(key, item);
  }
  return out;
}

function elementOf(key: string): string {
  if (key.startsWith('v:')) return `[=${key.slice(2)}]`;
  const fields = Object.entries(JSON.parse(key.slice(2)) as Record<string, unknown>);
  return `[${fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}

/**
 * The paths that an applied value claims.
 * @throws MergeError naming a field that the schema does not have, or a duplicate item
 */
export function claimedFields(node: SchemaNode, value: unknown, at = ''): FieldSet {
  const form = mergeForm(node, value);
  if (form === 'whole') return emptySet(true);
  const set = emptySet();
  if (form === 'items' && Array.isArray(value)) {
    for (const [key, item] of keyedItems(node, value, at)) {
      const child = claimedFields(node.items ?? DEDUCED, item, `${at}${elementOf(key)}`);
      child.own = true;
      set.children.set(key, child);
    }
  } else if (isFields(value)) {
    for (const [name, field] of Object.entries(value)) {
      const next = fieldNode(node, name);
      if (next === undefined) throw new MergeError(`${at}.${name}: field not declared in schema`);
      const child = claimedFields(next, field, `${at}.${name}`);
      const hollow = field === null || (isFields(field) && Object.keys(field).length === 0);
      if (hollow || node.field(name) === undefined) child.own = true;
      attach(set, `f:${name}`, child);
    }
  }
  return set;
}

/** `applied` laid over `live`: fields and items that only `live` has stay. */
export function mergeApplied(node: SchemaNode, live: unknown, applied: unknown): unknown {
  if (live === undefined || live === null) return applied;
  const form = mergeForm(node, applied);
  if (form === 'fields' && isFields(applied) && isFields(live)) {
    const out: Record<string, unknown> = { ...live };
    for (const [name, value] of Object.entries(applied))
      out[name] = mergeApplied(fieldNode(node, name) ?? DEDUCED, live[name], value);
    return out;
  }
  if (form === 'items' && Array.isArray(applied) && Array.isArray(live)) return mergeItems(node, live, applied);
  return applied;
}

/** Kubernetes: the applied order wins, and items of others keep their place before the next shared one. */
function mergeItems(node: SchemaNode, live: unknown[], applied: unknown[]): unknown[] {
  const left = keyedItems(node, live, '');
  const right = keyedItems(node, applied, '');
  const leftKeys = [...left.keys()];
  const shared = [...right.keys()].filter((key) => left.has(key));
  const out: unknown[] = [];
  let at = 0;
  const takeOthers = (next: string | undefined) => {
    for (; at < leftKeys.length; at++) {
      const key = leftKeys[at] ?? '';
      if (!right.has(key)) out.push(left.get(key));
      else if (key === next) return;
    }
  };
  for (const [key, item] of right) {
    takeOthers(shared[0]);
    out.push(left.has(key) ? mergeApplied(node.items ?? DEDUCED, left.get(key), item) : item);
    if (key !== shared[0]) continue;
    shared.shift();
    if (leftKeys[at] === key) at++;
  }
  takeOthers(undefined);
  return out;
}

export interface Changes {
  /** Added or modified. */
  changed: FieldSet;
  removed: FieldSet;
}

/** The paths in which `after` differs from `before`. */
export function compare(node: SchemaNode, before: unknown, after: unknown): Changes {
  const none = (): Changes => ({ changed: emptySet(), removed: emptySet() });
  if (before === undefined && after === undefined) return none();
  if (before === undefined || after === undefined) {
    const form = mergeForm(node, before ?? after);
    const inner =
      form === 'fields'
        ? compareFields(node, before, after)
        : form === 'items'
          ? compareItems(node, before, after)
          : none();
    (before === undefined ? inner.changed : inner.removed).own = true;
    return inner;
  }
  const form = mergeForm(node, after);
  if (form === 'fields' && isFields(before)) return compareFields(node, before, after);
  if (form === 'items' && Array.isArray(before)) return compareItems(node, before, after);
  return { changed: emptySet(!isDeepStrictEqual(before, after)), removed: emptySet() };
}

function compareFields(node: SchemaNode, before: unknown, after: unknown): Changes {
  const [old, now] = [isFields(before) ? before : {}, isFields(after) ? after : {}];
  const out: Changes = { changed: emptySet(), removed: emptySet() };
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (old[name] === now[name]) continue;
    const child = fieldNode(node, name) ?? DEDUCED;
    const inner =
      isFields(before) && isFields(after) && isStanding(node, name, child)
        ? compare(child, old[name] ?? emptyOf(child), now[name] ?? emptyOf(child))
        : compare(child, old[name], now[name]);
    add(out, `f:${name}`, inner);
  }
  return out;
}

/** Go always writes structs that are no pointers and required lists, if only empty: they are never added or removed. */
function isStanding(parent: SchemaNode, name: string, node: SchemaNode): boolean {
  if (!node.builtin || node.atomic) return false;
  const { default: standing } = node.source;
  if (node.kind === 'list') return parent.source.required?.includes(name) === true;
  return isFields(standing) && Object.keys(standing).length === 0;
}

function emptyOf(node: SchemaNode): unknown {
  return node.kind === 'list' ? [] : {};
}

function compareItems(node: SchemaNode, before: unknown, after: unknown): Changes {
  const [old, now] = [tolerantItems(node, before), tolerantItems(node, after)];
  const out: Changes = { changed: emptySet(), removed: emptySet() };
  for (const key of new Set([...old.keys(), ...now.keys()]))
    add(out, key, compare(node.items ?? DEDUCED, old.get(key), now.get(key)));
  return out;
}

/** Stored lists may hold duplicates (plain writes do not always refuse them): the last one counts. */
function tolerantItems(node: SchemaNode, list: unknown): Map<string, unknown> {
  const out = new Map<string, unknown>();
  for (const item of Array.isArray(list) ? list : []) {
    try {
      out.set(itemKey(node, item), item);
    } catch (error) {
      if (!(error instanceof MergeError)) throw error;
    }
  }
  return out;
}

function add(out: Changes, key: string, inner: Changes): void {
  attach(out.changed, key, inner.changed);
  attach(out.removed, key, inner.removed);
}

/** `value` without what `last` holds and `kept` does not: fields that an applier dropped and nobody else owns. */
export function removeDropped(node: SchemaNode, value: unknown, last: FieldSet, kept: FieldSet): unknown {
  const form = mergeForm(node, value);
  if (form === 'whole') return value;
  const dropped = (key: string) => last.children.has(key) && isEmpty(kept.children.get(key) ?? emptySet());
  const below = (child: SchemaNode, key: string, item: unknown) => {
    const [lastChild, keptChild] = [last.children.get(key), kept.children.get(key)];
    return lastChild === undefined || keptChild === undefined ? item : removeDropped(child, item, lastChild, keptChild);
  };
  if (form === 'items' && Array.isArray(value)) {
    const items = value.map((item) => ({ key: itemKey(node, item), item })).filter(({ key }) => !dropped(key));
    return items.map(({ key, item }) => below(node.items ?? DEDUCED, key, item));
  }
  if (!isFields(value)) return value;
  const out: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value))
    if (!dropped(`f:${name}`)) out[name] = below(fieldNode(node, name) ?? DEDUCED, `f:${name}`, field);
  return out;
}
