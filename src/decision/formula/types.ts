/** A value inside a formula. nil is null. */
export type Value = number | string | boolean | null | Value[];

/** What is known of a value before the formula runs. `any`: it depends on the values. */
export type Type = { kind: 'int' | 'float' | 'boolean' | 'string' | 'nil' | 'any' } | { kind: 'list'; item: Type };

export const INT: Type = { kind: 'int' };
export const FLOAT: Type = { kind: 'float' };
export const BOOLEAN: Type = { kind: 'boolean' };
export const STRING: Type = { kind: 'string' };
export const NIL: Type = { kind: 'nil' };
export const ANY: Type = { kind: 'any' };

const NAMES: Readonly<Record<Type['kind'], string>> = {
  int: 'a whole number',
  float: 'a number',
  boolean: 'true or false',
  string: 'a text',
  nil: 'nil',
  any: 'some value',
  list: 'a list',
};

export const nameOfType = (type: Type): string => NAMES[type.kind];

/** What a value is, for messages. */
export function nameOfValue(value: Value): string {
  if (value === null) return 'nil';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'number' ? 'a number' : typeof value === 'string' ? 'a text' : 'true or false';
}

export const mayBeNumber = ({ kind }: Type): boolean => kind === 'int' || kind === 'float' || kind === 'any';
export const mayBe = (type: Type, kind: Type['kind']): boolean => type.kind === kind || type.kind === 'any';

/** The type of a value that is one or the other. */
export function joined(a: Type, b: Type): Type {
  if (a.kind === 'nil') return b;
  if (b.kind === 'nil') return a;
  if (a.kind === 'list' && b.kind === 'list') return { kind: 'list', item: joined(a.item, b.item) };
  return a.kind === b.kind ? a : ANY;
}

/** Whether == between the two can ever be asked: same kinds, numbers of either kind, or nil. */
export function comparable(a: Type, b: Type): boolean {
  if (a.kind === 'any' || b.kind === 'any' || a.kind === 'nil' || b.kind === 'nil') return true;
  return a.kind === b.kind || (mayBeNumber(a) && mayBeNumber(b));
}

export function equal(a: Value, b: Value): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((item, index) => equal(item, b[index] ?? null));
}
