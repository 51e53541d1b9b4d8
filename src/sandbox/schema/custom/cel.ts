import { isIP, isIPv4 } from 'node:net';
import { Environment, Optional, type ParseResult } from '@marcbachmann/cel-js';
import { describeError } from '../../../base/errors.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  quantityToInteger,
  quantityToNumber,
} from '../../../base/quantity.ts';
import { isFields } from '../fields.ts';
import type { OpenApiSchema } from '../node.ts';
import { compilePattern, isCidr } from './formats.ts';

/** CEL holds host objects by their class. */
class QuantityValue {
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    this.quantity = quantity;
  }
}

class UrlValue {
  readonly url: URL;
  constructor(url: URL) {
    this.url = url;
  }
}

let shared: Environment | undefined;

/** The environment of validation rules: `self`, `oldSelf` and Kubernetes' extension libraries. */
function environment(): Environment {
  shared ??= extend(
    new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true })
      .registerVariable('self', 'dyn')
      .registerVariable('oldSelf', 'dyn'),
  );
  return shared;
}

/**
 * Compiles an expression that must be of the given type.
 * @returns the program, or in one line why it cannot be compiled
 */
export function compileExpression(
  text: string,
  type: 'bool' | 'string',
): { program: ParseResult } | { problem: string } {
  try {
    const program = environment().parse(withOwnHas(text));
    const { valid, type: actual, error } = program.check();
    if (!valid) return { problem: `compilation failed: ${firstLine(error)}` };
    if (actual !== type && actual !== 'dyn') return { problem: `must evaluate to a ${type}` };
    return { program };
  } catch (error) {
    return { problem: `compilation failed: ${firstLine(error)}` };
  }
}

/** CEL's errors draw the expression below their first line. */
export function firstLine(error: unknown): string {
  return (describeError(error).split('\n')[0] ?? '').trim();
}

