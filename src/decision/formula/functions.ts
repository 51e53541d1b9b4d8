import {
  ANY,
  BOOLEAN,
  FLOAT,
  INT,
  joined,
  mayBeNumber,
  nameOfType,
  nameOfValue,
  type Type,
  type Value,
} from './types.ts';

/** Runs the predicate of a call for one item; `acc` only for reduce. */
export type Each = (item: Value, index: number, acc?: Value) => Value;

/** Says what is wrong, in the words of a message; the caller adds the name of the function and the place. */
export type Refuse = (why: string) => Error;

export interface FormulaFunction {
  /** Fewest and most arguments, the predicate not counted. */
  arity: readonly [number, number];
  predicate?: { required: boolean; boolean: boolean };
  /** The type of the result. `body` is the predicate's. */
  type(args: readonly Type[], body: Type | undefined, refuse: Refuse): Type;
  run(args: readonly Value[], each: Each | undefined, refuse: Refuse): Value;
}

const list = (value: Value | undefined, refuse: Refuse): Value[] => {
  if (Array.isArray(value)) return value;
  throw refuse(`needs a list, not ${nameOfValue(value ?? null)}`);
};

const number = (value: Value | undefined, refuse: Refuse): number => {
  if (typeof value === 'number') return value;
  throw refuse(`needs a number, not ${nameOfValue(value ?? null)}`);
};

/** The numbers among the arguments, lists taken apart: max(a, [b, c]) is max(a, b, c). */
const numbers = (values: readonly Value[], refuse: Refuse): number[] =>
  values.flatMap((value) => (Array.isArray(value) ? numbers(value, refuse) : [number(value, refuse)]));

const requireList = (type: Type | undefined, refuse: Refuse): Type => {
  if (type?.kind === 'list') return type.item;
  if (type?.kind === 'any') return ANY;
  throw refuse(`needs a list, not ${type ? nameOfType(type) : 'nothing'}`);
};

const requireNumeric = (type: Type, refuse: Refuse): Type => {
  if (type.kind === 'list') return requireNumeric(type.item, refuse);
  if (mayBeNumber(type)) return type;
  throw refuse(`needs numbers, not ${nameOfType(type)}`);
};

/** A function of one number. */
const rounding = (run: (value: number) => number, type: (argument: Type) => Type): FormulaFunction => ({
  arity: [1, 1],
  type: ([argument = ANY], _body, refuse) => {
    if (argument.kind === 'list') throw refuse('needs a number, not a list');
    return type(requireNumeric(argument, refuse));
  },
  run: ([value], _each, refuse) => run(number(value, refuse)),
});

/** A function of any amount of numbers and lists of numbers. */
const aggregate = (run: (values: number[]) => number | null, type: (common: Type) => Type): FormulaFunction => ({
  arity: [1, Number.POSITIVE_INFINITY],
  type: (args, _body, refuse) => type(args.map((arg) => requireNumeric(arg, refuse)).reduce(joined)),
  run: (args, _each, refuse) => run(numbers(args, refuse)),
});

/** A function over the items of a list that asks its predicate for true or false. */
const search = (
  run: (items: Value[], matches: (item: Value, index: number) => boolean) => Value,
  result: 'boolean' | 'item' | 'int' | 'list',
): FormulaFunction => ({
  arity: [1, 1],
  predicate: { required: true, boolean: true },
  type: ([argument], _body, refuse) => {
    const item = requireList(argument, refuse);
    if (result === 'boolean') return BOOLEAN;
    if (result === 'int') return ANY;
    return result === 'list' ? { kind: 'list', item } : ANY;
  },
  run: ([value], each, refuse) =>
    run(list(value, refuse), (item, index) => truth(each ? each(item, index) : item, refuse)),
});

function truth(value: Value, refuse: Refuse): boolean {
  if (typeof value === 'boolean') return value;
  throw refuse(`needs true or false for each item, not ${nameOfValue(value)}`);
}

/** Half away from zero, as Go rounds; Math.round would turn -0.5 into 0. */
const roundHalfAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

function median(values: number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** A text or a number as the wanted kind of number. */
function converted(value: Value | undefined, refuse: Refuse): number {
  const found =
    typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) ? Number(value) : value;
  if (typeof value === 'string' && typeof found === 'string') throw refuse(`cannot read "${value}" as a number`);
  return number(found, refuse);
}

