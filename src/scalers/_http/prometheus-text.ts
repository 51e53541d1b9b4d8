import { WindlassError } from '../../base/errors.ts';

interface Matcher {
  label: string;
  operator: '=' | '!=' | '=~' | '!~';
  value: string;
  pattern: RegExp | undefined;
}

/** A metric's name with label matchers: `queue_length{queue="orders"}`. */
export interface MetricSelector {
  name: string;
  matchers: readonly Matcher[];
}

const SELECTOR = /^\s*([a-zA-Z_:][\w:]*)\s*(?:\{(.*)\})?\s*$/s;
const MATCHER = /\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(,|$)/sy;
const SAMPLE = /^([a-zA-Z_:][\w:]*)[ \t]*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]*(\S+)/;
const LABEL = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;

/**
 * Parses a metric selector.
 * @throws InvalidTrigger for anything else
 */
export function parseMetricSelector(text: string): MetricSelector {
  const fail = () =>
    new WindlassError('InvalidTrigger', `cannot read the metric selector "${text}"`, {
      hint: 'write it as name{label="value"}',
    });
  const match = SELECTOR.exec(text);
  if (!match?.[1]) throw fail();
  const matchers: Matcher[] = [];
  const inside = match[2] ?? '';
  MATCHER.lastIndex = 0;
  while (inside.slice(MATCHER.lastIndex).trim() !== '') {
    const [, label, operator, raw] = MATCHER.exec(inside) ?? [];
    if (label === undefined || operator === undefined || raw === undefined) throw fail();
    const value = plainText(raw);
    let pattern: RegExp | undefined;
    try {
      if (operator.endsWith('~')) pattern = new RegExp(`^(?:${value})$`);
    } catch {
      throw fail();
    }
    matchers.push({ label, operator: operator as Matcher['operator'], value, pattern });
  }
  return { name: match[1], matchers };
}

/**
 * The value of the first sample in a page of Prometheus' text format that the selector matches; undefined when there
 * is none. A label that a sample does not have counts as empty.
 */
export function findSample(page: string, { name, matchers }: MetricSelector): number | undefined {
  for (const line of page.split('\n')) {
    if (!line.startsWith(name)) continue;
    const [, found, labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
    if (found !== name) continue;
    const labels = new Map<string, string>();
    for (const [, label = '', raw = ''] of labelText.matchAll(LABEL)) labels.set(label, plainText(raw));
    if (!matchers.every((matcher) => meets(matcher, labels.get(matcher.label) ?? ''))) continue;
    return parseSampleValue(valueText);
  }
  return undefined;
}

function meets({ operator, value, pattern }: Matcher, actual: string): boolean {
  if (operator === '=') return actual === value;
  if (operator === '!=') return actual !== value;
  return (pattern?.test(actual) ?? false) === (operator === '=~');
}

/** The format writes numbers as Go does, with `+Inf`, `-Inf` and `NaN`. */
function parseSampleValue(text: string): number | undefined {
  if (/^nan$/i.test(text)) return Number.NaN;
  const infinite = /^([+-]?)inf$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? undefined : value;
}

function plainText(text: string): string {
  return text.replace(/\\(.)/gs, (_, char: string) => (char === 'n' ? '\n' : char));
}
