import { nearest } from '../base/nearest.ts';
import type { ObjectField } from './object-fields.ts';
import type { ObjectKind } from './object-kind.ts';
import { checkMetadata } from './object-metadata.ts';
import type { Path } from './object-path.ts';
import { collectProblems, type ObjectProblem, type ProblemSink } from './object-problem.ts';
import { QUANTITY_PATTERN } from './object-schema.ts';

export interface ObjectValidation {
  /** The object as an API server would keep it: unknown fields and nulls dropped, defaults written in. */
  object: Record<string, unknown>;
  problems: ObjectProblem[];
  /** Unknown fields and values that are ignored. */
  warnings: ObjectProblem[];
}

/** Checks a manifest against its kind the way an API server does, and finds everything in one go. */
export function validateKind(kind: ObjectKind, raw: unknown): ObjectValidation {
  const sink = collectProblems();
  if (!isObject(raw)) {
    sink.problem([], `must be an object, not ${describe(raw)}`, raw);
    return { object: {}, problems: sink.problems, warnings: sink.warnings };
  }
  const { apiVersion, kind: name, metadata, ...rest } = raw;
  const { group, version, kind: expected, namespaced } = kind.type;
  if (apiVersion !== `${group}/${version}`) sink.problem(['apiVersion'], `must be ${group}/${version}`, apiVersion);
  if (name !== expected) sink.problem(['kind'], `must be ${expected}`, name);
  checkMetadata(metadata, namespaced, sink);
  const body: ObjectField = {
    type: 'object',
    description: kind.description,
    options: {},
    properties: { spec: kind.spec, status: kind.status },
  };
  const kept = checkObject(body, rest, [], sink);
  return { object: { apiVersion, kind: name, metadata, ...kept }, problems: sink.problems, warnings: sink.warnings };
}

function checkValue(field: ObjectField, value: unknown, path: Path, sink: ProblemSink): unknown {
  switch (field.type) {
    case 'object':
      if (isObject(value)) return checkObject(field, value, path, sink);
      break;
    case 'opaque':
      if (isObject(value)) return value;
      break;
    case 'list':
      if (Array.isArray(value)) return checkList(field, value, path, sink);
      break;
    case 'map':
      if (isObject(value)) return checkMap(field, value, path, sink);
      break;
    case 'string':
      if (typeof value === 'string') return checkText(field, value, path, sink);
      break;
    case 'integer':
      if (typeof value === 'number') return checkInteger(field, value, path, sink);
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'quantity':
      if (typeof value === 'string' ? new RegExp(QUANTITY_PATTERN).test(value) : Number.isInteger(value)) return value;
      break;
  }
  sink.problem(path, wrongType(field, value), value);
  return value;
}

function checkObject(field: ObjectField, value: Record<string, unknown>, path: Path, sink: ProblemSink) {
  const properties = field.properties ?? {};
  const kept: Record<string, unknown> = {};
  for (const [name, element] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) {
      if (field.options.keepsUnknown) kept[name] = element;
      else sink.warning([...path, name], unknownField(name, Object.keys(properties), value), element);
    } else if (element === null) {
      // Kubernetes drops a null whose field is not nullable, so `minReplicaCount:` with nothing behind it is absent.
      if (!property.options.required) sink.warning([...path, name], 'has no value and is ignored');
    } else {
      if (property.options.deprecated !== undefined)
        sink.warning([...path, name], `is deprecated: ${property.options.deprecated}`);
      kept[name] = checkValue(property, element, [...path, name], sink);
    }
  }
  for (const [name, property] of Object.entries(properties)) {
    if (kept[name] !== undefined) continue;
    const fallback = property.options.default;
    if (fallback !== undefined) kept[name] = fallback;
    else if (property.options.required)
      sink.problem([...path, name], `is missing: ${lowerFirst(property.description)}`);
  }
  for (const rule of field.options.rules ?? [])
    if (!rule.holds(kept)) sink.problem([...path, rule.field], rule.message, kept[rule.field], 'usable');
  return kept;
}

