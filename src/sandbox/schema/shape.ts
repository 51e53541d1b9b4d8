import { canonicalQuantity } from '../../base/quantity.ts';
import type { SchemaNode } from './node.ts';

/** What shaping an object found; `object` is a copy, except for parts that the schema keeps as they are. */
export interface Shaped {
  object: Record<string, unknown>;
  /** Paths that the schema does not know, in the order found. */
  unknown: string[];
  /** Values of the wrong type, as a Go decoder words them; for Kubernetes' own schemas only, CRDs are validated later. */
  mistyped: string[];
}

interface Walk {
  unknown: string[];
  mistyped: string[];
}

/** Copies an object as its schema has it: unknown fields gone, defaults filled in. One walk over the object. */
export function shape(node: SchemaNode, object: object): Shaped {
  const walk: Walk = { unknown: [], mistyped: [] };
  const shaped = visit(node, object, '', walk) as Record<string, unknown>;
  return { object: shaped, unknown: walk.unknown, mistyped: walk.mistyped };
}

function visit(node: SchemaNode, value: unknown, path: string, walk: Walk): unknown {
  if (node.kind === 'free' || value === null) return value;
  if (node.kind === 'struct' || node.kind === 'map') return visitFields(node, value, path, walk);
  if (node.kind === 'list') {
    if (!Array.isArray(value)) return mistyped(node, value, path, walk);
    const items = node.items;
    return items === undefined ? value : value.map((item, index) => visit(items, item, `${path}[${index}]`, walk));
  }
  if (!node.builtin) return value;
  if (!fits(node, value)) return mistyped(node, value, path, walk);
  return isQuantity(node) ? quantity(value, path, walk) : value;
}

function visitFields(node: SchemaNode, value: unknown, path: string, walk: Walk): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return mistyped(node, value, path, walk);
  const out: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(value)) {
    const child = node.field(key);
    const known = child ?? node.values;
    const at = path === '' ? key : `${path}.${key}`;
    if (known === undefined) {
      if (node.keepsUnknown) out[key] = given;
      else walk.unknown.push(at);
      continue;
    }
    // Kubernetes: a null that the schema does not allow counts as absent, in Go and in structural schemas alike.
    if (given === null && (node.builtin ? child !== undefined : !known.source.nullable && known.kind !== 'free'))
      continue;
    out[key] = visit(known, given, at, walk);
  }
  for (const name of node.defaulted) {
    if (out[name] !== undefined) continue;
    const child = node.field(name);
    if (child === undefined) continue;
    // A default may itself lack fields that have defaults of their own.
    out[name] = visit(child, structuredClone(child.source.default), path === '' ? name : `${path}.${name}`, walk);
  }
  return out;
}

/** A copy with quantities in the form in which they are stored, so that they compare equal to what is stored. */
export function canonicalQuantities(node: SchemaNode, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = node;
    return items === undefined ? value : value.map((item) => canonicalQuantities(items, item));
  }
  if (typeof value !== 'object' || value === null)
    return isQuantity(node) && fits(node, value) ? quantity(value, '', { unknown: [], mistyped: [] }) : value;
  const fields = Object.entries(value).map(([name, field]) => {
    const child = node.field(name) ?? node.values;
    return [name, child === undefined ? field : canonicalQuantities(child, field)];
  });
  return Object.fromEntries(fields);
}

function isQuantity(node: SchemaNode): boolean {
  return node.builtin && node.kind === 'scalar' && node.source.type === undefined && node.source.format === undefined;
}

/** Kubernetes: quantities are stored in canonical form, so that `1000m` and `1` are the same value. */
function quantity(value: unknown, path: string, walk: Walk): unknown {
  try {
    return canonicalQuantity(String(value).trim());
  } catch {
    walk.mistyped.push(
      `${path}: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
    );
    return value;
  }
}

function fits(node: SchemaNode, value: unknown): boolean {
  const { type, format } = node.source;
  if (format === 'int-or-string' || type === undefined) return typeof value === 'string' || typeof value === 'number';
  if (type === 'integer') return typeof value === 'number' && Number.isInteger(value);
  if (type === 'number') return typeof value === 'number';
  return typeof value === type;
}

function mistyped(node: SchemaNode, value: unknown, path: string, walk: Walk): unknown {
  if (node.builtin)
    walk.mistyped.push(
      `json: cannot unmarshal ${jsonType(value)} into Go struct field ${path} of type ${goType(node)}`,
    );
  return value;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number' && !Number.isInteger(value)) return `number ${value}`;
  return value === null ? 'null' : typeof value;
}

function goType(node: SchemaNode): string {
  const { type, format } = node.source;
  if (type === 'integer') return format ?? 'int64';
  if (type === 'boolean') return 'bool';
  if (type === 'number') return 'float64';
  if (node.kind === 'map') return `map[string]${node.values === undefined ? 'string' : goType(node.values)}`;
  if (node.kind === 'list') return `[]${node.items === undefined ? 'string' : goType(node.items)}`;
  return type ?? format ?? 'string';
}
