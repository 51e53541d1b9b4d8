import type { Json } from '../../base/object.ts';
import { parseGjsonPath, type Query, type Step } from './gjson-path.ts';

/**
 * The value at a GJSON path (github.com/tidwall/gjson), undefined when there is none. Read are: names and list positions
 * joined by dots or pipes, `\` before a special character, `*` and `?` in names, `#` (length, or every element), and
 * queries `#(field=="x")`, `#(field>5)#` with == != < <= > >= % !%. Not read are modifiers (`@…`) and multipaths.
 * @throws InvalidTrigger for a path that cannot be read
 */
export function gjson(document: Json, path: string): Json | undefined {
  return walk(document, parseGjsonPath(path), 0);
}

function walk(value: Json | undefined, steps: readonly Step[], index: number): Json | undefined {
  const step = steps[index];
  if (step === undefined || value === undefined) return value;
  switch (step.kind) {
    case 'name':
      return walk(child(value, step), steps, index + 1);
    case 'count': {
      if (!Array.isArray(value)) return undefined;
      const next = steps[index + 1];
      if (next === undefined) return value.length;
      return each(value, steps, index + 1);
    }
    case 'query': {
      if (!Array.isArray(value)) return undefined;
      if (step.all)
        return each(
          value.filter((element) => matches(element, step.query)),
          steps,
          index + 1,
        );
      return walk(
        value.find((element) => matches(element, step.query)),
        steps,
        index + 1,
      );
    }
  }
}

/** After `#` a dot goes on in every element, a pipe with the list as a whole. */
function each(values: readonly Json[], steps: readonly Step[], index: number): Json | undefined {
  const step = steps[index];
  if (step === undefined || step.piped) return walk([...values], steps, index);
  // Everything up to the next pipe belongs to the elements.
  let end = index;
  while (end < steps.length && (end === index || !steps[end]?.piped)) end++;
  const inner = steps.slice(index, end);
  const found = values.map((value) => walk(value, inner, 0)).filter((value) => value !== undefined);
  return walk(found, steps, end);
}

function child(value: Json, step: Extract<Step, { kind: 'name' }>): Json | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(step.name) ? value[Number(step.name)] : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (step.pattern === undefined) return Object.hasOwn(value, step.name) ? value[step.name] : undefined;
  const key = Object.keys(value).find((each) => step.pattern?.test(each));
  return key === undefined ? undefined : value[key];
}

function matches(element: Json, query: Query): boolean {
  const value = walk(element, query.steps, 0);
  if (value === undefined) return false;
  const { operator, operand } = query;
  if (operator === undefined) return true;
  if (operator === '%' || operator === '!%') {
    if (typeof value !== 'string' || !(operand instanceof RegExp)) return false;
    return operand.test(value) === (operator === '%');
  }
  if (operator === '==') return value === operand;
  if (operator === '!=') return value !== operand;
  const comparable =
    (typeof value === 'number' && typeof operand === 'number') ||
    (typeof value === 'string' && typeof operand === 'string');
  if (!comparable) return false;
  const a = value as string;
  const b = operand as string;
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  if (operator === '>') return a > b;
  return a >= b;
}
