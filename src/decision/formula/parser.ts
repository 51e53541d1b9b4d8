import { BUILTIN_NAMES, PREDICATES } from './functions.ts';
import { type Token, tokenize, unquote } from './lexer.ts';
import { FormulaError } from './problem.ts';
import type { BinaryOperator, Node } from './syntax.ts';

// Strength of the operators of expr-lang 1.17: the larger binds the tighter.
const STRENGTH: Readonly<Record<string, number>> = {
  '|': 0,
  or: 10,
  '||': 10,
  and: 15,
  '&&': 15,
  '==': 20,
  '!=': 20,
  '<': 20,
  '>': 20,
  '<=': 20,
  '>=': 20,
  in: 20,
  matches: 20,
  contains: 20,
  startsWith: 20,
  endsWith: 20,
  '..': 25,
  '+': 30,
  '-': 30,
  '*': 60,
  '/': 60,
  '%': 60,
  '**': 100,
  '^': 100,
  '??': 500,
};
const UNARY_STRENGTH: Readonly<Record<string, number>> = { not: 50, '!': 50, '-': 90, '+': 90 };
const NEGATABLE = new Set(['in', 'matches', 'contains', 'startsWith', 'endsWith']);
const CHAINED = new Set(['<', '>', '<=', '>=']);
const SAME: Readonly<Record<string, BinaryOperator>> = { or: '||', and: '&&', '^': '**' };
/** Deeper nesting than anybody writes, and far from the end of the stack. */
const DEEPEST = 100;
const LONGEST = 10_000;
/** A chain like a + a + … is as deep a tree as it is long, and both checking and running walk down it. */
const MOST_TOKENS = 2_000;

/**
 * Parses a formula.
 * @throws FormulaError at the first place that cannot be read
 */
