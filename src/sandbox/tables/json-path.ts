/** Finds the values of a path in an object, in order. */
export type JsonPath = (root: unknown) => unknown[];

type Step = (values: unknown[]) => unknown[];

/** A JSONPath that cannot be read. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

/**
 * Compiles the JSONPath that printer columns and selectable fields use: `.a.b`, `['a.b']`, `a\.b`, `[0]`, `[-1:]`,
 * `[*]`, `.*`, `..a` and filters such as `[?(@.type=="Ready")]`. Braces around it are optional.
 * @throws JsonPathError saying what cannot be read and where
 */
export function compileJsonPath(text: string): JsonPath {
  const inner = text.trim().replace(/^\{(.*)\}$/s, '$1');
  const steps = readSteps(inner.replace(/^[$@]/, ''), text);
  return (root) => steps.reduce<unknown[]>((values, step) => step(values), [root]);
}

function readSteps(path: string, whole: string): Step[] {
  const steps: Step[] = [];
  let at = 0;
  const fail = (why: string) => new JsonPathError(`cannot read the JSONPath ${JSON.stringify(whole)}: ${why}`);
  while (at < path.length) {
    if (path.startsWith('..', at)) {
      const { name, end } = readName(path, at + 2);
      if (name === '') throw fail(`a name must follow ".." at ${at}`);
      steps.push((values) => values.flatMap((value) => descendants(value)).flatMap((value) => field(value, name)));
      at = end;
    } else if (path[at] === '[') {
      const end = closing(path, at);
      if (end < 0) throw fail(`"[" at ${at} is not closed`);
      steps.push(readBrackets(path.slice(at + 1, end).trim(), fail));
      at = end + 1;
    } else {
      const start = path[at] === '.' ? at + 1 : at;
      if (path[start] === '[') {
        at = start;
        continue;
      }
      const { name, end } = readName(path, start);
      if (name === '' && end < path.length) throw fail(`a name is missing at ${start}`);
      if (name === '*') steps.push((values) => values.flatMap(children));
      else if (name !== '') steps.push((values) => values.flatMap((value) => field(value, name)));
      at = end;
    }
  }
  return steps;
}

/** A name up to the next dot or bracket; a backslash takes the next character as it is. */
function readName(path: string, start: number): { name: string; end: number } {
  let name = '';
  let end = start;
  for (; end < path.length && path[end] !== '.' && path[end] !== '['; end++) {
    if (path[end] === '\\') end++;
    name += path[end] ?? '';
  }
  return { name, end };
}

function closing(path: string, open: number): number {
  let depth = 0;
  let quote = '';
  for (let at = open; at < path.length; at++) {
    const char = path[at] ?? '';
    if (char === '\\') at++;
    else if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '[') depth++;
    else if (char === ']' && --depth === 0) return at;
  }
  return -1;
}

function readBrackets(inside: string, fail: (why: string) => JsonPathError): Step {
  if (inside === '*') return (values) => values.flatMap(children);
  const filter = /^\?\((.*)\)$/s.exec(inside);
  if (filter) return readFilter(filter[1] ?? '', fail);
  if (/^-?\d+$/.test(inside))
    return (values) => values.flatMap((value) => slice(value, Number(inside), undefined, 1, true));
  const range = /^(-?\d*):(-?\d*)(?::(\d+))?$/.exec(inside);
  if (range) {
    const [, from = '', to = '', by] = range;
    return (values) =>
      values.flatMap((value) =>
        slice(value, from === '' ? 0 : Number(from), to === '' ? undefined : Number(to), Number(by ?? 1), false),
      );
  }
  const names = inside.split(',').map((part) => /^\s*(['"])(.*)\1\s*$/s.exec(part)?.[2]);
  if (names.some((name) => name === undefined)) throw fail(`${JSON.stringify(inside)} is no index, name or filter`);
  const plain = names.map((name) => (name ?? '').replaceAll(/\\(.)/g, '$1'));
  return (values) => values.flatMap((value) => plain.flatMap((name) => field(value, name)));
}

function readFilter(text: string, fail: (why: string) => JsonPathError): Step {
  const match = /^\s*(@[^=!<>]*?|'[^']*'|"[^"]*"|[-\d.]+)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/s.exec(text);
  if (!match) throw fail(`${JSON.stringify(text)} is no filter`);
  const [, left = '', operator, right = ''] = match;
  const leftSide = readOperand(left, fail);
  if (operator === undefined) return (values) => values.flatMap(children).filter((item) => leftSide(item).length > 0);
  const rightSide = readOperand(right, fail);
  return (values) =>
    values.flatMap(children).filter((item) => compare(leftSide(item)[0], rightSide(item)[0], operator));
}

function readOperand(text: string, fail: (why: string) => JsonPathError): JsonPath {
  if (text.startsWith('@')) return compileJsonPath(text);
  const quoted = /^(['"])(.*)\1$/s.exec(text);
  if (quoted) return () => [quoted[2]];
  if (text === 'true' || text === 'false') return () => [text === 'true'];
  if (/^-?\d+(\.\d+)?$/.test(text)) return () => [Number(text)];
  throw fail(`${JSON.stringify(text)} is neither a value nor a path`);
}

function compare(left: unknown, right: unknown, operator: string): boolean {
  if (left === undefined || right === undefined) return false;
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  const comparable = typeof left === typeof right && (typeof left === 'number' || typeof left === 'string');
  if (!comparable) return false;
  const [a, b] = [left as number, right as number];
  return operator === '<' ? a < b : operator === '<=' ? a <= b : operator === '>' ? a > b : a >= b;
}

function field(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return [];
  return [(value as Record<string, unknown>)[name]];
}

function children(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

function descendants(value: unknown): unknown[] {
  return [value, ...children(value).flatMap(descendants)];
}

function slice(value: unknown, from: number, to: number | undefined, step: number, single: boolean): unknown[] {
  if (!Array.isArray(value)) return [];
  const start = from < 0 ? Math.max(value.length + from, 0) : from;
  const part = single ? (value.length + from < 0 ? [] : value.slice(start, start + 1)) : value.slice(start, to);
  return part.filter((_item, index) => index % Math.max(step, 1) === 0);
}
