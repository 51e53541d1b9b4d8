import { createHash } from 'node:crypto';
import type { Fields } from './trigger-fields.ts';

const HIDDEN = '(hidden)';

/** The configuration with every secret replaced by `(hidden)`, for logs and pages. Absent fields stay absent. */
export function redact(config: Readonly<Record<string, unknown>>, fields: Fields): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = config[name];
    if (value === undefined) continue;
    if (field.options.secret) out[name] = HIDDEN;
    else out[name] = field.type === 'collected' ? hideVariables(value as Record<string, string>) : value;
  }
  return out;
}

/** A collected `…FromEnv` key carries the variable's value, which often is a credential. */
function hideVariables(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, text]) => [key, key.endsWith('FromEnv') ? HIDDEN : text]),
  );
}

/**
 * A text that is equal for configurations that ask a source the same question: every field except those that only
 * judge the answer (roles target and activation). Secrets take part as SHA-256, so the text holds none.
 */
export function queryIdentity(config: Readonly<Record<string, unknown>>, fields: Fields): string {
  const parts: [string, unknown][] = [];
  for (const name of Object.keys(fields).sort()) {
    const field = fields[name];
    const value = config[name];
    if (field === undefined || field.options.role !== undefined || value === undefined) continue;
    const text = JSON.stringify(sorted(value));
    const hashed = field.options.secret || field.type === 'collected';
    parts.push(hashed ? [name, `sha256:${createHash('sha256').update(text).digest('hex')}`] : [name, text]);
  }
  return JSON.stringify(parts);
}

/** Maps with their keys in order; lists keep theirs, which may matter. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
