import { isDeepStrictEqual } from 'node:util';
import { type FieldError, invalid, notSupported, required } from '../field-error.ts';
import { type Fields, items, number, part, text } from '../fields.ts';
import { labelValueProblems, qualifiedNameProblems } from '../names.ts';

/** An error when the number at `path` is below zero. */
export function nonNegative(of: Fields, name: string, at: string): FieldError[] {
  const value = number(of, name);
  return value !== undefined && value < 0
    ? [invalid(`${at}.${name}`, value, 'must be greater than or equal to 0')]
    : [];
}

/** An error when a field differs from the stored one. */
export function immutable(now: unknown, old: unknown, at: string): FieldError[] {
  return isDeepStrictEqual(now, old) ? [] : [invalid(at, now, 'field is immutable')];
}

/** An error when a text is none of the supported ones; an empty one is left to `required`. */
export function oneOf(of: Fields, name: string, at: string, supported: readonly string[]): FieldError[] {
  const value = text(of, name);
  return value === '' || supported.includes(value) ? [] : [notSupported(`${at}.${name}`, value, supported)];
}

/** Errors for each of the texts that is missing. */
export function needed(of: Fields, names: readonly string[], at: string): FieldError[] {
  return names.filter((name) => text(of, name) === '').map((name) => required(`${at}.${name}`));
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** What is wrong with a metav1.LabelSelector. */
export function checkSelector(selector: Fields, at: string): FieldError[] {
  const errors = Object.entries(part(selector, 'matchLabels')).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((problem) => invalid(`${at}.matchLabels`, key, problem)),
    ...labelValueProblems(String(value)).map((problem) => invalid(`${at}.matchLabels`, value, problem)),
  ]);
  for (const [index, one] of items(selector, 'matchExpressions').entries()) {
    const place = `${at}.matchExpressions[${index}]`;
    const operator = text(one, 'operator');
    const values = Array.isArray(one.values) ? one.values : [];
    if (!OPERATORS.includes(operator))
      errors.push(invalid(`${place}.operator`, operator, 'not a valid selector operator'));
    else if (operator.endsWith('In') && values.length === 0)
      errors.push(required(`${place}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    else if (operator.endsWith('xist') || operator === 'Exists')
      if (values.length > 0)
        errors.push({
          field: `${place}.values`,
          reason: 'FieldValueForbidden',
          message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        });
    errors.push(
      ...qualifiedNameProblems(text(one, 'key')).map((problem) => invalid(`${place}.key`, one.key ?? '', problem)),
    );
  }
  return errors;
}

export function isEmptySelector(selector: Fields): boolean {
  return Object.keys(part(selector, 'matchLabels')).length === 0 && items(selector, 'matchExpressions').length === 0;
}

/** Whether labels meet a metav1.LabelSelector. */
export function selects(selector: Fields, labels: Fields): boolean {
  const equal = Object.entries(part(selector, 'matchLabels')).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    items(selector, 'matchExpressions').every((one) => {
      const value = labels[text(one, 'key')];
      const within = Array.isArray(one.values) && one.values.includes(value);
      switch (one.operator) {
        case 'In':
          return value !== undefined && within;
        case 'NotIn':
          return !within;
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

/** An int or a percentage: `5`, `"25%"`. */
export function checkIntOrPercent(of: Fields, name: string, at: string): FieldError[] {
  const value = of[name];
  if (value === undefined) return [];
  if (typeof value === 'number') return nonNegative(of, name, at);
  if (typeof value === 'string' && /^\d+%$/.test(value)) return [];
  return [invalid(`${at}.${name}`, value, "must be an integer or percentage (e.g '5%')")];
}