function extend(env: Environment): Environment {
  const list = (value: unknown) => value as unknown[];
  const sorted = (a: unknown, b: unknown) =>
    (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
  env.registerType('Quantity', QuantityValue).registerType('URL', UrlValue);
  env.registerFunction(`${HAS}(ast): bool`, expandHas);
  const functions: [string, (...args: never[]) => unknown][] = [
    [
      'list.isSorted(): bool',
      (of: unknown[]) => of.every((item, index) => index === 0 || sorted(of[index - 1], item) <= 0),
    ],
    [
      'list.sum(): dyn',
      (of: (bigint | number)[]) =>
        of.reduce((sum, item) => (sum as number) + (item as number), typeof of[0] === 'number' ? 0 : 0n),
    ],
    ['list.min(): dyn', (of: unknown[]) => [...nonEmpty(of, 'min')].sort(sorted)[0]],
    ['list.max(): dyn', (of: unknown[]) => [...nonEmpty(of, 'max')].sort(sorted).at(-1)],
    ['list.indexOf(dyn): int', (of: unknown[], item: unknown) => BigInt(list(of).indexOf(item))],
    ['list.lastIndexOf(dyn): int', (of: unknown[], item: unknown) => BigInt(list(of).lastIndexOf(item))],
    [
      'string.replace(string, string): string',
      (text: string, from: string, to: string) => text.replaceAll(from, () => to),
    ],
    ['string.charAt(int): string', (text: string, at: bigint) => text.charAt(Number(at))],
    ['string.find(string): string', (text: string, pattern: string) => compilePattern(pattern).exec(text)?.[0] ?? ''],
    [
      'string.findAll(string): list<string>',
      (text: string, pattern: string) => text.match(new RegExp(pattern, 'gu')) ?? [],
    ],
    ['isURL(string): bool', (text: string) => URL.canParse(text)],
    ['url(string): URL', (text: string) => new UrlValue(new URL(text))],
    ['URL.getScheme(): string', ({ url }: UrlValue) => url.protocol.replace(/:$/, '')],
    ['URL.getHost(): string', ({ url }: UrlValue) => url.host],
    ['URL.getHostname(): string', ({ url }: UrlValue) => url.hostname],
    ['URL.getPort(): string', ({ url }: UrlValue) => url.port],
    ['URL.getEscapedPath(): string', ({ url }: UrlValue) => url.pathname],
    ['isIP(string): bool', (text: string) => isIP(text) !== 0],
    [
      'isIP(string, int): bool',
      (text: string, version: bigint) => isIP(text) === (version === 4n && isIPv4(text) ? 4 : 6),
    ],
    ['isCIDR(string): bool', isCidr],
    ['isQuantity(string): bool', (text: string) => readQuantity(text) !== undefined],
    ['quantity(string): Quantity', (text: string) => new QuantityValue(parseQuantity(text))],
    [
      'Quantity.isGreaterThan(Quantity): bool',
      (a: QuantityValue, b: QuantityValue) => compareQuantities(a.quantity, b.quantity) > 0,
    ],
    [
      'Quantity.isLessThan(Quantity): bool',
      (a: QuantityValue, b: QuantityValue) => compareQuantities(a.quantity, b.quantity) < 0,
    ],
    [
      'Quantity.compareTo(Quantity): int',
      (a: QuantityValue, b: QuantityValue) => BigInt(compareQuantities(a.quantity, b.quantity)),
    ],
    [
      'Quantity.add(Quantity): Quantity',
      (a: QuantityValue, b: QuantityValue) => new QuantityValue(addQuantities(a.quantity, b.quantity)),
    ],
    [
      'Quantity.sub(Quantity): Quantity',
      (a: QuantityValue, { quantity }: QuantityValue) =>
        new QuantityValue(addQuantities(a.quantity, { ...quantity, nano: -quantity.nano })),
    ],
    ['Quantity.sign(): int', ({ quantity }: QuantityValue) => BigInt(compareQuantities(quantity, '0'))],
    ['Quantity.isInteger(): bool', ({ quantity }: QuantityValue) => quantity.nano % 1_000_000_000n === 0n],
    ['Quantity.asInteger(): int', ({ quantity }: QuantityValue) => quantityToInteger(quantity)],
    ['Quantity.asApproximateFloat(): double', ({ quantity }: QuantityValue) => quantityToNumber(quantity)],
    ['string(Quantity): string', ({ quantity }: QuantityValue) => formatQuantity(quantity)],
  ];
  for (const [signature, handler] of functions)
    env.registerFunction(signature, handler as (...args: unknown[]) => unknown);
  return env;
}

/** A macro as the evaluator calls it: once to check types, then for every evaluation. */
interface HasMacro {
  args: { op: string; args: [unknown, string] }[];
}

/**
 * `has()` of the package takes chains of names only; Kubernetes' takes a field of any expression, such as
 * `has(self.matches[0].path)`. Macros cannot be replaced, so ours has another name.
 */
const HAS = 'hasField';
const STRING_OR_HAS = /(r?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))|\bhas\(/g;

function withOwnHas(text: string): string {
  return text.replace(STRING_OR_HAS, (_match, literal: string | undefined) => literal ?? `${HAS}(`);
}

function expandHas({ args }: HasMacro) {
  const field = (macro: HasMacro) => {
    const [node] = macro.args;
    if (node?.op !== '.') throw new Error('invalid argument to has() macro: it takes a field of an object');
    return node.args;
  };
  return {
    args,
    typeCheck(
      checker: { check(node: unknown, context: unknown): unknown; getType(name: string): unknown },
      macro: HasMacro,
      context: unknown,
    ) {
      checker.check(field(macro)[0], context);
      return checker.getType('bool');
    },
    evaluate(evaluator: { run(node: unknown, context: unknown): unknown }, macro: HasMacro, context: unknown) {
      const [of, name] = field(macro);
      const found = evaluator.run(of, context);
      const value = found instanceof Optional ? found.orValue(undefined) : found;
      return isFields(value) && Object.hasOwn(value, name);
    },
  };
}

function nonEmpty(of: unknown[], name: string): unknown[] {
  if (of.length === 0) throw new Error(`${name} called on empty list`);
  return of;
}

function readQuantity(text: string): Quantity | undefined {
  try {
    return parseQuantity(text);
  } catch {
    return undefined;
  }
}

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/** Kubernetes: fields whose names are no CEL identifiers are reached as `__dash__` and the like. */
function escapeName(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

/** A JSON value as CEL sees it: whole numbers are ints where the schema says so, times are timestamps. */
export function toCel(schema: OpenApiSchema | undefined, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => toCel(schema?.items, item));
  if (isFields(value)) return fieldsToCel(schema, value);
  if (typeof value === 'number') return schema?.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'string') return value;
  if (schema?.format === 'date-time' || schema?.format === 'date') return new Date(value);
  if (schema?.format === 'duration') return environment().evaluate('duration(self)', { self: value });
  return schema?.format === 'byte' ? new Uint8Array(Buffer.from(value, 'base64')) : value;
}

function fieldsToCel(schema: OpenApiSchema | undefined, value: Record<string, unknown>): Record<string, unknown> {
  const named = schema?.properties ?? {};
  const values = typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const own = Object.hasOwn(named, name) ? named[name] : undefined;
      return [own === undefined && values !== undefined ? name : escapeName(name), toCel(own ?? values, field)];
    }),
  );
}
