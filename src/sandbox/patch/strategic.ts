import { isDeepStrictEqual } from 'node:util';
import { isFields } from '../schema/fields.ts';
import type { SchemaNode } from '../schema/node.ts';
import { ApiError } from '../types.ts';
import { DEDUCED, fieldNode } from './typed.ts';

type Fields = Record<string, unknown>;

const ORDER = '$setElementOrder/';
const REMOVE = '$deleteFromPrimitiveList/';

/**
 * Strategic merge patch: like a merge patch, but lists with a merge key are merged item by item, and directives in the
 * patch delete, replace and order. `current` is not changed.
 * @throws ApiError BadRequest when the patch does not follow the schema
 */
export function strategicMergePatch(node: SchemaNode, current: unknown, patch: unknown): unknown {
  if (!isFields(patch)) throw bad('the patch is no object');
  return mergeFields(node, isFields(current) ? current : {}, patch, '');
}

function bad(why: string): ApiError {
  return new ApiError('BadRequest', `invalid strategic merge patch: ${why}`);
}

function strategies(node: SchemaNode): string[] {
  return node.source['x-kubernetes-patch-strategy']?.split(',') ?? [];
}

function mergeFields(node: SchemaNode, current: Fields, patch: Fields, at: string): Fields | undefined {
  const directive = patch.$patch;
  if (directive === 'delete') return undefined;
  if (directive === 'replace') return plainFields(patch);
  if (directive !== undefined && directive !== 'merge')
    throw bad(`unknown $patch ${JSON.stringify(directive)} at "${at}"`);
  const out: Fields = { ...current };
  const retained = patch.$retainKeys;
  if (Array.isArray(retained)) for (const name of Object.keys(out)) if (!retained.includes(name)) delete out[name];
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    if (value === null) delete out[name];
    else set(out, name, mergeValue(fieldNode(node, name) ?? DEDUCED, out[name], value, `${at}.${name}`));
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(REMOVE)) removeScalars(out, name.slice(REMOVE.length), value);
    if (name.startsWith(ORDER)) {
      const field = name.slice(ORDER.length);
      order(fieldNode(node, field) ?? DEDUCED, out, field, {
        given: value,
        patched: patch[field],
        before: current[field],
      });
    }
  }
  return out;
}

function set(out: Fields, name: string, value: unknown): void {
  if (value === undefined) delete out[name];
  else out[name] = value;
}

function mergeValue(node: SchemaNode, current: unknown, value: unknown, at: string): unknown {
  if (isFields(value)) {
    if (strategies(node).includes('replace')) return plain(value);
    return mergeFields(node, isFields(current) ? current : {}, value, at);
  }
  if (!Array.isArray(value)) return value;
  if (!strategies(node).includes('merge')) return plain(value);
  const key = node.source['x-kubernetes-patch-merge-key'];
  const list = Array.isArray(current) ? current : [];
  if (key === undefined) return [...list, ...value.filter((item) => !list.some((one) => isDeepStrictEqual(one, item)))];
  return mergeItems(node.items ?? DEDUCED, key, list, value, at);
}

function mergeItems(node: SchemaNode, key: string, current: unknown[], patch: unknown[], at: string): unknown[] {
  const items = patch.map((item, index) => {
    if (!isFields(item)) throw bad(`item ${index} of "${at}" is no object`);
    return item;
  });
  const replaces = items.some((item) => item.$patch === 'replace' && item[key] === undefined);
  let out: unknown[] = replaces ? [] : [...current];
  for (const item of items) {
    const id = item[key];
    if (id === undefined && item.$patch === 'replace') continue;
    if (id === undefined) throw bad(`an item of "${at}" lacks the merge key ${JSON.stringify(key)}`);
    const same = (one: unknown) => isFields(one) && isDeepStrictEqual(one[key], id);
    if (item.$patch === 'delete') out = out.filter((one) => !same(one));
    else {
      const found = out.findIndex(same);
      const merged = mergeFields(node, found < 0 ? {} : (out[found] as Fields), item, at);
      if (found < 0) out.push(merged);
      else out[found] = merged;
    }
  }
  return out;
}

function removeScalars(out: Fields, name: string, values: unknown): void {
  const list = out[name];
  if (!Array.isArray(list) || !Array.isArray(values)) return;
  out[name] = list.filter((item) => !values.some((value) => isDeepStrictEqual(value, item)));
}

/** Kubernetes: named items come in the given order; items of others stay before the named one that they stood before. */
function order(
  node: SchemaNode,
  out: Fields,
  name: string,
  { given, patched, before: old }: { given: unknown; patched: unknown; before: unknown },
): void {
  const list = out[name];
  const current = Array.isArray(old) ? old : [];
  if (!Array.isArray(list) || !Array.isArray(given)) return;
  const key = node.source['x-kubernetes-patch-merge-key'];
  const idOf = (item: unknown) => JSON.stringify(key !== undefined && isFields(item) ? item[key] : item);
  const wanted = given.map(idOf);
  for (const item of Array.isArray(patched) ? patched : [])
    if (!(isFields(item) && item.$patch !== undefined) && !wanted.includes(idOf(item)))
      throw bad(`the items of "${name}" are not all in ${ORDER}${name}`);
  const at = new Map(list.map((item, index) => [idOf(item), index]));
  const ordered = wanted.filter((id) => at.has(id)).map((id) => list[at.get(id) ?? 0]);
  const before = current.map(idOf);
  const result: unknown[] = [];
  for (const other of list.filter((item) => !wanted.includes(idOf(item)))) {
    const place = before.indexOf(idOf(other));
    while (ordered.length > 0 && before.indexOf(idOf(ordered[0])) < place) result.push(ordered.shift());
    result.push(other);
  }
  out[name] = [...result, ...ordered];
}

/** New values lose their directives and nulls. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !(isFields(item) && item.$patch !== undefined)).map(plain);
  return isFields(value) ? plainFields(value) : value;
}

function plainFields(value: Fields): Fields {
  const kept = Object.entries(value).filter(([name, field]) => !name.startsWith('$') && field !== null);
  return Object.fromEntries(kept.map(([name, field]) => [name, plain(field)]));
}
