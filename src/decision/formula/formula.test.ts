import { describe, expect, it } from 'vitest';
import { compileFormula, formulaFault } from './index.ts';

const VALUES = { a: 2, b: 3, zero: 0, half: 0.5, big: 1e6, queue: 7 };

function evaluate(text: string, values: Record<string, number | null> = VALUES): number | string | null {
  const compiled = compileFormula(text, Object.keys(values));
  if (!compiled.ok) return compiled.problems.map(({ message, at }) => `@${at} ${message}`).join('; ');
  const result = compiled.formula.run(values);
  return result.ok ? result.value : `run: ${result.problem.split('\n')[0]}`;
}

describe('formulas give the numbers that expr-lang gives', () => {
  it.each<[string, number]>([
    // numbers
    ['1', 1],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['1e3', 1000],
    ['1_000', 1000],
    ['0x10', 16],
    ['0b101', 5],
    ['0o17', 15],
    // operators and how tight they bind
    ['a + b * 2', 8],
    ['(a + b) * 2', 10],
    ['a - b - 1', -2],
    ['12 / 4 / 3', 1],
    ['1 / 2', 0.5],
    ['7 % 4', 3],
    ['-7 % 4', -3],
    ['2 ** 3 ** 2', 512],
    ['2 ^ 3', 8],
    ['-2 ^ 2', -4],
    ['2 ** -1', 0.5],
    ['-a + b', 1],
    ['- -a', 2],
    ['+a', 2],
    ['2 * -b', -6],
    ['int(queue) % 4', 3],
    // conditions
    ['a > 1 ? 10 : 20', 10],
    ['a > 1 && b > 3 ? 10 : 20', 20],
    ['a > 1 and b > 3 ? 10 : 20', 20],
    ['a > 5 || b == 3 ? 10 : 20', 10],
    ['a > 5 or b == 3 ? 10 : 20', 10],
    ['not (a > 5) ? 10 : 20', 10],
    ['!(a > 5) ? 10 : 20', 10],
    ['not true or true ? 1 : 2', 1],
    ['a != 2 ? 1 : 2', 2],
    ['a >= 2 ? 1 : 2', 1],
    ['a <= 1 ? 1 : 2', 2],
    ['1 < a < 3 ? 1 : 2', 1],
    ['1 < b < 3 ? 1 : 2', 2],
    ['a > 5 ? 1 : b > 2 ? 2 : 3', 2],
    ['(a > 5 ? 1 : 2) + 1', 3],
    ['if a > 1 { b } else { 0 }', 3],
    ['if a > 5 { 1 } else if b > 2 { 2 } else { 3 }', 2],
    ['true || (1 / zero > 1) ? 4 : 5', 4],
    ['"x" == "x" ? 1 : 0', 1],
    ['"order" startsWith "or" ? 1 : 0', 1],
    ['"order" endsWith "er" ? 1 : 0', 1],
    ['"order" contains "rd" ? 1 : 0', 1],
    ['"order" not contains "x" ? 1 : 0', 1],
    ['"a" + "b" == `ab` ? 1 : 0', 1],
    ["'a' < 'b' ? 1 : 0", 1],
    ['len("läng")', 4],
    ['2 in [1, 2, 3] ? 1 : 0', 1],
    ['4 in 1..3 ? 1 : 0', 0],
    ['4 not in [1, 2, 3] ? 1 : 0', 1],
    ['[1, 2] == [1, 2] ? 1 : 0', 1],
    // nil
    ['a ?? 5', 2],
    ['nil ?? 5', 5],
    ['nil ?? nil ?? 6', 6],
    ['(a ?? 1) * 2', 4],
    ['b + a ?? 1', 5],
    ['a == nil ? 1 : 2', 2],
    // functions
    ['max(a, b)', 3],
    ['max([a, b, 9])', 9],
    ['max(a, [b, [11]])', 11],
    ['min(a, b, half)', 0.5],
    ['abs(a - b)', 1],
    ['ceil(half)', 1],
    ['floor(2.9)', 2],
    ['round(2.5)', 3],
    ['round(-2.5)', -3],
    ['int(2.9)', 2],
    ['int(-2.9)', -2],
    ['int("42")', 42],
    ['float("1.5")', 1.5],
    ['float(a) + 1', 3],
    ['sum([a, b, 1])', 6],
    ['sum([a, b], # * 2)', 10],
    ['sum([])', 0],
    ['mean(a, b)', 2.5],
    ['mean([a, b, 4])', 3],
    ['mean([])', 0],
    ['median([5, 1, 3])', 3],
    ['median(4, 1, 3, 2)', 2.5],
    ['len([a, b])', 2],
    ['count([a, b, 9], # > 2)', 2],
    ['count([true, false, true])', 2],
    ['all([a, b], # > 1) ? 1 : 0', 1],
    ['any([a, b], {# > 2}) ? 1 : 0', 1],
    ['none([a, b], # > 5) ? 1 : 0', 1],
    ['one([a, b], # > 2) ? 1 : 0', 1],
    ['sum(filter([a, b, 9], # < 9))', 5],
    ['max(map([a, b], # * # + 1))', 10],
    ['sum(map([a, b], #index))', 1],
    ['find([a, b], # > 2) ?? 0', 3],
    ['find([a, b], # > 9) ?? 0', 0],
    ['findIndex([a, b], # > 2) ?? -1', 1],
    ['reduce([a, b, 4], #acc + #)', 9],
    ['reduce([a, b], #acc + #, 100)', 105],
    ['first([a, b])', 2],
    ['last([a, b])', 3],
    ['max([]) ?? 3', 3],
    ['[a, b][1]', 3],
    ['[a, b][-1]', 3],
    ['sum(1..4)', 10],
    ['sum(map(filter(1..10, # % 2 == 0), # * a))', 60],
    // pipes, let, comments, several lines
    ['a | max(b)', 3],
    ['[a, b] | map(# * 2) | sum()', 10],
    ['a + b | min(4)', 4],
    ['let x = a + b; x * x', 25],
    ['let x = a; let y = x * 2; y + x', 6],
    ['a /* orders */ + b // lag', 5],
    ['max(\n  a,\n  b,\n)', 3],
    // infinities that a bound takes back
    ['min(a / zero, 50)', 50],
    ['a / zero > 5 ? 1 : 0', 1],
    // the shapes in KEDA's documentation
    ['(a + b) / 2', 2.5],
    ['a > 1 ? 5 : (b - 2)', 5],
    ['sum([a, b]) + abs(zero)', 5],
    ['count([a, b], {# > 1}) > 1 ? 5 : 0', 5],
  ])('%s = %d', (text, expected) => {
    expect(evaluate(text)).toBe(expected);
  });
});

