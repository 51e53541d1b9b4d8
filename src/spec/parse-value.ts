import { parseBoolean } from '../base/boolean.ts';
import { parseKedaDuration } from '../base/duration.ts';
import type { Field, FieldOptions } from './trigger-fields.ts';

/** A parsed value, or what is wrong with the text as the end of a sentence that begins with the field's name. */
export type ParsedValue = { ok: true; value: unknown } | { ok: false; problem: string };

const INTEGER = /^-?(0|[1-9]\d*)$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** A range such as `0-2147483647` would expand to gigabytes. */
const LONGEST_RANGE = 100_000;

const good = (value: unknown): ParsedValue => ({ ok: true, value });
const bad = (problem: string): ParsedValue => ({ ok: false, problem });

/** Reads the text of one field, which is trimmed and not empty, and checks it against the field's allowed values. */
export function parseValue(field: Field, text: string): ParsedValue {
  const { options } = field;
  const choice = checkChoice(options, text);
  if (choice !== undefined) return bad(choice);
  const parsed = parseText(field, text);
  if (!parsed.ok || typeof parsed.value !== 'number') return parsed;
  const range = checkRange(options, parsed.value);
  return range === undefined ? parsed : bad(range);
}

function parseText(field: Field, text: string): ParsedValue {
  switch (field.type) {
    case 'string':
      return good(text);
    case 'integer':
      return parseInteger(text);
    case 'number':
      return parseNumber(text);
    case 'boolean':
      return attempt(() => parseBoolean(text), 'is not a boolean; write true or false');
    case 'duration':
      return attempt(
        () => parseKedaDuration(text),
        'is not a duration of zero or more; write it as 30s, 1m30s or a whole number of milliseconds',
      );
    case 'list':
      return good(split(field, text));
    case 'integers':
      return parseIntegers(field, text);
    case 'map':
      return parseMap(field, text);
    case 'query':
      return parseQuery(text);
    case 'collected':
      return good({});
  }
}

/** KEDA 2.21 splits at commas for this check whatever the field's type is. */
function checkChoice(options: FieldOptions, text: string): string | undefined {
  const parts = text.split(',').map((part) => part.trim());
  const { allowed, exclusive } = options;
  if (allowed && parts.some((part) => !allowed.includes(part)))
    return `must be one of ${allowed.join(', ')} (upper and lower case count)`;
  if (exclusive && parts.filter((part) => exclusive.includes(part)).length > 1)
    return `may hold only one of ${exclusive.join(', ')}`;
  return undefined;
}

function checkRange({ min, max, above }: FieldOptions, value: number): string | undefined {
  if (above !== undefined && value <= above) return `must be greater than ${above}`;
  if (min !== undefined && max !== undefined && (value < min || value > max)) return `must be from ${min} to ${max}`;
  if (min !== undefined && value < min) return `must be ${min} or more`;
  if (max !== undefined && value > max) return `must be ${max} or less`;
  return undefined;
}

/** As JSON writes whole numbers, within 64 bits: KEDA 2.21 reads them with Go's json.Unmarshal. */
function parseInteger(text: string): ParsedValue {
  if (!INTEGER.test(text)) return bad('is not a whole number; write digits only, such as 5 (no 05, 5.0, 1e3 or 1k)');
  const value = BigInt(text);
  if (value < INT64_MIN || value > INT64_MAX) return bad('does not fit into 64 bits');
  return good(Number(value));
}

function parseNumber(text: string): ParsedValue {
  if (!NUMBER.test(text)) return bad('is not a number; write it as 5, 0.5 or 1e3 (no .5, +5, 1_000 or 1k)');
  const value = Number(text);
  return Number.isFinite(value) ? good(value) : bad('is greater than a number can be');
}

function attempt(parse: () => unknown, problem: string): ParsedValue {
  try {
    return good(parse());
  } catch {
    return bad(problem);
  }
}

function split(field: Field, text: string): string[] {
  return text.split(field.options.separator ?? ',').map((part) => part.trim());
}

function parseIntegers(field: Field, text: string): ParsedValue {
  const { rangeSeparator } = field.options;
  const values: number[] = [];
  for (const part of split(field, text)) {
    const isRange = rangeSeparator !== undefined && part.includes(rangeSeparator);
    const ends = isRange ? part.split(rangeSeparator) : [part];
    const numbers = ends.map((end) => parseInteger(end.trim()));
    const [first, last = first] = numbers.map((n) => (n.ok ? Number(n.value) : Number.NaN));
    if (numbers.length > 2 || first === undefined || last === undefined || Number.isNaN(first) || Number.isNaN(last))
      return bad(
        isRange
          ? `holds a range that cannot be read; write it as 1${rangeSeparator}5`
          : `holds something that is not a whole number; write it as 1,2${rangeSeparator === undefined ? '' : `,5${rangeSeparator}9`}`,
      );
    if (last - first >= LONGEST_RANGE) return bad(`holds a range of more than ${LONGEST_RANGE} numbers`);
    for (let value = first; value <= last; value++) values.push(value);
  }
  return good(values);
}

function parseMap(field: Field, text: string): ParsedValue {
  const entries: [string, string][] = [];
  for (const part of split(field, text)) {
    const [key, value, ...more] = part.split('=');
    if (key === undefined || value === undefined || more.length > 0)
      return bad('must be key=value pairs with exactly one equals sign each, separated by commas');
    entries.push([key.trim(), value.trim()]);
  }
  return good(Object.fromEntries(entries));
}

/** Go's url.ParseQuery, which unlike URLSearchParams refuses semicolons and broken escapes. */
function parseQuery(text: string): ParsedValue {
  if (text.includes(';')) return bad('must not hold a semicolon; write it as name=value&other=value');
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return bad('holds a % that is not followed by two hexadecimal digits');
  const values: Record<string, string[]> = {};
  for (const [key, value] of new URLSearchParams(text)) values[key] = [...(values[key] ?? []), value];
  return good(values);
}
