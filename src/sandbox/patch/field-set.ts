/**
 * A set of field paths as managedFields writes them (fieldsV1). Keys are `f:<field>`, `k:<item's keys as JSON>` and
 * `v:<item as JSON>`; `own` says that the path to this place is itself in the set.
 */
export interface FieldSet {
  own: boolean;
  children: Map<string, FieldSet>;
}

export function emptySet(own = false): FieldSet {
  return { own, children: new Map() };
}

export function isEmpty(set: FieldSet): boolean {
  return !set.own && set.children.size === 0;
}

/** Puts `child` at `key`, unless there is nothing in it. */
export function attach(set: FieldSet, key: string, child: FieldSet): void {
  if (!isEmpty(child)) set.children.set(key, child);
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const out: FieldSet = { own: a.own || b.own, children: new Map(a.children) };
  for (const [key, child] of b.children) {
    const known = a.children.get(key);
    out.children.set(key, known === undefined ? child : union(known, child));
  }
  return out;
}

/** The paths of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const out = emptySet(a.own && !b.own);
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    attach(out, key, other === undefined ? child : difference(child, other));
  }
  return out;
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const out = emptySet(a.own && b.own);
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    if (other !== undefined) attach(out, key, intersection(child, other));
  }
  return out;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a.own !== b.own || a.children.size !== b.children.size) return false;
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    if (other === undefined || !equalSets(child, other)) return false;
  }
  return true;
}

/** Every path of the set as Kubernetes prints it: `.spec.containers[name="x"].image`. */
export function pathsOf(set: FieldSet, at = ''): string[] {
  const own = set.own && at !== '' ? [at] : [];
  return [...own, ...[...set.children].flatMap(([key, child]) => pathsOf(child, at + elementText(key)))];
}

function elementText(key: string): string {
  const value = key.slice(2);
  if (key.startsWith('f:')) return `.${value}`;
  if (key.startsWith('k:')) {
    const fields = Object.entries(JSON.parse(value) as Record<string, unknown>);
    return `[${fields.map(([name, field]) => `${name}=${JSON.stringify(field)}`).join(',')}]`;
  }
  return `[=${value}]`;
}

/** The set as fieldsV1 JSON: a leaf is {}, a place with children that is itself in the set has ".". */
export function encodeSet(set: FieldSet): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (set.own && set.children.size > 0) out['.'] = {};
  for (const key of [...set.children.keys()].sort()) out[key] = encodeSet(set.children.get(key) ?? emptySet());
  return out;
}

/** Reads fieldsV1 JSON; what is not an object counts as a leaf. */
export function decodeSet(fields: unknown, root = true): FieldSet {
  const entries = Object.entries(typeof fields === 'object' && fields !== null ? fields : {});
  const set = emptySet(!root && (entries.length === 0 || entries.some(([key]) => key === '.')));
  for (const [key, value] of entries) if (key !== '.') set.children.set(key, decodeSet(value, false));
  return set;
}
