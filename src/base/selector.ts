import { WindlassError } from './errors.ts';

export interface SelectorRequirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'GreaterThan' | 'LessThan';
  values: string[];
}

/** A metav1.LabelSelector. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/**
 * Parses Kubernetes' selector text (`a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1`).
 * @throws InvalidArgument naming the part that cannot be read
 */
export function parseSelector(text: string): SelectorRequirement[] {
  const requirements: SelectorRequirement[] = [];
  for (const raw of splitOutsideParentheses(text)) {
    const part = raw.trim();
    if (part === '') continue;
    requirements.push(parseRequirement(part));
  }
  return requirements;
}

const KEY = `(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?`;
const VALUE = `(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?`;
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^)]*)\\)$`);
const COMPARE = new RegExp(`^(${KEY})\\s*(==|=|!=|>|<)\\s*(${VALUE})$`);
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);
const PLAIN_VALUE = new RegExp(`^${VALUE}$`);

function parseRequirement(part: string): SelectorRequirement {
  const fail = (why: string) =>
    new WindlassError('InvalidArgument', `cannot read the label selector "${part}": ${why}`, {
      hint: 'write it as key=value, key!=value, key in (a,b), key notin (a,b), key or !key, separated by commas',
    });
  const set = SET.exec(part);
  if (set) {
    const values = (set[3] ?? '').split(',').map((v) => v.trim());
    for (const value of values) if (!PLAIN_VALUE.test(value)) throw fail(`"${value}" is not a label value`);
    return { key: set[1] ?? '', operator: set[2] === 'in' ? 'In' : 'NotIn', values };
  }
  const compare = COMPARE.exec(part);
  if (compare) {
    const [, key = '', sign, value = ''] = compare;
    if (sign === '>' || sign === '<') {
      if (!/^\d+$/.test(value)) throw fail(`"${value}" is not a whole number`);
      return { key, operator: sign === '>' ? 'GreaterThan' : 'LessThan', values: [value] };
    }
    return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] };
  }
  const exists = EXISTS.exec(part);
  if (exists) return { key: exists[2] ?? '', operator: exists[1] === '!' ? 'DoesNotExist' : 'Exists', values: [] };
  throw fail('it is none of the known forms');
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** The requirements of a metav1.LabelSelector object; an empty selector has none and matches everything. */
export function requirementsOf(selector: LabelSelector): SelectorRequirement[] {
  const labels = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): SelectorRequirement => ({ key, operator: 'In', values: [value] }),
  );
  const expressions = (selector.matchExpressions ?? []).map(
    (e): SelectorRequirement => ({
      key: e.key,
      operator: e.operator as SelectorRequirement['operator'],
      values: e.values ?? [],
    }),
  );
  return [...labels, ...expressions];
}

/** A metav1.LabelSelector as selector text, in the order written, for queries. */
export function formatSelector(selector: LabelSelector): string {
  return requirementsOf(selector)
    .map(({ key, operator, values }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      if (operator === 'In') return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
      if (operator === 'NotIn') return `${key} notin (${values.join(',')})`;
      return `${key}${operator === 'GreaterThan' ? '>' : '<'}${values[0]}`;
    })
    .join(',');
}

/** Whether labels meet every requirement. As in Kubernetes, NotIn also matches an object without the key. */
export function matchesLabels(requirements: SelectorRequirement[], labels: Record<string, string> = {}): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      case 'GreaterThan':
        return value !== undefined && Number(value) > Number(values[0]);
      case 'LessThan':
        return value !== undefined && Number(value) < Number(values[0]);
      default:
        return false;
    }
  });
}