function checkList(field: ObjectField, value: unknown[], path: Path, sink: ProblemSink): unknown[] {
  const { minItems } = field.options;
  if (minItems !== undefined && value.length < minItems)
    sink.problem(path, `must have at least ${minItems} ${minItems === 1 ? 'entry' : 'entries'}`, value, 'usable');
  const { items } = field;
  return items === undefined
    ? value
    : value.map((element, index) => checkValue(items, element, [...path, index], sink));
}

function checkMap(field: ObjectField, value: Record<string, unknown>, path: Path, sink: ProblemSink) {
  const { items } = field;
  if (items === undefined) return value;
  const kept: Record<string, unknown> = {};
  for (const [name, element] of Object.entries(value)) {
    if (element === null) sink.warning([...path, name], 'has no value and is ignored');
    else kept[name] = checkValue(items, element, [...path, name], sink);
  }
  return kept;
}

function checkText(field: ObjectField, value: string, path: Path, sink: ProblemSink): string {
  const { values, enforced, minLength, format } = field.options;
  if (minLength !== undefined && value.length < minLength) sink.problem(path, 'must not be empty', value);
  else if (values !== undefined && enforced !== false && !values.includes(value)) {
    const meant = nearest(value, values);
    const known = values.map((known) => (known === '' ? '""' : known)).join(', ');
    sink.problem(path, `must be one of ${known}${meant ? `; did you mean ${meant}?` : ''}`, value);
  } else if (format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(value))
    sink.problem(path, 'must be a time such as 2026-01-31T12:00:00Z', value);
  return value;
}

function checkInteger(field: ObjectField, value: number, path: Path, sink: ProblemSink): number {
  const { min, max, format } = field.options;
  const widest = format === 'int64' ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1;
  if (!Number.isInteger(value)) sink.problem(path, 'must be a whole number', value);
  else if (value < (min ?? -widest - 1)) sink.problem(path, `must be at least ${min ?? -widest - 1}`, value, 'usable');
  else if (value > (max ?? widest)) sink.problem(path, `must be at most ${max ?? widest}`, value, 'usable');
  return value;
}

const EXPECTED = {
  object: 'a map of fields',
  opaque: 'a map of fields',
  map: 'a map of names and values',
  list: 'a list',
  string: 'text',
  integer: 'a whole number',
  boolean: 'true or false',
  quantity: 'a quantity such as 500m or "0.5"',
} as const;

function wrongType(field: ObjectField, value: unknown): string {
  const wrong = `must be ${EXPECTED[field.type]}, not ${describe(value)}`;
  if (field.type === 'string' && typeof value === 'number') return `${wrong}: put it in quotes ("${value}")`;
  // What was written may be yes, no, on, off, y or n: all of them are booleans to kubectl.
  if (field.type === 'string' && typeof value === 'boolean') return `${wrong}: put it in quotes`;
  if (typeof value === 'string' && field.type === 'integer' && /^-?\d+$/.test(value))
    return `${wrong}: take off the quotes (${value})`;
  if (typeof value === 'string' && field.type === 'boolean' && /^(true|false)$/.test(value))
    return `${wrong}: take off the quotes (${value})`;
  if (field.type === 'quantity' && typeof value === 'number') return `${wrong}: put it in quotes ("${value}")`;
  if (field.type === 'list') return `${wrong}: begin each entry with a dash`;
  return wrong;
}

function unknownField(name: string, known: readonly string[], siblings: Record<string, unknown>): string {
  const free = known.filter((candidate) => siblings[candidate] === undefined);
  const meant = nearest(name, free) ?? sameStart(name, free);
  return `is not a field here and is ignored${meant ? `; did you mean ${meant}?` : ''}`;
}

/** `minReplicas`, as an HPA has it, is minReplicaCount here: most of the name is the beginning of the other. */
function sameStart(name: string, candidates: readonly string[]): string | undefined {
  const shared = (other: string) => {
    let length = 0;
    while (length < name.length && name[length]?.toLowerCase() === other[length]?.toLowerCase()) length++;
    return length;
  };
  return candidates.find((candidate) => shared(candidate) >= Math.max(4, (name.length * 2) / 3));
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  return typeof value === 'object' ? 'a map' : typeof value === 'boolean' ? 'true or false' : 'a number';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
