import { isDeepStrictEqual } from 'node:util';
import {
  duplicate,
  type FieldError,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from '../field-error.ts';
import { isFields } from '../fields.ts';
import type { OpenApiSchema } from '../node.ts';
import { compilePattern, hasFormat, inRange } from './formats.ts';

/** Adds to `out` what is wrong with a value at a path; `old` is the stored value at the same place, if any. */
export type Check = (value: unknown, at: string, old: unknown, out: FieldError[]) => void;

/**
 * Compiles the value validations of a structural schema. Children are compiled when a value first reaches them.
 * Kubernetes: a value that an update leaves as it was is not validated again (CRD validation ratcheting).
 */
export function compileValues(schema: OpenApiSchema): Check {
  const checks = [lists(schema), strings(schema), numbers(schema), enumeration(schema), composed(schema)].filter(
    (check) => check !== undefined,
  );
  const nested = schema.type === 'array' ? items(schema) : fields(schema);
  return (value, at, old, out) => {
    if (old !== undefined && isDeepStrictEqual(value, old)) return;
    if (value === null && schema.nullable) return;
    const type = wrongType(schema, value);
    if (type !== undefined) {
      out.push(typeInvalid(at, type, `${at} in body must be of type ${expectedType(schema)}: ${JSON.stringify(type)}`));
      return;
    }
    for (const check of checks) check(value, at, old, out);
    nested(value, at, old, out);
  };
}

function expectedType(schema: OpenApiSchema): string {
  return schema['x-kubernetes-int-or-string'] ? 'integer,string' : (schema.type ?? '');
}

/** The JSON type of a value that the schema does not allow. */
function wrongType(schema: OpenApiSchema, value: unknown): string | undefined {
  const actual = jsonType(value);
  if (schema['x-kubernetes-int-or-string']) return actual === 'integer' || actual === 'string' ? undefined : actual;
  if (schema.type === undefined || schema.type === actual) return undefined;
  return schema.type === 'number' && actual === 'integer' ? undefined : actual;
}

export function jsonType(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function lists(schema: OpenApiSchema): Check | undefined {
  const { minItems, maxItems } = schema;
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (minItems === undefined && maxItems === undefined && listType !== 'set' && listType !== 'map') return undefined;
  return (value, at, _old, out) => {
    if (!Array.isArray(value)) return;
    if (minItems !== undefined && value.length < minItems)
      out.push(invalid(at, value.length, `${at} in body should have at least ${minItems} items`));
    if (maxItems !== undefined && value.length > maxItems) out.push(tooMany(at, value.length, maxItems));
    if (listType !== 'set' && listType !== 'map') return;
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      const key =
        listType === 'set' || !isFields(item) ? item : Object.fromEntries(keys.map((name) => [name, item[name]]));
      const text = JSON.stringify(key);
      if (seen.has(text)) out.push(duplicate(`${at}[${index}]`, key));
      seen.add(text);
    }
  };
}

function strings(schema: OpenApiSchema): Check | undefined {
  const { minLength, maxLength, pattern, format } = schema;
  if (minLength === undefined && maxLength === undefined && pattern === undefined && format === undefined)
    return undefined;
  const compiled = pattern === undefined ? undefined : compilePattern(pattern);
  return (value, at, _old, out) => {
    if (typeof value !== 'string') return;
    const length = [...value].length;
    if (maxLength !== undefined && length > maxLength) out.push(tooLong(at, maxLength));
    if (minLength !== undefined && length < minLength)
      out.push(invalid(at, value, `${at} in body should be at least ${minLength} chars long`));
    if (compiled !== undefined && !compiled.test(value))
      out.push(invalid(at, value, `${at} in body should match '${pattern}'`));
    if (format !== undefined && !hasFormat(format, value))
      out.push(typeInvalid(at, value, `${at} in body must be of type ${format}: ${JSON.stringify(value)}`));
  };
}

function numbers(schema: OpenApiSchema): Check | undefined {
  const { minimum, maximum, multipleOf, format } = schema;
  if (schema.type !== 'integer' && schema.type !== 'number' && !schema['x-kubernetes-int-or-string']) return undefined;
  return (value, at, _old, out) => {
    if (typeof value !== 'number') return;
    const fail = (should: string) => out.push(invalid(at, value, `${at} in body should be ${should}`));
    if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum))
      fail(schema.exclusiveMinimum ? `greater than ${minimum}` : `greater than or equal to ${minimum}`);
    if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum))
      fail(schema.exclusiveMaximum ? `less than ${maximum}` : `less than or equal to ${maximum}`);
    if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) fail(`a multiple of ${multipleOf}`);
    if (format !== undefined && !inRange(format, value)) fail(`a value of type integer with format ${format}`);
  };
}

