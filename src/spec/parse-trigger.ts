import { nearest } from '../base/nearest.ts';
import { parseValue } from './parse-value.ts';
import type { ConfigOf, Field, FieldSource, Fields } from './trigger-fields.ts';

/** Where values are looked up; `auth` and `env` are already resolved. */
export interface FieldInput {
  /** The trigger's metadata. */
  metadata: Readonly<Record<string, string>>;
  /** Parameters that authentication gives. */
  auth: Readonly<Record<string, string>>;
  /** Environment of the target's container. */
  env: Readonly<Record<string, string>>;
}

export interface FieldRules {
  /** The trigger only feeds a formula: the zero-target rule does not hold. */
  asMetricSource?: boolean;
  /** Keys beyond the declared fields are part of the configuration, so none of them is unknown. */
  openMetadata?: boolean;
}

/** One thing wrong with one field; the message names the field, its value unless that is secret, and the remedy. */
export interface FieldFault {
  field: string;
  message: string;
}

/** Something the user should know although the trigger works. */
export interface FieldNotice extends FieldFault {
  kind: 'deprecated' | 'unknown' | 'ignored' | 'doubtful';
}

export interface ParsedFields<F extends Fields> {
  /** Fields that failed are undefined. Complete, hence a `ConfigOf<F>`, when there is no problem. */
  config: Partial<ConfigOf<F>>;
  problems: FieldFault[];
  notices: FieldNotice[];
}

interface Found {
  text: string;
  /** The name it was found under, as the user wrote it. */
  name: string;
  source: FieldSource | 'default';
}

const SOURCE_NAMES: Record<FieldSource, string> = {
  metadata: "the trigger's metadata",
  auth: 'a TriggerAuthentication',
  env: "the target container's environment",
};

/**
 * Reads all fields and reports every problem at once. KEDA 2.21 "typed config": sources in the field's order, in each
 * source all names in order, texts trimmed, blank means absent.
 */
export function parseFields<F extends Fields>(fields: F, input: FieldInput, rules: FieldRules = {}): ParsedFields<F> {
  const config: Record<string, unknown> = {};
  const problems: FieldFault[] = [];
  const notices: FieldNotice[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const result = readField(name, field, input, rules);
    if (result.value !== undefined) config[name] = result.value;
    if (result.problem !== undefined) problems.push({ field: result.field ?? name, message: result.problem });
    notices.push(...result.notices);
  }
  if (!rules.openMetadata) notices.push(...unknownKeys(fields, input.metadata));
  return { config: config as Partial<ConfigOf<F>>, problems, notices };
}

interface FieldResult {
  value?: unknown;
  problem?: string;
  field?: string;
  notices: FieldNotice[];
}

function readField(name: string, field: Field, input: FieldInput, rules: FieldRules): FieldResult {
  const { options } = field;
  if (field.type === 'collected') return { value: collect(options.prefix ?? '', input), notices: [] };
  const notices: FieldNotice[] = [];
  const found = lookUp(name, field, input, notices);
  if (found && options.deprecated && found.source !== 'default') {
    const { since, use, effect } = options.deprecated;
    if (effect === 'rejected')
      return { problem: `${found.name} is not read since KEDA ${since}; use ${use}`, field: found.name, notices };
    notices.push({
      kind: 'deprecated',
      field: found.name,
      message: `${found.name} is deprecated since KEDA ${since}; use ${use}`,
    });
  }
  if (!found) {
    if (!options.required) return { notices };
    return { problem: missing(name, field, notices), notices };
  }
  const parsed = parseValue(field, found.text);
  if (!parsed.ok) return { problem: `${shown(field, found)} ${parsed.problem}`, field: found.name, notices };
  const zero = rules.asMetricSource ? undefined : checkTarget(field, parsed.value);
  if (zero !== undefined) {
    const subject = found.source === 'default' ? `${name} is missing and` : shown(field, found);
    return { problem: `${subject} ${zero}`, field: found.name, notices };
  }
  if (options.allowed && field.type === 'string' && !options.allowed.includes(found.text))
    notices.push({
      kind: 'ignored',
      field: found.name,
      message: `${found.name} takes one value; write one of ${options.allowed.join(', ')}`,
    });
  return { value: parsed.value, notices };
}

