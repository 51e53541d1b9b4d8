import { type Fields, isFields, items, number, part, text } from '../schema/fields.ts';
import type { AnyObject } from '../types.ts';
import { since } from './age.ts';

/** A column of a Table and how its cells are made. */
export interface Column {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  format?: string;
  description?: string;
  /** 0 is always shown, 1 only with `-o wide`. */
  priority: number;
  /** `now` in milliseconds since 1970. */
  cell(object: AnyObject, now: number): string | number | boolean | null;
}

type Cell = Column['cell'];

export const NONE = '<none>';

export function column(name: string, cell: Cell, type: Column['type'] = 'string'): Column {
  return { name, type, priority: 0, cell };
}

/** A column that only `-o wide` shows. */
export function wide(name: string, cell: Cell, type: Column['type'] = 'string'): Column {
  return { name, type, priority: 1, cell };
}

export const NAME: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
  cell: (object) => object.metadata.name,
};

export const AGE: Column = column('Age', (object, now) => since(object.metadata.creationTimestamp, now));

export const spec = (object: AnyObject): Fields => part(object, 'spec');
export const status = (object: AnyObject): Fields => part(object, 'status');

/** The number at a path of names, 0 when there is none. */
export function count(of: Fields, name: string): number {
  return number(of, name) ?? 0;
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

/** Up to `most` texts with commas, and how many more there are. */
export function listOf(texts: string[], most: number): string {
  if (texts.length === 0) return NONE;
  const shown = texts.slice(0, most).join(',');
  return texts.length > most ? `${shown} + ${texts.length - most} more...` : shown;
}

/** `a=b,c=d`, or `<none>`. */
export function labelsText(labels: unknown): string {
  const pairs = isFields(labels) ? Object.entries(labels).map(([key, value]) => `${key}=${value}`) : [];
  return pairs.length === 0 ? NONE : pairs.sort().join(',');
}

/** A metav1.LabelSelector as text. */
export function selectorText(selector: unknown): string {
  if (!isFields(selector)) return NONE;
  const equal = Object.entries(part(selector, 'matchLabels')).map(([key, value]) => `${key}=${value}`);
  const set = items(selector, 'matchExpressions').map((one) => {
    const key = text(one, 'key');
    const values = `(${Array.isArray(one.values) ? [...one.values].sort().join(',') : ''})`;
    const operator = text(one, 'operator');
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator.toLowerCase()} ${values}`;
  });
  const all = [...equal.sort(), ...set];
  return all.length === 0 ? NONE : all.join(',');
}

const containersOf = (object: AnyObject) => items(part(part(spec(object), 'template'), 'spec'), 'containers');

/** The wide columns that every kind with a pod template has. */
export const CONTAINERS: Column[] = [
  wide('Containers', (object) =>
    containersOf(object)
      .map((one) => text(one, 'name'))
      .join(','),
  ),
  wide('Images', (object) =>
    containersOf(object)
      .map((one) => text(one, 'image'))
      .join(','),
  ),
];
export const SELECTOR: Column = wide('Selector', (object) => selectorText(spec(object).selector));
