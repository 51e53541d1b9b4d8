import { FormulaError } from './problem.ts';

export interface Token {
  kind: 'number' | 'string' | 'name' | 'operator' | 'bracket' | 'end';
  text: string;
  at: number;
}

const WORDS = new Set(['not', 'in', 'and', 'or', 'matches', 'contains', 'startsWith', 'endsWith', 'let', 'if', 'else']);

// The order matters: the longest operator first.
const OPERATOR = /\*\*|\.\.|\?\.|\?\?|==|!=|<=|>=|&&|\|\||[-+*/%^<>!?:=,;.#|]/y;
const BRACKET = /[()[\]{}]/y;
const SPACE = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const NAME = /[\p{L}_$][\p{L}\p{Nd}_$]*/uy;
const NUMBER =
  /0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y;

/**
 * Cuts a formula into tokens by the rules of expr-lang 1.17, the language of KEDA's formulas.
 * @throws FormulaError at a character that starts nothing
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const space = take(SPACE);
    if (space) {
      at += space.length;
      continue;
    }
    const token = nextToken(take, at);
    if (!token) throw new FormulaError(unreadable(text, at), at);
    tokens.push(token);
    at += token.text.length;
    const last = token.text.at(-1) ?? '';
    if (token.kind === 'number' && /[\p{L}_$]/u.test(text[at] ?? '') && last !== '.')
      throw new FormulaError(`a number ends here, and "${text[at]}" cannot follow it`, at);
  }
  tokens.push({ kind: 'end', text: '', at: text.length });
  return tokens;
}

function nextToken(take: (pattern: RegExp) => string | undefined, at: number): Token | undefined {
  const number = take(NUMBER);
  if (number) return { kind: 'number', text: number, at };
  const name = take(NAME);
  if (name) return { kind: WORDS.has(name) ? 'operator' : 'name', text: name, at };
  const quoted = take(QUOTED);
  if (quoted) return { kind: 'string', text: quoted, at };
  const bracket = take(BRACKET);
  if (bracket) return { kind: 'bracket', text: bracket, at };
  const operator = take(OPERATOR);
  return operator ? { kind: 'operator', text: operator, at } : undefined;
}

function unreadable(text: string, at: number): string {
  const character = text[at] ?? '';
  if (character === '&') return 'write && for "and"';
  if (`"'\``.includes(character)) return 'this text has no closing quote';
  return `"${character}" means nothing in a formula`;
}

/** The value of a quoted text. */
export function unquote({ text, at }: Token): string {
  const inner = text.slice(1, -1);
  if (text.startsWith('`')) return inner;
  return inner.replace(/\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|(.))/g, (_all, hex, unicode, plain: string, offset) => {
    if (hex ?? unicode) return String.fromCodePoint(Number.parseInt(hex ?? unicode, 16));
    const escaped = ESCAPES[plain];
    if (escaped === undefined) throw new FormulaError(`\\${plain} is not an escape`, at + 1 + Number(offset));
    return escaped;
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};
