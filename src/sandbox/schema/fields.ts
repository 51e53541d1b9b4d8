/** An object while defaults are filled in and rules are checked: a fresh copy, so it may be changed in place. */
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at `name`, or an empty one that is not attached. */
export function part(of: Fields, name: string): Fields {
  const value = of[name];
  return isFields(value) ? value : {};
}

/** The object at `name`, made when it is missing. */
export function ensure(of: Fields, name: string): Fields {
  const value = of[name];
  if (isFields(value)) return value;
  const made: Fields = {};
  of[name] = made;
  return made;
}

/** The objects of the list at `name`; empty when there is none. */
export function items(of: Fields, name: string): Fields[] {
  const value = of[name];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** Sets what is missing. */
export function fill(into: Fields, values: Fields): void {
  for (const [name, value] of Object.entries(values)) into[name] ??= value;
}

/** The text at `name`, or an empty one. */
export function text(of: Fields, name: string): string {
  const value = of[name];
  return typeof value === 'string' ? value : '';
}

/** The number at `name`, if it is one. */
export function number(of: Fields, name: string): number | undefined {
  const value = of[name];
  return typeof value === 'number' ? value : undefined;
}