describe('a trigger that the fallback took out is nil', () => {
  const values = { a: null, b: 3 };
  it.each<[string, number | string | null]>([
    ['(a ?? b) * 2', 6],
    ['a ?? nil', null],
    ['a == nil ? b : a ?? 0', 3],
    ['a + b', 'run: a has no value at the moment: write (a ?? …) to say what counts instead'],
    ['max(a, b)', 'run: a has no value at the moment: write (a ?? …) to say what counts instead'],
    ['a', 'run: the formula gives nil in place of a number'],
    ['b > 1 ? b : a', 3],
  ])('%s', (text, expected) => {
    expect(evaluate(text, values)).toBe(expected);
  });
});

describe('what is no number is an error', () => {
  it.each<[string, string]>([
    ['a / zero', 'run: the formula divides by zero'],
    ['zero / zero', 'run: the formula divides by zero'],
    ['(-1) ** half', 'run: the formula gives NaN, which is no number to scale on'],
    ['10 ** 400', 'run: the formula gives Infinity, which is no number to scale on'],
    ['int(a) % int(zero)', 'run: a remainder of a division by zero is no number'],
    ['[a][1]', 'run: there is no position 1 in a list of 1'],
    ['sum(1..100000)', 'run: a range may have 10000 numbers'],
    ['sum(map(1..1000, sum(map(1..1000, # + 1))))', 'run: the formula takes too many steps'],
    ['max([])', 'run: the formula gives nil in place of a number'],
    ['reduce([], #acc + #)', 'run: reduce has nothing to start with: the list is empty'],
    ['int("many")', 'run: int cannot read "many" as a number'],
  ])('%s', (text, expected) => {
    expect(evaluate(text)).toBe(expected);
  });
});

