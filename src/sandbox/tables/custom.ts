import { isFields, items, number, part, text } from '../schema/fields.ts';
import type { AnyObject } from '../types.ts';
import { since } from './age.ts';
import { AGE, type Column, NAME } from './column.ts';
import { compileJsonPath, type JsonPath, JsonPathError } from './json-path.ts';

const TYPES = ['string', 'integer', 'number', 'boolean', 'date'] as const;

/** The columns that a version of a CustomResourceDefinition asks for; Age when it asks for none. */
export function customColumns(crd: AnyObject, version: string): Column[] {
  const found = items(part(crd, 'spec'), 'versions').find((one) => one.name === version);
  const wanted = items(found ?? {}, 'additionalPrinterColumns');
  if (wanted.length === 0) return [NAME, AGE];
  return [
    NAME,
    ...wanted.map((one): Column => {
      const type = TYPES.find((known) => known === one.type) ?? 'string';
      const path = pathOf(text(one, 'jsonPath'));
      const made: Column = {
        name: text(one, 'name'),
        type,
        priority: number(one, 'priority') ?? 0,
        cell: (object, now) => cellOf(path(object), type, now),
      };
      if (text(one, 'format') !== '') made.format = text(one, 'format');
      made.description =
        text(one, 'description') || `Custom resource definition column (in JSONPath format): ${text(one, 'jsonPath')}`;
      return made;
    }),
  ];
}

/** A path that cannot be read leaves its column empty, as in Kubernetes; the definition was accepted before. */
function pathOf(jsonPath: string): JsonPath {
  try {
    return compileJsonPath(jsonPath);
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    return () => [];
  }
}

/** Kubernetes shows the first value found; a value of another type than the column's leaves the cell empty. */
function cellOf(values: unknown[], type: Column['type'], now: number): string | number | boolean | null {
  const [value] = values;
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'string':
      return typeof value === 'string'
        ? value
        : isFields(value) || Array.isArray(value)
          ? JSON.stringify(value)
          : String(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? since(value, now) : null;
  }
}