function enumeration(schema: OpenApiSchema): Check | undefined {
  const allowed = schema.enum;
  if (allowed === undefined) return undefined;
  const texts = allowed.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  return (value, at, _old, out) => {
    if (!allowed.some((one) => isDeepStrictEqual(one, value))) out.push(notSupported(at, value, texts));
  };
}

function composed(schema: OpenApiSchema): Check | undefined {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  // An int-or-string says its two types once more as anyOf.
  const plainAnyOf = schema['x-kubernetes-int-or-string'] ? [] : anyOf;
  if (allOf.length + plainAnyOf.length + oneOf.length === 0 && not === undefined) return undefined;
  const all = allOf.map(compileValues);
  const any = plainAnyOf.map(compileValues);
  const one = oneOf.map(compileValues);
  const none = not && compileValues(not);
  return (value, at, _old, out) => {
    const fail = (text: string) => out.push(invalid(at, '', `"${at}" ${text}`));
    for (const found of results(all, value, at)) out.push(...found);
    const anyErrors = results(any, value, at);
    if (any.length > 0 && !anyErrors.some(isClean)) {
      fail('must validate at least one schema (anyOf)');
      out.push(...fewest(anyErrors));
    }
    const oneErrors = results(one, value, at);
    const matches = oneErrors.filter(isClean).length;
    if (one.length > 0 && matches !== 1) {
      fail(
        `must validate one and only one schema (oneOf). Found ${matches === 0 ? 'none valid' : `${matches} valid alternatives`}`,
      );
      if (matches === 0) out.push(...fewest(oneErrors));
    }
    if (none && results([none], value, at).some(isClean)) fail('must not validate the schema (not)');
  };
}

const isClean = (errors: FieldError[]) => errors.length === 0;

function results(checks: Check[], value: unknown, at: string): FieldError[][] {
  return checks.map((check) => {
    const out: FieldError[] = [];
    check(value, at, undefined, out);
    return out;
  });
}

function fewest(errors: FieldError[][]): FieldError[] {
  return errors.reduce<FieldError[]>((best, next) => (next.length < best.length ? next : best), errors[0] ?? []);
}

function items(schema: OpenApiSchema): Check {
  const itemSchema = schema.items;
  if (itemSchema === undefined) return () => {};
  let check: Check | undefined;
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined;
  return (value, at, old, out) => {
    if (!Array.isArray(value)) return;
    check ??= compileValues(itemSchema);
    for (const [index, item] of value.entries()) check(item, `${at}[${index}]`, correlate(keys, old, item), out);
  };
}

/** The old item with the same keys; items of other lists have no counterpart. */
export function correlate(keys: readonly string[] | undefined, old: unknown, item: unknown): unknown {
  if (keys === undefined || !Array.isArray(old) || !isFields(item)) return undefined;
  return old.find((one) => isFields(one) && keys.every((key) => isDeepStrictEqual(one[key], item[key])));
}

function fields(schema: OpenApiSchema): Check {
  const { properties = {}, additionalProperties, minProperties, maxProperties } = schema;
  const compiled = new Map<string, Check>();
  const checkOf = (name: string): Check | undefined => {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const child = own ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (child === undefined) return undefined;
    const made = compileValues(child);
    // Keys of maps are data: keeping a check for each of them would grow without end.
    if (own !== undefined) compiled.set(name, made);
    return made;
  };
  return (value, at, old, out) => {
    if (!isFields(value)) return;
    const count = Object.keys(value).length;
    if (minProperties !== undefined && count < minProperties)
      out.push(invalid(at, count, `${at} in body should have at least ${minProperties} properties`));
    if (maxProperties !== undefined && count > maxProperties) out.push(tooMany(at, count, maxProperties));
    for (const name of schema.required ?? [])
      if (value[name] === undefined) out.push(required(at === '' ? name : `${at}.${name}`));
    const before = isFields(old) ? old : {};
    for (const [name, field] of Object.entries(value))
      checkOf(name)?.(field, at === '' ? name : `${at}.${name}`, before[name], out);
    if (schema['x-kubernetes-embedded-resource'])
      for (const name of ['apiVersion', 'kind'])
        if (!value[name]) out.push(required(`${at}.${name}`, 'must not be empty'));
  };
}