export function parseFormula(text: string): Node {
  if (text.length > LONGEST) throw new FormulaError(`the formula is longer than ${LONGEST} characters`, LONGEST);
  const tokens = tokenize(text);
  const tooMany = tokens[MOST_TOKENS];
  if (tooMany) throw new FormulaError(`the formula has more than ${MOST_TOKENS} parts`, tooMany.at);
  let position = 0;
  let depth = 0;
  let predicates = 0;

  const current = (): Token => tokens[Math.min(position, tokens.length - 1)] as Token;
  const is = (word: string): boolean => {
    const { kind, text: found } = current();
    return (kind === 'operator' || kind === 'bracket') && found === word;
  };
  const unexpected = (wanted?: string): FormulaError => {
    const { kind, text: found, at } = current();
    const what = kind === 'end' ? 'the formula ends here' : `"${found}" does not fit here`;
    return new FormulaError(wanted ? `${what}: ${wanted} is missing` : what, at);
  };
  const accept = (word: string): boolean => {
    if (!is(word)) return false;
    position++;
    return true;
  };
  const expect = (word: string): void => {
    if (!accept(word)) throw unexpected(`"${word}"`);
  };
  const name = (what: string): Token => {
    const token = current();
    if (token.kind !== 'name') throw unexpected(what);
    position++;
    return token;
  };

  function expression(strength: number): Node {
    if (++depth > DEEPEST) throw new FormulaError('the formula is nested too deep', current().at);
    const node =
      strength === 0 && is('let') ? declaration() : strength === 0 && is('if') ? choice() : operators(strength);
    depth--;
    return node;
  }

  function declaration(): Node {
    const { at } = current();
    expect('let');
    const { text: declared } = name('a name');
    expect('=');
    const value = expression(0);
    expect(';');
    return { kind: 'let', at, name: declared, value, body: expression(0) };
  }

  function choice(): Node {
    const { at } = current();
    expect('if');
    const condition = expression(0);
    expect('{');
    const yes = expression(0);
    expect('}');
    expect('else');
    if (is('if')) return { kind: 'conditional', at, condition, yes, no: choice() };
    expect('{');
    const no = expression(0);
    expect('}');
    return { kind: 'conditional', at, condition, yes, no };
  }

  function operators(strength: number): Node {
    let left = primary();
    let previous = '';
    for (;;) {
      const start = current();
      if (start.kind !== 'operator') break;
      const negated = start.text === 'not' && NEGATABLE.has(tokens[position + 1]?.text ?? '');
      const token = negated ? (tokens[position + 1] as Token) : start;
      const own = STRENGTH[token.text];
      if (own === undefined || own < strength) break;
      position += negated ? 2 : 1;
      if (token.text === '|') left = call(name('a function'), left);
      else if (previous === '??' && token.text !== '??')
        // expr-lang refuses it too: people read it in both ways.
        throw new FormulaError(
          `"${token.text}" after ?? is ambiguous: put parentheses around the part with ??`,
          token.at,
        );
      else if (CHAINED.has(token.text)) left = comparison(left, token, own);
      else left = binary(token, left, own, negated);
      previous = token.text;
    }
    if (strength > 0) return left;
    while (is('?')) left = ternary(left);
    return left;
  }

  function binary(token: Token, left: Node, own: number, negated: boolean): Node {
    const { at } = token;
    if (token.text === 'matches') throw new FormulaError('matches is not available in formulas', at);
    const operator = SAME[token.text] ?? (token.text as BinaryOperator);
    const right = expression(operator === '**' ? own : own + 1);
    const node: Node = { kind: 'binary', at, operator, left, right };
    return negated ? { kind: 'unary', at, operator: '!', operand: node } : node;
  }

  /** `1 < x < 3` means `1 < x && x < 3`. */
  function comparison(first: Node, firstToken: Token, own: number): Node {
    let token = firstToken;
    let left = first;
    let all: Node | undefined;
    for (;;) {
      const { at } = token;
      const right = expression(own + 1);
      const next: Node = { kind: 'binary', at, operator: token.text as BinaryOperator, left, right };
      all = all ? { kind: 'binary', at, operator: '&&', left: all, right: next } : next;
      if (current().kind !== 'operator' || !CHAINED.has(current().text)) return all;
      token = current();
      left = right;
      position++;
    }
  }

  function ternary(condition: Node): Node {
    const { at } = current();
    expect('?');
    // `a ?: b` is `a ? a : b`.
    const yes = is(':') ? condition : expression(0);
    expect(':');
    return { kind: 'conditional', at, condition, yes, no: expression(0) };
  }

  function primary(): Node {
    const token = current();
    const { at } = token;
    const unary = token.kind === 'operator' ? UNARY_STRENGTH[token.text] : undefined;
    if (unary !== undefined) {
      position++;
      const operator = token.text === 'not' ? '!' : (token.text as '-' | '+' | '!');
      return { kind: 'unary', at, operator, operand: expression(unary) };
    }
    if (accept('(')) {
      const inner = expression(0);
      expect(')');
      return postfix(inner);
    }
    if (is('#')) return postfix(pointer());
    return postfix(literal());
  }

  function pointer(): Node {
    const { at } = current();
    if (predicates === 0)
      throw new FormulaError('# stands for the item and is only known inside filter, map and the like', at);
    expect('#');
    const next = current();
    // Only a name that touches the # belongs to it.
    if (next.kind !== 'name' || next.at !== at + 1) return { kind: 'pointer', at, name: '' };
    if (next.text !== 'acc' && next.text !== 'index')
      throw new FormulaError(`#${next.text} is not known: there are #, #acc and #index`, at);
    position++;
    return { kind: 'pointer', at, name: next.text };
  }

  function literal(): Node {
    const token = current();
    const { at } = token;
    if (token.kind === 'number') {
      position++;
      return numberNode(token);
    }
    if (token.kind === 'string') {
      position++;
      return { kind: 'string', at, value: unquote(token) };
    }
    if (token.kind === 'name') {
      position++;
      if (token.text === 'true' || token.text === 'false') return { kind: 'boolean', at, value: token.text === 'true' };
      if (token.text === 'nil') return { kind: 'nil', at };
      return is('(') ? call(token, undefined) : { kind: 'name', at, name: token.text };
    }
    if (accept('[')) return { kind: 'array', at, items: list(']') };
    throw unexpected(token.kind === 'end' ? 'a value' : undefined);
  }

  /** Expressions up to a closing bracket; a comma before it is allowed. */
  function list(close: ')' | ']'): Node[] {
    const items: Node[] = [];
    while (!accept(close)) {
      if (items.length > 0) {
        if (!accept(',')) throw unexpected(`"," or "${close}"`);
        if (accept(close)) break;
      }
      items.push(expression(0));
    }
    return items;
  }

  function call(token: Token, piped: Node | undefined): Node {
    const { text: called, at } = token;
    if (!BUILTIN_NAMES.has(called))
      throw new FormulaError(
        `there is no function ${called}; there are ${[...BUILTIN_NAMES].toSorted().join(', ')}`,
        at,
      );
    expect('(');
    const args: Node[] = piped ? [piped] : [];
    if (!PREDICATES.has(called)) {
      const rest = list(')');
      return { kind: 'call', at, name: called, args: [...args, ...rest], predicate: undefined };
    }
    if (!piped) args.push(expression(0));
    let body: Node | undefined;
    const comma = piped ? !is(')') : accept(',');
    if (comma && !is(')')) {
      predicates++;
      const braced = accept('{');
      body = expression(0);
      if (braced) expect('}');
      predicates--;
    }
    if (accept(',') && !is(')')) args.push(expression(0));
    accept(',');
    expect(')');
    return { kind: 'call', at, name: called, args, predicate: body };
  }

  function postfix(start: Node): Node {
    let node = start;
    for (;;) {
      const { at } = current();
      if (is('.') || is('?.')) throw new FormulaError('a trigger is a number and has no fields', at);
      if (!accept('[')) return node;
      const index = expression(0);
      expect(']');
      node = { kind: 'index', at, list: node, index };
    }
  }

  const tree = expression(0);
  if (current().kind !== 'end') throw unexpected();
  return tree;
}

function numberNode({ text, at }: Token): Node {
  const digits = text.replaceAll('_', '');
  const whole = /^0[xXbBoO]/.test(digits) || !/[.eE]/.test(digits);
  const value = Number(digits);
  if (whole ? !Number.isSafeInteger(value) : !Number.isFinite(value))
    throw new FormulaError('this number is too large', at);
  return { kind: 'number', at, value, whole };
}
