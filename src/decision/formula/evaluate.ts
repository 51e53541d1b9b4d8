import { FUNCTIONS } from './functions.ts';
import { FormulaError } from './problem.ts';
import type { Node } from './syntax.ts';
import { equal, nameOfValue, type Value } from './types.ts';

interface Scope {
  locals: ReadonlyMap<string, Value>;
  item: Value;
  acc: Value;
  index: number;
}

export interface Run {
  value: Value;
  /** Where something was first divided by zero; the result may still be a number, as in min(a / 0, 5). */
  dividedByZeroAt: number | undefined;
}

/** Far beyond any formula over a handful of triggers; a formula must never stall the operator. */
const MOST_STEPS = 100_000;
const LONGEST_RANGE = 10_000;

/**
 * Runs a formula. Numbers are doubles, as in expr-lang: a division by zero is infinite until it meets a min or max.
 * @throws FormulaError where values do not fit
 */
export function evaluateFormula(tree: Node, variables: Readonly<Record<string, number | null>>): Run {
  let steps = 0;
  let dividedByZeroAt: number | undefined;

  function run(node: Node, scope: Scope): Value {
    if (++steps > MOST_STEPS) throw new FormulaError('the formula takes too many steps', node.at, 'value');
    switch (node.kind) {
      case 'number':
      case 'string':
      case 'boolean':
        return node.value;
      case 'nil':
        return null;
      case 'name':
        return scope.locals.has(node.name) ? (scope.locals.get(node.name) ?? null) : (variables[node.name] ?? null);
      case 'pointer':
        return node.name === 'index' ? scope.index : node.name === 'acc' ? scope.acc : scope.item;
      case 'array':
        return node.items.map((item) => run(item, scope));
      case 'unary':
        if (node.operator === '!') return !truth(node.operand, scope);
        return node.operator === '-' ? -number(node.operand, scope) : number(node.operand, scope);
      case 'binary':
        return binary(node, scope);
      case 'conditional':
        return run(truth(node.condition, scope) ? node.yes : node.no, scope);
      case 'let': {
        const value = run(node.value, scope);
        return run(node.body, { ...scope, locals: new Map([...scope.locals, [node.name, value]]) });
      }
      case 'index':
        return at(node, scope);
      case 'call':
        return call(node, scope);
    }
  }

  function fail(node: Node, message: string): FormulaError {
    return new FormulaError(message, node.at, 'value');
  }

  const number = (node: Node, scope: Scope): number => asNumber(node, run(node, scope));

  function asNumber(node: Node, value: Value): number {
    if (typeof value === 'number') return value;
    if (value === null && node.kind === 'name')
      throw fail(node, `${node.name} has no value at the moment: write (${node.name} ?? …) to say what counts instead`);
    throw fail(node, `a number is needed here, not ${nameOfValue(value)}`);
  }

  function whole(node: Node, scope: Scope): number {
    const value = number(node, scope);
    if (Number.isInteger(value)) return value;
    throw fail(node, `a whole number is needed here, not ${value}: use int(…)`);
  }

  function truth(node: Node, scope: Scope): boolean {
    const value = run(node, scope);
    if (typeof value === 'boolean') return value;
    throw fail(node, `true or false is needed here, not ${nameOfValue(value)}`);
  }

  function binary(node: Node & { kind: 'binary' }, scope: Scope): Value {
    const { operator, left, right } = node;
    switch (operator) {
      case '??':
        return run(left, scope) ?? run(right, scope);
      case '&&':
        return truth(left, scope) && truth(right, scope);
      case '||':
        return truth(left, scope) || truth(right, scope);
      case '==':
        return equal(run(left, scope), run(right, scope));
      case '!=':
        return !equal(run(left, scope), run(right, scope));
      case 'in': {
        const list = run(right, scope);
        if (!Array.isArray(list)) throw fail(right, `a list is needed here, not ${nameOfValue(list)}`);
        const value = run(left, scope);
        return list.some((item) => equal(item, value));
      }
      case '<':
      case '<=':
      case '>':
      case '>=':
      case '+':
      case 'contains':
      case 'startsWith':
      case 'endsWith':
        return onNumbersOrTexts(node, scope);
      case '..':
        return range(node, whole(left, scope), whole(right, scope));
      case '%': {
        const divisor = whole(right, scope);
        if (divisor === 0) throw fail(node, 'a remainder of a division by zero is no number');
        return whole(left, scope) % divisor;
      }
      case '-':
        return number(left, scope) - number(right, scope);
      case '*':
        return number(left, scope) * number(right, scope);
      case '/': {
        const dividend = number(left, scope);
        const divisor = number(right, scope);
        if (divisor === 0) dividedByZeroAt ??= node.at;
        return dividend / divisor;
      }
      case '**':
        return number(left, scope) ** number(right, scope);
    }
  }

  function onNumbersOrTexts(node: Node & { kind: 'binary' }, scope: Scope): Value {
    const { operator, left, right } = node;
    const first = run(left, scope);
    if (typeof first !== 'string') {
      const [a, b] = [asNumber(left, first), number(right, scope)];
      switch (operator) {
        case '+':
          return a + b;
        case '<':
          return a < b;
        case '<=':
          return a <= b;
        case '>':
          return a > b;
        case '>=':
          return a >= b;
        default:
          throw fail(node, `${operator} needs two texts`);
      }
    }
    const second = run(right, scope);
    if (typeof second !== 'string') throw fail(right, `a text is needed here, not ${nameOfValue(second)}`);
    switch (operator) {
      case '+':
        return first + second;
      case '<':
        return first < second;
      case '<=':
        return first <= second;
      case '>':
        return first > second;
      case '>=':
        return first >= second;
      case 'contains':
        return first.includes(second);
      case 'startsWith':
        return first.startsWith(second);
      default:
        return first.endsWith(second);
    }
  }

  function range(node: Node, from: number, to: number): number[] {
    if (to - from >= LONGEST_RANGE) throw fail(node, `a range may have ${LONGEST_RANGE} numbers`);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  }

  function at(node: Node & { kind: 'index' }, scope: Scope): Value {
    const list = run(node.list, scope);
    if (!Array.isArray(list)) throw fail(node, `a list is needed here, not ${nameOfValue(list)}`);
    const index = whole(node.index, scope);
    // A negative position counts from the end.
    const found = list.at(index);
    if (found === undefined) throw fail(node, `there is no position ${index} in a list of ${list.length}`);
    return found;
  }

  function call(node: Node & { kind: 'call' }, scope: Scope): Value {
    const { name, args, predicate } = node;
    const called = FUNCTIONS[name];
    if (!called) throw fail(node, `there is no function ${name}`);
    const each =
      predicate && ((item: Value, index: number, acc: Value = null) => run(predicate, { ...scope, item, index, acc }));
    const values = args.map((arg) => run(arg, scope));
    const missing = args[values.indexOf(null)];
    if (missing?.kind === 'name') asNumber(missing, null);
    return called.run(values, each, (why) => fail(node, `${name} ${why}`));
  }

  const value = run(tree, { locals: new Map(), item: null, acc: null, index: 0 });
  return { value, dividedByZeroAt };
}