const conversion = (run: (value: number) => number, result: Type): FormulaFunction => ({
  arity: [1, 1],
  type: ([argument = ANY], _body, refuse) => {
    if (argument.kind !== 'string' && !mayBeNumber(argument))
      throw refuse(`needs a number, not ${nameOfType(argument)}`);
    return result;
  },
  run: ([value], _each, refuse) => run(converted(value, refuse)),
});

const edge = (run: (items: Value[]) => Value | undefined): FormulaFunction => ({
  arity: [1, 1],
  type: ([argument], _body, refuse) => {
    requireList(argument, refuse);
    return ANY;
  },
  run: ([value], _each, refuse) => run(list(value, refuse)) ?? null,
});

/**
 * The functions of expr-lang 1.17 that formulas over numbers have a use for. max and min of nothing are nil, mean,
 * median and sum of nothing are 0, as there.
 */
export const FUNCTIONS: Readonly<Record<string, FormulaFunction>> = {
  abs: rounding(Math.abs, (type) => type),
  ceil: rounding(Math.ceil, () => FLOAT),
  floor: rounding(Math.floor, () => FLOAT),
  round: rounding(roundHalfAway, () => FLOAT),
  int: conversion(Math.trunc, INT),
  float: conversion((value) => value, FLOAT),
  max: aggregate(
    (values) => (values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b))),
    (type) => type,
  ),
  min: aggregate(
    (values) => (values.length === 0 ? null : values.reduce((a, b) => Math.min(a, b))),
    (type) => type,
  ),
  mean: aggregate(
    (values) => (values.length === 0 ? 0 : total(values) / values.length),
    () => FLOAT,
  ),
  median: aggregate(median, () => FLOAT),
  sum: {
    arity: [1, 1],
    predicate: { required: false, boolean: false },
    type: ([argument], body, refuse) => requireNumeric(body ?? requireList(argument, refuse), refuse),
    run: ([value], each, refuse) =>
      total(list(value, refuse).map((item, index) => number(each ? each(item, index) : item, refuse))),
  },
  count: {
    arity: [1, 1],
    predicate: { required: false, boolean: true },
    type: ([argument], _body, refuse) => {
      requireList(argument, refuse);
      return INT;
    },
    run: ([value], each, refuse) =>
      list(value, refuse).filter((item, index) => truth(each ? each(item, index) : item, refuse)).length,
  },
  len: {
    arity: [1, 1],
    type: ([argument = ANY], _body, refuse) => {
      if (argument.kind !== 'string') requireList(argument, refuse);
      return INT;
    },
    run: ([value], _each, refuse) => (typeof value === 'string' ? [...value].length : list(value, refuse).length),
  },
  all: search((items, matches) => items.every(matches), 'boolean'),
  any: search((items, matches) => items.some(matches), 'boolean'),
  none: search((items, matches) => !items.some(matches), 'boolean'),
  one: search((items, matches) => items.filter(matches).length === 1, 'boolean'),
  filter: search((items, matches) => items.filter(matches), 'list'),
  find: search((items, matches) => items.find(matches) ?? null, 'item'),
  findIndex: search((items, matches) => {
    const index = items.findIndex(matches);
    return index < 0 ? null : index;
  }, 'int'),
  map: {
    arity: [1, 1],
    predicate: { required: true, boolean: false },
    type: ([argument], body, refuse) => {
      requireList(argument, refuse);
      return { kind: 'list', item: body ?? ANY };
    },
    run: ([value], each, refuse) => list(value, refuse).map((item, index) => (each ? each(item, index) : item)),
  },
  reduce: {
    arity: [1, 2],
    predicate: { required: true, boolean: false },
    type: ([argument], _body, refuse) => {
      requireList(argument, refuse);
      return ANY;
    },
    run: ([value, start], each, refuse) => {
      const items = list(value, refuse);
      if (start === undefined && items.length === 0) throw refuse('has nothing to start with: the list is empty');
      const step = (acc: Value, item: Value, index: number) => (each ? each(item, index, acc) : item);
      return start === undefined ? items.reduce(step) : items.reduce<Value>(step, start);
    },
  },
  first: edge((items) => items[0]),
  last: edge((items) => items.at(-1)),
};

export const BUILTIN_NAMES: ReadonlySet<string> = new Set(Object.keys(FUNCTIONS));

/** Functions whose second argument is a predicate. */
export const PREDICATES: ReadonlySet<string> = new Set(
  Object.entries(FUNCTIONS).flatMap(([name, { predicate }]) => (predicate ? [name] : [])),
);
