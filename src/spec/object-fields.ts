/**
 * The field model of Kubernetes objects: a field is declared once, and the TypeScript type, the CRD's schema, the
 * schema for editors, validation and the reference page follow from the declaration. Trigger metadata, a map of
 * texts with rules of its own, has the field model in trigger-fields.ts.
 */
import type { Json } from '../base/object.ts';

export type ObjectFieldType = 'object' | 'string' | 'integer' | 'boolean' | 'quantity' | 'list' | 'map' | 'opaque';

/** A rule over several fields of one object, for the API server in CEL and for our own validation as a function. */
export interface ObjectRule {
  cel: string;
  /** What is wrong and what to do, for a person. */
  message: string;
  holds(value: Readonly<Record<string, unknown>>): boolean;
  /** Field of the object that the problem is shown at. */
  field: string;
}

export interface ObjectFieldOptions {
  /** Must be there whenever the surrounding object is. */
  required?: boolean;
  /** Written into the object by the API server. Only where KEDA's CRD does so too. */
  default?: Json;
  /** What an absent field means, in words; applied when the object is used, never written back. */
  absent?: string;
  min?: number;
  max?: number;
  minLength?: number;
  minItems?: number;
  /** Known values of a text. */
  values?: readonly string[];
  /** False: other values pass the CRD (and are judged by rules), the list is for docs and editors only. */
  enforced?: boolean;
  format?: 'int32' | 'int64' | 'date-time' | 'float';
  rules?: readonly ObjectRule[];
  /** The API server keeps fields that are not declared. */
  keepsUnknown?: boolean;
  /** Says what to use in place of the field. */
  deprecated?: string;
}

/** A declared field; `Value` is the type of its value, `Required` whether it is always there. Both are types only. */
export interface ObjectField<Value = unknown, Required extends boolean = boolean> {
  readonly type: ObjectFieldType;
  readonly description: string;
  readonly options: ObjectFieldOptions;
  /** Of type object only. */
  readonly properties?: Properties;
  /** Of lists and maps: what each element is. */
  readonly items?: ObjectField;
  readonly __value?: Value;
  readonly __required?: Required;
}

export type Properties = Readonly<Record<string, ObjectField>>;

/** The type of a field's value. */
export type ValueOf<F> = F extends ObjectField<infer Value, boolean> ? Value : never;

type RequiredKeys<P> = { [K in keyof P]: P[K] extends ObjectField<unknown, true> ? K : never }[keyof P];
/** The type of an object with these properties. */
export type ObjectOf<P extends Properties> = {
  -readonly [K in RequiredKeys<P>]: ValueOf<P[K]>;
} & { -readonly [K in Exclude<keyof P, RequiredKeys<P>>]?: ValueOf<P[K]> } extends infer O
  ? { [K in keyof O]: O[K] }
  : never;

type IsRequired<O> = O extends { required: true } ? true : false;
type Made<Value, O> = ObjectField<Value, IsRequired<O>>;
type Parts = Pick<ObjectField, 'properties' | 'items'>;

function make<Value, O extends ObjectFieldOptions>(
  type: ObjectFieldType,
  description: string,
  options: O,
  parts: Parts = {},
): Made<Value, O> {
  return { type, description, options, ...parts };
}

/** An object with declared fields. */
export const object = <const P extends Properties, const O extends ObjectFieldOptions>(
  description: string,
  properties: P,
  options: O = {} as O,
) => make<ObjectOf<P>, O>('object', description, options, { properties });

/** Any text. */
export const text = <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
  make<string, O>('string', description, options);

/** A text out of a list of known ones. */
export const oneOf = <const V extends string, const O extends ObjectFieldOptions>(
  description: string,
  values: readonly V[],
  options: O = {} as O,
) => make<V, O>('string', description, { ...options, values } as O);

/** A number kept as text, because the API server does not round-trip fractions in every client. */
export const floatText = <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
  make<string, O>('string', description, { ...options, format: 'float' } as O);

/** A time as RFC 3339 text. */
export const dateTime = <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
  make<string, O>('string', description, { ...options, format: 'date-time' } as O);

/** A whole number of 32 bits. */
export const int32 = <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
  make<number, O>('integer', description, { ...options, format: 'int32' } as O);

/** A whole number of 64 bits. */
export const int64 = <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
  make<number, O>('integer', description, { ...options, format: 'int64' } as O);

export const boolean = <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
  make<boolean, O>('boolean', description, options);

/** A Kubernetes quantity: text such as `500m`, or a number. */
export const quantity = <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
  make<string | number, O>('quantity', description, options);

export const listOf = <F extends ObjectField, const O extends ObjectFieldOptions>(
  description: string,
  items: F,
  options: O = {} as O,
) => make<ValueOf<F>[], O>('list', description, options, { items });

/** Free names, each with a value of the same kind. */
export const mapOf = <F extends ObjectField, const O extends ObjectFieldOptions>(
  description: string,
  items: F,
  options: O = {} as O,
) => make<Record<string, ValueOf<F>>, O>('map', description, options, { items });

/** An object whose inside belongs to somebody else: kept as it is. Builtin kinds that take it over check it. */
export const opaque =
  <Value = Record<string, unknown>>() =>
  <const O extends ObjectFieldOptions>(description: string, options: O = {} as O) =>
    make<Value, O>('opaque', description, { ...options, keepsUnknown: true } as O);
