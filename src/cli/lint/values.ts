import type { PartlyKnown } from '../../scalers/partly-known.ts';

/** Texts that somebody is to replace: `<account>`, `${PASSWORD}`, `{{ .Values.url }}`. */
const PLACEHOLDER = /<[^<>]+>|\$\{[^}]*\}|\{\{/;

/** Puts a value in place of an earlier one; undefined, or a placeholder, means that it exists but is not known. */
export function give(values: PartlyKnown, name: string, text: string | undefined): void {
  if (text === undefined || PLACEHOLDER.test(text)) {
    delete values.known[name];
    values.hidden.add(name);
  } else {
    values.known[name] = text;
    values.hidden.delete(name);
  }
}

/** Data of a Secret or ConfigMap manifest as text. A value that cannot be decoded is left out. */
export function dataOf(object: Record<string, unknown>): Record<string, string> {
  const texts: Record<string, string> = {};
  const secret = object.kind === 'Secret';
  for (const [key, value] of entriesOf(object.data))
    if (typeof value === 'string') texts[key] = secret ? Buffer.from(value, 'base64').toString('utf8') : value;
  for (const [key, value] of entriesOf(object.stringData)) if (typeof value === 'string') texts[key] = value;
  return texts;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