function lookUp(name: string, field: Field, input: FieldInput, notices: FieldNotice[]): Found | undefined {
  const names = [name, ...(field.options.aliases ?? [])];
  for (const source of sourcesOf(field)) {
    for (const candidate of names) {
      if (source !== 'env') {
        const text = own(input[source], candidate)?.trim();
        if (text) return { text, name: candidate, source };
        continue;
      }
      const key = `${candidate}FromEnv`;
      const variable = own(input.metadata, key);
      if (variable === undefined) continue;
      const text = own(input.env, variable)?.trim();
      if (text) return { text, name: key, source };
      if (variable.trim() !== '')
        notices.push({
          kind: 'ignored',
          field: key,
          message: `${key} names the variable "${variable}", which the target's container does not have or leaves empty`,
        });
    }
  }
  return field.default === undefined ? undefined : { text: field.default, name, source: 'default' };
}

/** Sources of a field in the order they are asked. */
export function sourcesOf(field: Field): readonly FieldSource[] {
  return field.options.from ?? ['metadata'];
}

function missing(name: string, field: Field, notices: readonly FieldNotice[]): string {
  const names = [name, ...(field.options.aliases ?? [])];
  const places = sourcesOf(field).map((source) =>
    source === 'env' ? `${SOURCE_NAMES.env} (named by ${name}FromEnv)` : SOURCE_NAMES[source],
  );
  const unresolved = notices.find((notice) => notice.kind === 'ignored');
  return `${names.join(' or ')} is required: give it in ${joinOr(places)}${unresolved ? `; ${unresolved.message}` : ''}`;
}

function joinOr(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`;
}

/** Values are shown only where the user wrote them in plain sight: never secrets, nor texts from elsewhere. */
function shown(field: Field, found: Found): string {
  const visible = !field.options.secret && (found.source === 'metadata' || found.source === 'default');
  const text = found.text.length > 100 ? `${found.text.slice(0, 100)}…` : found.text;
  return visible ? `${found.name} is "${text}", which` : `the value of ${found.name}`;
}

function checkTarget({ options }: Field, value: unknown): string | undefined {
  if (options.nonZero && value === 0)
    return 'must not be 0; write the target per replica (0 is allowed only when a formula uses the trigger)';
  if (options.positive && typeof value === 'number' && value <= 0)
    return 'must be greater than 0 (0 is allowed only when a formula uses the trigger)';
  return undefined;
}

function collect(prefix: string, { metadata, env }: FieldInput): Record<string, string> {
  const entries: [string, string][] = [];
  for (const [key, text] of Object.entries(metadata)) {
    if (!key.startsWith(prefix)) continue;
    const value = key.endsWith('FromEnv') ? own(env, text) || undefined : text;
    if (value !== undefined) entries.push([key, value]);
  }
  return Object.fromEntries(entries);
}

function unknownKeys(fields: Fields, metadata: FieldInput['metadata']): FieldNotice[] {
  const known = new Map<string, Field>();
  const prefixes: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (field.options.prefix !== undefined) prefixes.push(field.options.prefix);
    else for (const each of [name, ...(field.options.aliases ?? [])]) known.set(each, field);
  }
  const notices: FieldNotice[] = [];
  for (const key of Object.keys(metadata)) {
    if (prefixes.some((prefix) => key.startsWith(prefix))) continue;
    const plain = key.endsWith('FromEnv') ? key.slice(0, -'FromEnv'.length) : key;
    const field = known.get(key) ?? known.get(plain);
    if (field === undefined) {
      const close = nearest(plain, [...known.keys()]);
      const suffix = plain === key ? '' : 'FromEnv';
      notices.push({
        kind: 'unknown',
        field: key,
        message: `${key} is not a field of this trigger${close === undefined ? '' : `; did you mean ${close}${suffix}?`}`,
      });
      continue;
    }
    const source: FieldSource = known.has(key) ? 'metadata' : 'env';
    if (!sourcesOf(field).includes(source))
      notices.push({
        kind: 'ignored',
        field: key,
        message: `${key} is ignored: ${plain} comes only from ${joinOr(sourcesOf(field).map((each) => SOURCE_NAMES[each]))}`,
      });
  }
  return notices;
}

/** Own properties only, so that a key such as `constructor` is not found by accident. */
function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
