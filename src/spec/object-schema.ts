import type { Json } from '../base/object.ts';
import type { ObjectField } from './object-fields.ts';

export type Schema = { [key: string]: Json };

/** A Kubernetes quantity, or the whole number that stands for one. */
export const QUANTITY_PATTERN =
  '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$';

/** What `kubectl explain` shows of a field: its description, and what its absence means. */
export function explain(field: ObjectField): string {
  const { absent, deprecated } = field.options;
  const parts = [field.description];
  if (absent !== undefined) parts.push(`Default: ${absent}.`);
  if (deprecated !== undefined) parts.push(`Deprecated: ${deprecated}.`);
  return parts.join(' ');
}

/** A field as a structural schema, the dialect of OpenAPI v3 that CustomResourceDefinitions are written in. */
export function toStructuralSchema(field: ObjectField): Schema {
  const { options } = field;
  const schema: Schema = { description: explain(field), ...typeOf(field) };
  if (options.default !== undefined) schema.default = options.default;
  if (options.min !== undefined) schema.minimum = options.min;
  if (options.max !== undefined) schema.maximum = options.max;
  if (options.minLength !== undefined) schema.minLength = options.minLength;
  if (options.minItems !== undefined) schema.minItems = options.minItems;
  if (options.values !== undefined && options.enforced !== false) schema.enum = [...options.values];
  if (options.keepsUnknown) schema['x-kubernetes-preserve-unknown-fields'] = true;
  if (options.rules !== undefined)
    schema['x-kubernetes-validations'] = options.rules.map(({ cel, message }) => ({ rule: cel, message }));
  return schema;
}

function typeOf(field: ObjectField): Schema {
  const { format } = field.options;
  switch (field.type) {
    case 'object':
      return objectSchema(field);
    case 'opaque':
      return { type: 'object' };
    case 'list':
      return { type: 'array', items: itemSchema(field) };
    case 'map':
      return { type: 'object', additionalProperties: itemSchema(field) };
    case 'quantity':
      return {
        anyOf: [{ type: 'integer' }, { type: 'string' }],
        pattern: QUANTITY_PATTERN,
        'x-kubernetes-int-or-string': true,
      };
    case 'integer':
      return { type: 'integer', format: format ?? 'int32' };
    case 'boolean':
      return { type: 'boolean' };
    default:
      return format === 'date-time' ? { type: 'string', format } : { type: 'string' };
  }
}

function itemSchema(field: ObjectField): Schema {
  return field.items === undefined ? {} : toStructuralSchema(field.items);
}

function objectSchema(field: ObjectField): Schema {
  const entries = Object.entries(field.properties ?? {});
  const required = entries.filter(([, property]) => property.options.required).map(([name]) => name);
  return {
    type: 'object',
    ...(required.length > 0 ? { required } : {}),
    properties: Object.fromEntries(entries.map(([name, property]) => [name, toStructuralSchema(property)])),
  };
}
