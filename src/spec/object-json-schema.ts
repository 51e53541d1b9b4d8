import type { ObjectField } from './object-fields.ts';
import type { ObjectKind } from './object-kind.ts';
import { explain, QUANTITY_PATTERN, type Schema } from './object-schema.ts';

const strings: Schema = { type: 'object', additionalProperties: { type: 'string' } };

/** A field as JSON Schema for editors: unknown fields are marked, and known values are offered. */
export function toJsonSchema(field: ObjectField): Schema {
  const { options, items } = field;
  const schema: Schema = { description: explain(field) };
  if (options.deprecated !== undefined) schema.deprecated = true;
  if (options.default !== undefined) schema.default = options.default;
  switch (field.type) {
    case 'object': {
      const entries = Object.entries(field.properties ?? {});
      const required = entries.filter(([, f]) => f.options.required && f.options.default === undefined);
      return {
        ...schema,
        type: 'object',
        ...(required.length > 0 ? { required: required.map(([name]) => name) } : {}),
        additionalProperties: false,
        properties: Object.fromEntries(entries.map(([name, property]) => [name, toJsonSchema(property)])),
      };
    }
    case 'opaque':
      return { ...schema, type: 'object' };
    case 'list':
      return {
        ...schema,
        type: 'array',
        ...(options.minItems === undefined ? {} : { minItems: options.minItems }),
        items: items === undefined ? {} : toJsonSchema(items),
      };
    case 'map':
      return { ...schema, type: 'object', additionalProperties: items === undefined ? {} : toJsonSchema(items) };
    case 'quantity':
      return { ...schema, type: ['integer', 'string'], pattern: QUANTITY_PATTERN };
    case 'integer':
      return {
        ...schema,
        type: 'integer',
        ...(options.min === undefined ? {} : { minimum: options.min }),
        ...(options.max === undefined ? {} : { maximum: options.max }),
      };
    case 'boolean':
      return { ...schema, type: 'boolean' };
    default:
      return {
        ...schema,
        type: 'string',
        ...(options.format === 'date-time' ? { format: 'date-time' } : {}),
        ...(options.minLength === undefined ? {} : { minLength: options.minLength }),
        ...(options.values === undefined ? {} : { enum: [...options.values] }),
      };
  }
}

/** A whole manifest of the kind as JSON Schema. */
export function kindJsonSchema(kind: ObjectKind): Schema {
  const { group, version, kind: name } = kind.type;
  return {
    description: kind.description,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    additionalProperties: false,
    properties: {
      apiVersion: { const: `${group}/${version}` },
      kind: { const: name },
      metadata: { type: 'object', properties: { name: { type: 'string' }, labels: strings, annotations: strings } },
      spec: toJsonSchema(kind.spec),
      status: { type: 'object', description: 'Written by the operator.' },
    },
  };
}
