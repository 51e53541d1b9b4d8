import { WindlassError } from '../../base/errors.ts';

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '%' | '!%';

export interface Query {
  /** Path inside an element; empty for the element itself. */
  steps: readonly Step[];
  /** Absent: the path only has to exist. */
  operator: Operator | undefined;
  operand: string | number | boolean | null | RegExp | undefined;
}

/** One part of a GJSON path. `piped`: a pipe stood before it, not a dot. */
export type Step = { piped: boolean } & (
  | { kind: 'name'; name: string; pattern: RegExp | undefined }
  | { kind: 'count' }
  | { kind: 'query'; query: Query; all: boolean }
);

/** As written, longer ones first; a single equals sign means the same as two. */
const OPERATORS: readonly [string, Operator][] = [
  ...(['==', '!=', '<=', '>=', '!%', '<', '>', '%'] as const).map((each): [string, Operator] => [each, each]),
  ['=', '=='],
];

/**
 * Takes a GJSON path apart.
 * @throws InvalidTrigger for what this reader does not read
 */
export function parseGjsonPath(path: string): Step[] {
  const steps: Step[] = [];
  let at = 0;
  let piped = false;
  while (at <= path.length) {
    const rest = path.slice(at);
    if (rest.startsWith('#(') || rest.startsWith('#[')) {
      const end = closing(path, at + 1);
      const all = path[end + 1] === '#';
      steps.push({ piped, kind: 'query', query: parseQuery(path.slice(at + 2, end), path), all });
      at = end + (all ? 2 : 1);
    } else {
      const { name, pattern, end } = readName(path, at);
      if (/^[@!{[]/.test(name) && path[at] !== '\\')
        throw unreadable(path, `"${name}" is a modifier or a multipath, which are not read`);
      if (name === '#' && path[at] === '#') steps.push({ piped, kind: 'count' });
      else if (name !== '' || path !== '') steps.push({ piped, kind: 'name', name, pattern });
      at = end;
    }
    if (at < path.length && path[at] !== '.' && path[at] !== '|')
      throw unreadable(path, `a dot is missing before "${path.slice(at)}"`);
    piped = path[at] === '|';
    at++;
  }
  return steps;
}

/** A name up to the next dot or pipe; a backslash takes the special meaning from the character after it. */
function readName(path: string, start: number): { name: string; pattern: RegExp | undefined; end: number } {
  let name = '';
  let source = '';
  let isPattern = false;
  let end = start;
  for (; end < path.length && path[end] !== '.' && path[end] !== '|'; end++) {
    let char = path[end] ?? '';
    const escaped = char === '\\' && end + 1 < path.length;
    if (escaped) char = path[++end] ?? '';
    if (!escaped && (char === '*' || char === '?')) {
      isPattern = true;
      source += char === '*' ? '.*' : '.';
    } else source += literal(char);
    name += char;
  }
  return { name, pattern: isPattern ? new RegExp(`^${source}$`, 's') : undefined, end };
}

/** Position of the bracket that closes the one at `open`, brackets in quotes not counted. */
function closing(path: string, open: number): number {
  let depth = 0;
  let quoted = false;
  for (let i = open; i < path.length; i++) {
    const char = path[i];
    if (char === '\\') i++;
    else if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (char === '(' || char === '[') depth++;
    else if ((char === ')' || char === ']') && --depth === 0) return i;
  }
  throw unreadable(path, 'a query is not closed');
}

function parseQuery(text: string, path: string): Query {
  const { index, length, operator } = findOperator(text);
  const left = text.slice(0, index).trim();
  const steps = left === '' ? [] : parseGjsonPath(left);
  if (operator === undefined) return { steps, operator, operand: undefined };
  const right = text.slice(index + length).trim();
  const operand = parseOperand(right);
  if (operator !== '%' && operator !== '!%') return { steps, operator, operand };
  if (typeof operand !== 'string') throw unreadable(path, `${operator} needs a pattern`);
  const source = [...operand].map((char) => (char === '*' ? '.*' : char === '?' ? '.' : literal(char))).join('');
  return { steps, operator, operand: new RegExp(`^${source}$`, 's') };
}

/** The first operator that stands neither in quotes nor in a nested query. */
function findOperator(text: string): { index: number; length: number; operator: Operator | undefined } {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === '\\') index++;
    else if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (depth === 0) {
      const [written, operator] = OPERATORS.find(([each]) => text.startsWith(each, index)) ?? [];
      if (written !== undefined) return { index, length: written.length, operator };
    }
  }
  return { index: text.length, length: 0, operator: undefined };
}

function parseOperand(text: string): string | number | boolean | null {
  if (text.startsWith('"')) return text.slice(1, text.endsWith('"') ? -1 : undefined).replace(/\\(.)/g, '$1');
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (text === 'null') return null;
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function literal(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function unreadable(path: string, why: string): WindlassError {
  return new WindlassError('InvalidTrigger', `cannot read the path "${path}": ${why}`, {
    hint: 'write it as names and positions with dots, such as queues.0.length or queues.#(name=="orders").length',
  });
}
