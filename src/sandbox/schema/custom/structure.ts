import { type FieldError, forbidden, invalid, notSupported, required } from '../field-error.ts';
import type { OpenApiSchema } from '../node.ts';
import { compilePattern } from './formats.ts';
import { compileRules } from './rules.ts';
import { compileValues } from './values.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** Below allOf, anyOf, oneOf and not only value validations may stand. */
const STRUCTURAL_ONLY = [
  'type',
  'title',
  'description',
  'default',
  'additionalProperties',
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const;

/** What keeps a CRD's schema from being structural, and rules in it that cannot be compiled. */
export function checkStructure(schema: OpenApiSchema, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.type === undefined || schema.type === '')
    errors.push(required(`${at}.type`, 'must not be empty at the root'));
  else if (schema.type !== 'object') errors.push(invalid(`${at}.type`, schema.type, 'must be object at the root'));
  if (schema.nullable) errors.push(forbidden(`${at}.nullable`, 'nullable cannot be true at the root'));
  if (schema.additionalProperties) errors.push(forbidden(`${at}.additionalProperties`, 'must not be used at the root'));
  checkPlace(schema, at, errors);
  const { metadata } = schema.properties ?? {};
  const extra = Object.keys(metadata?.properties ?? {}).some((name) => name !== 'name' && name !== 'generateName');
  if (extra)
    errors.push(
      forbidden(
        `${at}.properties[metadata]`,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
  if (errors.length > 0) return errors;
  for (const { at: place, rule, field, problem } of compileRules(schema, at).problems)
    errors.push(invalid(`${place}.${field}`, rule, problem));
  return errors;
}

function checkPlace(schema: OpenApiSchema, at: string, errors: FieldError[]): void {
  const { type, properties = {}, additionalProperties, items } = schema;
  if (schema.$ref !== undefined) errors.push(forbidden(`${at}.$ref`, '$ref is not supported'));
  if (type !== undefined && type !== '' && !TYPES.includes(type)) errors.push(notSupported(`${at}.type`, type, TYPES));
  if (schema.uniqueItems)
    errors.push(
      forbidden(
        `${at}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (additionalProperties && Object.keys(properties).length > 0)
    errors.push(forbidden(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (type === 'array' && items === undefined) errors.push(required(`${at}.items`, 'must be specified'));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(invalid(`${at}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  checkPattern(schema, at, errors);
  checkLists(schema, at, errors);
  checkEmbedded(schema, at, errors);
  checkDefault(schema, at, errors);
  checkValueValidations(schema, at, errors);
  for (const [name, child] of Object.entries(properties))
    checkChild(child, `${at}.properties[${name}]`, 'object fields', errors);
  if (typeof additionalProperties === 'object')
    checkChild(additionalProperties, `${at}.additionalProperties`, 'object fields', errors);
  if (items !== undefined) checkChild(items, `${at}.items`, 'array items', errors);
}

function checkChild(child: OpenApiSchema, at: string, what: string, errors: FieldError[]): void {
  const free = child['x-kubernetes-int-or-string'] || child['x-kubernetes-preserve-unknown-fields'];
  if (!child.type && !free) errors.push(required(`${at}.type`, `must not be empty for specified ${what}`));
  checkPlace(child, at, errors);
}

function checkPattern({ pattern }: OpenApiSchema, at: string, errors: FieldError[]): void {
  if (pattern === undefined) return;
  try {
    compilePattern(pattern);
  } catch (error) {
    errors.push(
      invalid(`${at}.pattern`, pattern, `must be a valid regular expression, but isn't: ${(error as Error).message}`),
    );
  }
}

function checkLists(schema: OpenApiSchema, at: string, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(`${at}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  if (keys !== undefined && keys.length > 0 && listType !== 'map')
    errors.push(required(`${at}.x-kubernetes-list-type`, 'must be map if x-kubernetes-list-map-keys is non-empty'));
  if (listType === undefined) return;
  if (!['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(`${at}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  if (schema.type !== 'array')
    errors.push(invalid(`${at}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'));
  if (listType !== 'map') return;
  if (keys === undefined || keys.length === 0)
    errors.push(required(`${at}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  for (const key of keys ?? []) {
    const field = schema.items?.properties?.[key];
    if (field === undefined)
      errors.push(invalid(`${at}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'));
    else if (field.default === undefined && !schema.items?.required?.includes(key))
      errors.push(
        required(
          `${at}.items.properties[${key}].default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
  }
}

function checkEmbedded(schema: OpenApiSchema, at: string, errors: FieldError[]): void {
  if (!schema['x-kubernetes-embedded-resource']) return;
  if (schema.type !== 'object')
    errors.push(invalid(`${at}.type`, schema.type ?? '', 'must be object if x-kubernetes-embedded-resource is true'));
  if (schema.properties === undefined && !schema['x-kubernetes-preserve-unknown-fields'])
    errors.push(
      required(
        `${at}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
}

function checkDefault(schema: OpenApiSchema, at: string, errors: FieldError[]): void {
  if (schema.default === undefined) return;
  compileValues(schema)(schema.default, `${at}.default`, undefined, errors);
}

function checkValueValidations(schema: OpenApiSchema, at: string, errors: FieldError[]): void {
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const)
    for (const [index, inner] of (schema[junctor] ?? []).entries())
      checkNested(inner, schema, `${at}.${junctor}[${index}]`, errors);
  if (schema.not !== undefined) checkNested(schema.not, schema, `${at}.not`, errors);
}

function checkNested(inner: OpenApiSchema, outer: OpenApiSchema, at: string, errors: FieldError[]): void {
  for (const keyword of STRUCTURAL_ONLY) {
    if (inner[keyword] === undefined) continue;
    // Kubernetes allows one exception: the two types of an int-or-string, written out.
    if (keyword === 'type' && outer['x-kubernetes-int-or-string']) continue;
    errors.push(forbidden(`${at}.${keyword}`, 'must be empty to be structural'));
  }
  checkPattern(inner, at, errors);
  for (const [name, child] of Object.entries(inner.properties ?? {})) {
    const declared = outer.properties?.[name];
    if (declared === undefined && !outer.additionalProperties)
      errors.push(
        required(
          at.replace(/\.(allOf|anyOf|oneOf|not)(\[\d+\])?$/, `.properties[${name}]`),
          `because it is defined in ${at}.properties[${name}]`,
        ),
      );
    checkNested(child, declared ?? {}, `${at}.properties[${name}]`, errors);
  }
  if (inner.items !== undefined) checkNested(inner.items, outer.items ?? {}, `${at}.items`, errors);
  checkValueValidations(inner, at, errors);
}
