import type { ObjectField } from '../../src/spec/object-fields.ts';

/** A value with every declared field in it. */
export function everyField(field: ObjectField): unknown {
  const { values, min, max, format } = field.options;
  switch (field.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(field.properties ?? {}).map(([name, property]) => [name, everyField(property)]),
      );
    case 'opaque':
      return { anything: { goes: [1, 'a', null] } };
    case 'list':
      return field.items ? [everyField(field.items)] : [];
    case 'map':
      return field.items ? { 'some.name': everyField(field.items) } : {};
    case 'integer':
      return min ?? max ?? 7;
    case 'boolean':
      return true;
    case 'quantity':
      return '50m';
    default:
      return format === 'date-time' ? '2026-01-31T12:00:00Z' : (values?.at(-1) ?? 'text');
  }
}
