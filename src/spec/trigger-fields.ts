/**
 * The field model of triggers: a field is declared once, and parsing, lint, redaction, JSON Schema, docs and the
 * type of the parsed configuration follow from the declaration. Trigger metadata is a map of strings, so every
 * field says how its text is read. Rules of reading: KEDA 2.21 "typed config", see parse-trigger.ts.
 */

/** Where a value may come from: trigger metadata, authentication parameters, or the target container's environment. */
export type FieldSource = 'metadata' | 'auth' | 'env';

export interface FieldOptions {
  /** Sources in the order they are asked; the first that is not blank wins. Default: metadata only. */
  from?: readonly FieldSource[];
  /** Missing is an error. A field that is neither required nor has a default may be absent from the configuration. */
  required?: boolean;
  /** Other names, tried after the field's own in each source. */
  aliases?: readonly string[];
  /** Allowed texts (for lists: of each element), case-sensitive. */
  allowed?: readonly string[];
  /** For lists: at most one of these may be present. */
  exclusive?: readonly string[];
  /** Never shown: in logs, errors, docs examples or the page. */
  secret?: boolean;
  /** Present means an error (`rejected`) or a note to the user (`announced`). */
  deprecated?: { since: string; use: string; effect: 'rejected' | 'announced' };
  /**
   * `target` and `activation` only judge the answer: triggers that differ in nothing else share one query.
   */
  role?: 'target' | 'activation';
  /** For lists and maps: separator of elements, default a comma. */
  separator?: string;
  /** For integer lists: `a-b` between this separator expands to all whole numbers from a to b. */
  rangeSeparator?: string;
  /** The value may not be zero unless the trigger only feeds a formula (KEDA 2.21, zero-target rule). */
  nonZero?: boolean;
  /** The value must be above zero unless the trigger only feeds a formula (the same rule, stricter form). */
  positive?: boolean;
  /** Least and greatest value allowed, always. */
  min?: number;
  max?: number;
  /** The value must be greater than this, always. */
  above?: number;
  /** For `collected` fields: takes every metadata key that starts with this; the empty text takes all. */
  prefix?: string;
  /** One more sentence for the docs page. */
  note?: string;
}

export type FieldType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'duration'
  | 'list'
  | 'integers'
  | 'map'
  | 'query'
  | 'collected';

/** A declared field; `Value` is the type of the parsed value, `Present` whether it is always there. */
export interface Field<Value = unknown, Present extends boolean = boolean> {
  readonly type: FieldType;
  readonly description: string;
  readonly options: FieldOptions;
  /** Default as the text a user would write. */
  readonly default: string | undefined;
  readonly __value?: Value;
  readonly __present?: Present;
}

export type Fields = Record<string, Field>;

/** The parsed configuration of a set of fields. */
export type ConfigOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer Value, infer Present>
    ? Present extends true
      ? Value
      : Value | undefined
    : never;
};

type IsPresent<O> = O extends { required: true } ? true : O extends { default: string } ? true : false;
type Options = FieldOptions & { default?: string };

function field<Value, const O extends Options>(
  type: FieldType,
  description: string,
  options: O,
): Field<Value, IsPresent<O>> {
  const { default: text, ...rest } = options;
  return { type, description, options: rest as FieldOptions, default: text };
}

/** Text, trimmed. */
export const string = <const O extends Options>(description: string, options: O = {} as O) =>
  field<string, O>('string', description, options);
/** A whole number, written as JSON writes it (`05`, `5.0` and `1e3` are refused, as KEDA does). */
export const integer = <const O extends Options>(description: string, options: O = {} as O) =>
  field<number, O>('integer', description, options);
/** A number, written as JSON writes it. */
export const number = <const O extends Options>(description: string, options: O = {} as O) =>
  field<number, O>('number', description, options);
/** Go's booleans: 1 t T TRUE true True 0 f F FALSE false False. */
export const boolean = <const O extends Options>(description: string, options: O = {} as O) =>
  field<boolean, O>('boolean', description, options);
/** A Go duration (`1m30s`) or a whole number of milliseconds; parsed to milliseconds. */
export const duration = <const O extends Options>(description: string, options: O = {} as O) =>
  field<number, O>('duration', description, options);
/** Texts between separators, each trimmed. */
export const list = <const O extends Options>(description: string, options: O = {} as O) =>
  field<string[], O>('list', description, options);
/** Whole numbers between separators, ranges expanded. */
export const integers = <const O extends Options>(description: string, options: O = {} as O) =>
  field<number[], O>('integers', description, options);
/** `key=value` pairs between separators. */
export const map = <const O extends Options>(description: string, options: O = {} as O) =>
  field<Record<string, string>, O>('map', description, options);
/** A URL query string. */
export const query = <const O extends Options>(description: string, options: O = {} as O) =>
  field<Record<string, string[]>, O>('query', description, options);
/**
 * Every metadata key with a given prefix as a map from the whole key to its text. A key that ends in `FromEnv` keeps
 * its name and carries the variable's value; it is left out when there is no such variable (KEDA 2.21, external scalers).
 */
export const collected = (description: string, options: FieldOptions & { prefix: string }) =>
  field<Record<string, string>, FieldOptions & { required: true }>('collected', description, {
    ...options,
    required: true,
  });
