import { sourcesOf } from './parse-trigger.ts';
import type { Field, Fields } from './trigger-fields.ts';

/** A JSON Schema (draft-07). */
export type JsonSchema = { [key: string]: unknown };

/** What a trigger's schema is made from. */
export interface TriggerShape {
  type: string;
  title: string;
  summary: string;
  fields: Fields;
  /** Allowed values of `metricType`, and whether one has to be given. */
  metricTypes: readonly string[];
  metricTypeRequired: boolean;
}

/** How the text of a field has to look; editors check it as one types. Space around it is allowed, for it is trimmed. */
const PATTERNS: Partial<Record<Field['type'], string>> = {
  integer: '^\\s*(-?(0|[1-9]\\d*))?\\s*$',
  number: '^\\s*(-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?)?\\s*$',
  boolean: '^\\s*(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)?\\s*$',
};

/** The schema of one entry of `spec.triggers`, for any of the given trigger types. */
export function triggerSchema(shapes: readonly TriggerShape[]): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A trigger of a ScaledObject or ScaledJob',
    type: 'object',
    required: ['type', 'metadata'],
    properties: {
      type: { enum: shapes.map(({ type }) => type), description: 'What is measured.' },
      name: { type: 'string', description: 'Name of the trigger, unique in its object; formulas refer to it.' },
      metadata: { type: 'object', additionalProperties: { type: 'string' } },
      metricType: { enum: ['', 'AverageValue', 'Value', 'Utilization'] },
      useCachedMetrics: { type: 'boolean' },
      authenticationRef: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string' },
          kind: { enum: ['TriggerAuthentication', 'ClusterTriggerAuthentication'] },
        },
      },
    },
    allOf: shapes.map((shape) => ({
      if: { required: ['type'], properties: { type: { const: shape.type } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        ...(shape.metricTypeRequired ? { required: ['metricType'] } : {}),
        properties: {
          metricType: { enum: [...(shape.metricTypeRequired ? [] : ['']), ...shape.metricTypes] },
          metadata: metadataSchema(shape),
        },
      },
    })),
  };
}

/** The schema of a trigger's `metadata`. Unknown keys are allowed: they are worth a warning, not an error. */
export function metadataSchema({
  title,
  summary,
  fields,
}: Pick<TriggerShape, 'title' | 'summary' | 'fields'>): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === 'collected') continue;
    const sources = sourcesOf(field);
    const names = [name, ...(field.options.aliases ?? [])];
    for (const each of names) {
      if (sources.includes('metadata')) properties[each] = fieldSchema(field);
      if (sources.includes('env'))
        properties[`${each}FromEnv`] = {
          type: 'string',
          description: `Variable of the target's container. ${field.description}`,
        };
    }
    if (field.options.required && names.length === 1 && sources.length === 1 && sources[0] === 'metadata')
      required.push(name);
  }
  return { title, description: summary, type: 'object', ...(required.length > 0 ? { required } : {}), properties };
}

function fieldSchema({ type, description, options, default: fallback }: Field): JsonSchema {
  const { note, deprecated, allowed } = options;
  const pattern = PATTERNS[type];
  const single = type === 'string' && allowed !== undefined;
  const said = deprecated ? ` Deprecated since KEDA ${deprecated.since}: use ${deprecated.use}.` : '';
  return {
    type: 'string',
    description: `${description}${note === undefined ? '' : ` ${note}`}${said}`,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(single ? { enum: allowed } : {}),
    ...(pattern === undefined ? {} : { pattern }),
    ...(deprecated ? { deprecated: true } : {}),
  };
}