describe('what can never work is told before it runs', () => {
  it.each<[string, string]>([
    ['a +', '@3 the formula ends here: a value is missing'],
    ['(a + b', '@6 the formula ends here: ")" is missing'],
    ['a b', '@2 "b" does not fit here'],
    ['a + * b', '@4 "*" does not fit here'],
    ['max(a b)', '@6 "b" does not fit here: "," or ")" is missing'],
    ['1 ? 2', '@5 the formula ends here: ":" is missing'],
    ['if a > 1 { b }', '@14 the formula ends here: "else" is missing'],
    ['12abc', '@2 a number ends here, and "a" cannot follow it'],
    ['a & b', '@2 write && for "and"'],
    ['"a', '@0 this text has no closing quote'],
    ['a @ b', '@2 "@" means nothing in a formula'],
    ['c + a', '@0 there is no trigger named c; there are a, b, zero, half, big, queue'],
    ['quue + 1', '@0 there is no trigger named quue; did you mean queue?'],
    [
      'x + y',
      '@0 there is no trigger named x; there are a, b, zero, half, big, queue; @4 there is no trigger named y; there are a, b, zero, half, big, queue',
    ],
    ['a > 1', '@0 the formula has to give a number, not true or false'],
    ['"ten"', '@0 the formula has to give a number, not a text'],
    ['[a, b]', '@0 the formula has to give a number, not a list'],
    ['nil', '@0 the formula has to give a number, not nil'],
    ['float(a) > 1', '@0 the formula has to give a number, not true or false'],
    ['a % 2', '@2 % needs two whole numbers (use int(…)), not a number and a whole number'],
    ['a + "1"', '@2 + needs two numbers, not a number and a text'],
    ['a && b', '@2 && needs true or false on both sides, not a number and a number'],
    ['!a', '@0 not needs true or false, not a number'],
    ['a ? 1 : 2', '@0 a condition has to be true or false, not a number'],
    ['a == "x" ? 1 : 2', '@2 == needs two values of one kind, not a number and a text'],
    ['max()', '@0 max needs an argument'],
    ['abs(a, b)', '@0 abs takes one argument, not 2'],
    ['filter([a])', '@0 filter needs a second argument like # > 1, which is asked for each item'],
    ['filter([a], # + 1)', '@14 filter needs true or false for each item, not a number'],
    ['sum(a)', '@0 sum needs a list, not a number'],
    ['max("a", b)', '@0 max needs numbers, not a text'],
    ['a ?? 1 + 2', '@7 "+" after ?? is ambiguous: put parentheses around the part with ??'],
    ['# + 1', '@0 # stands for the item and is only known inside filter, map and the like'],
    ['sum([a], #size)', '@9 #size is not known: there are #, #acc and #index'],
    ['a.b', '@1 a trigger is a number and has no fields'],
    ['let a = 1; a', '@0 a is a trigger already: give the variable another name'],
    ['let x = 1; let x = 2; x', '@11 x is declared already: give the variable another name'],
    ['"a" matches "b" ? 1 : 2', '@4 matches is not available in formulas'],
    ['99999999999999999999', '@0 this number is too large'],
  ])('%s', (text, expected) => {
    expect(evaluate(text)).toBe(expected);
  });

  it('tells of functions that are not there, and of those that are', () => {
    expect(evaluate('avg(a)')).toMatch(/^@0 there is no function avg; there are abs, all, any, ceil, count/);
  });

  it('knows why a trigger with a dash cannot be named', () => {
    expect(evaluate('queue-a + 1', { 'queue-a': 1 })).toMatch(
      /there is no trigger named queue; the trigger "queue-a" cannot be named in a formula/,
    );
  });

  it('stops at nesting that no person writes', () => {
    expect(evaluate(`${'('.repeat(150)}1`)).toMatch(/nested too deep/);
    expect(evaluate('1 +'.repeat(5000))).toMatch(/longer than 10000 characters/);
  });

  it('runs a long sum in time that grows with its length, and refuses one that could exhaust the stack', () => {
    expect(evaluate(`a${' + a'.repeat(900)}`)).toBe(1802);
    for (const more of ['+a', '-a', '*a', '[0]', ' ?? a'])
      expect(evaluate(`a${more.repeat(1500)}`)).toMatch(/more than 2000 parts/);
    for (const prefix of ['-', 'a>0?1:', '!'])
      expect(evaluate(`${prefix.repeat(999)}a`)).toMatch(/too deep|2000 parts/);
  });
});

it('shows where a problem is, also in a later line and in a long one', () => {
  expect(formulaFault('(a + b) / c', ['a', 'b'])).toBe(
    'there is no trigger named c; there are a, b\n  (a + b) / c\n            ^',
  );
  expect(formulaFault('a +\n  c', ['a'])).toBe('there is no trigger named c; there are a\n    c\n    ^');
  expect(
    formulaFault(`${'a + '.repeat(50)}c`, ['a'])
      ?.split('\n')
      .at(-1),
  ).toBe(`  ${' '.repeat(30)}^`);
  expect(formulaFault('(a + b) / 2', ['a', 'b'])).toBeUndefined();
});

it('names the triggers that it uses, once each', () => {
  const compiled = compileFormula('max(b, a, b)', ['a', 'b', 'c']);
  expect(compiled.ok && compiled.formula.variables).toEqual(['b', 'a']);
});
