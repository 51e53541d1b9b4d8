import type { Json } from '../../base/object.ts';

/** A validation rule in CEL, as CRDs write it. */
export interface ValidationRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** The part of OpenAPI v3 that Kubernetes publishes for built-in kinds and accepts in CRDs. */
export interface OpenApiSchema {
  $ref?: string;
  type?: string;
  format?: string;
  title?: string;
  description?: string;
  default?: Json;
  nullable?: boolean;
  properties?: Record<string, OpenApiSchema>;
  additionalProperties?: OpenApiSchema | boolean;
  items?: OpenApiSchema;
  required?: string[];
  enum?: Json[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  allOf?: OpenApiSchema[];
  anyOf?: OpenApiSchema[];
  oneOf?: OpenApiSchema[];
  not?: OpenApiSchema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-validations'?: ValidationRule[];
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

/** What a schema says about one place of an object; children are made on first use, so recursive schemas are fine. */
export interface SchemaNode {
  /** The schema of this place with its reference followed; own keywords win over the target's. */
  readonly source: OpenApiSchema;
  /** - `struct`: named fields; `map`: free keys; `free`: anything goes and is kept as it is. */
  readonly kind: 'struct' | 'map' | 'list' | 'scalar' | 'free';
  /** Comes from Kubernetes' own schemas: values are decoded into Go types (no nulls, no wrong types). */
  readonly builtin: boolean;
  /** Unknown fields are kept (x-kubernetes-preserve-unknown-fields). */
  readonly keepsUnknown: boolean;
  /** Lists and maps that have one owner and are replaced as a whole. */
  readonly atomic: boolean;
  /** Keys of a list with x-kubernetes-list-type map. */
  readonly keys: readonly string[] | undefined;
  /** A list of unique scalars (x-kubernetes-list-type set). */
  readonly set: boolean;
  /** Fields that have a default. */
  readonly defaulted: readonly string[];
  /** The named field. */
  field(name: string): SchemaNode | undefined;
  /** The values of a map, or unknown fields' schema where additionalProperties gives one. */
  readonly values: SchemaNode | undefined;
  readonly items: SchemaNode | undefined;
}

export interface NodeSource {
  /** Follows `#/components/schemas/<name>`. */
  resolve(ref: string): OpenApiSchema | undefined;
  /**
   * Kubernetes' own schemas, which differ from a CRD's: a zero `default` ("" 0 false {}) marks a non-pointer field and
   * is no default, `type: object` without fields is raw JSON, and values are decoded into Go types.
   */
  builtin: boolean;
  /** The node that stands at `metadata` of the root and of embedded resources. */
  metadata?: SchemaNode | undefined;
}

const FREE_SCHEMA: OpenApiSchema = { 'x-kubernetes-preserve-unknown-fields': true };
const TYPE_META: Record<string, OpenApiSchema> = { apiVersion: { type: 'string' }, kind: { type: 'string' } };

/** The node of `schema`; `root` adds apiVersion, kind and metadata as every served object has them. */
export function makeNode(schema: OpenApiSchema, from: NodeSource, root = false): SchemaNode {
  const source = follow(schema, from);
  const kind = kindOf(source, from, root);
  const embedded = root || source['x-kubernetes-embedded-resource'] === true;
  const fields = new Map<string, SchemaNode>();
  const named = source.properties ?? {};
  const listType = source['x-kubernetes-list-type'];
  let values: SchemaNode | undefined;
  let items: SchemaNode | undefined;
  return {
    source,
    kind,
    builtin: from.builtin,
    keepsUnknown: source['x-kubernetes-preserve-unknown-fields'] === true,
    atomic:
      source['x-kubernetes-map-type'] === 'atomic' ||
      (kind === 'list' && listType !== 'set' && listType !== 'map') ||
      (kind === 'free' && !source['x-kubernetes-preserve-unknown-fields']),
    keys: listType === 'map' ? source['x-kubernetes-list-map-keys'] : undefined,
    set: listType === 'set',
    defaulted: Object.keys(named).filter((name) => hasDefault(named[name], from)),
    field(name) {
      const known = fields.get(name);
      if (known !== undefined) return known;
      const child = Object.hasOwn(named, name) ? named[name] : undefined;
      let made: SchemaNode | undefined;
      if (embedded && name === 'metadata' && from.metadata !== undefined) made = from.metadata;
      else if (child !== undefined) made = makeNode(child, from);
      else if (embedded && Object.hasOwn(TYPE_META, name)) made = makeNode(TYPE_META[name] ?? {}, from);
      if (made !== undefined) fields.set(name, made);
      return made;
    },
    get values() {
      const given = source.additionalProperties;
      if (given === undefined || given === false) return undefined;
      values ??= makeNode(given === true ? FREE_SCHEMA : given, from);
      return values;
    },
    get items() {
      if (source.items === undefined) return undefined;
      items ??= makeNode(source.items, from);
      return items;
    },
  };
}

function follow(schema: OpenApiSchema, from: NodeSource): OpenApiSchema {
  const ref = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined);
  if (ref === undefined) return schema;
  const target = from.resolve(ref.slice(ref.lastIndexOf('/') + 1));
  if (target === undefined) return schema;
  const { allOf: _allOf, $ref: _ref, ...own } = schema;
  return { ...target, ...own };
}

function kindOf(source: OpenApiSchema, from: NodeSource, root: boolean): SchemaNode['kind'] {
  if (source['x-kubernetes-int-or-string'] || source.format === 'int-or-string') return 'scalar';
  if (source.type === 'array') return 'list';
  if (source.type === 'object' || source.properties !== undefined) {
    if (source.properties !== undefined || root || source['x-kubernetes-embedded-resource']) return 'struct';
    if (source.additionalProperties) return 'map';
    return source['x-kubernetes-preserve-unknown-fields'] || from.builtin ? 'free' : 'struct';
  }
  // Quantity: oneOf string or number.
  if (source.type === undefined) return source.oneOf !== undefined && from.builtin ? 'scalar' : 'free';
  return 'scalar';
}

function hasDefault(schema: OpenApiSchema | undefined, from: NodeSource): boolean {
  const value = schema?.default;
  if (value === undefined) return false;
  if (!from.builtin) return true;
  return value !== '' && value !== 0 && value !== false && JSON.stringify(value) !== '{}';
}
