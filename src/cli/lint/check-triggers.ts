import type { Trigger } from '../../api/index.ts';
import type { FieldProblem, ScalerDefinition, TriggerContext } from '../../scalers/definition.ts';
import { type ParsedTrigger, parseTrigger } from '../../scalers/parse.ts';
import { findDefinition, unknownTypeMessage } from '../../scalers/registry.ts';
import { formatPath, type Path } from '../../spec/object-path.ts';
import type { Field } from '../../spec/trigger-fields.ts';
import type { Credentials } from './credentials.ts';
import type { PartlyKnown } from './values.ts';

export interface TriggerFinding {
  path: Path;
  severity: 'error' | 'warning';
  message: string;
  hint?: string;
}

export interface TriggerSurroundings {
  context: Omit<TriggerContext, 'podIdentity'>;
  credentials: Credentials;
  environment: PartlyKnown;
}

/** Checks a trigger the way the operator will, with what the files tell about its credentials and environment. */
export function checkTrigger(trigger: Trigger, around: TriggerSurroundings): TriggerFinding[] {
  const at: Path = ['spec', 'triggers', around.context.triggerIndex];
  const definition = findDefinition(trigger.type);
  if (definition === undefined)
    return [{ path: [...at, 'type'], severity: 'error', message: unknownTypeMessage(trigger.type) }];
  const { problems, notices } = parseWithWhatIsKnown(trigger, around, definition);
  // What an identity makes superfluous cannot be told without the object that may set one.
  const identityKnown = trigger.authenticationRef === undefined || around.credentials.manifest !== undefined;
  const findings = new Map<string, TriggerFinding>();
  for (const { field, message } of problems) {
    const path = pathOf(field, trigger, at);
    if (!findings.has(formatPath(path))) findings.set(formatPath(path), { path, severity: 'error', message });
  }
  for (const { kind, field, message } of notices) {
    if (!identityKnown && kind === 'ignored') continue;
    const path = pathOf(field, trigger, at);
    const error = findings.get(formatPath(path));
    // A notice about a field that has a problem is why it has one: a variable that is not there, for example.
    if (error === undefined) findings.set(formatPath(path), { path, severity: 'warning', message });
    else if (!error.message.includes(message)) error.hint = message;
  }
  return [...findings.values()];
}

/**
 * When some values are hidden, the trigger is read twice, without them and with stand-ins. A problem in both readings
 * is one whatever the values are; one in a single reading says only that the value was missing, or was a stand-in.
 */
function parseWithWhatIsKnown(trigger: Trigger, around: TriggerSurroundings, definition: ScalerDefinition) {
  const { credentials, environment } = around;
  const context: TriggerContext = { ...around.context, podIdentity: credentials.podIdentity };
  const read = (auth: Record<string, string>, env: Record<string, string>): ParsedTrigger<ScalerDefinition['fields']> =>
    parseTrigger(definition, { metadata: trigger.metadata, auth, env, context });
  const without = read(credentials.parameters.known, environment.known);
  const auth = { ...standInsForAuth(credentials.parameters, definition), ...credentials.parameters.known };
  const env = { ...standInsForEnv(environment, trigger, definition), ...environment.known };
  const hides = Object.keys(auth).length > Object.keys(credentials.parameters.known).length;
  if (!hides && Object.keys(env).length === Object.keys(environment.known).length) return without;
  const withStandIns = read(auth, env);
  return {
    problems: inBoth(without.problems, withStandIns.problems),
    notices: inBoth(without.notices, withStandIns.notices),
  };
}

function inBoth<T extends FieldProblem>(first: readonly T[], second: readonly T[]): T[] {
  return first.filter((a) => second.some((b) => a.field === b.field && a.message === b.message));
}

function standInsForAuth(values: PartlyKnown, { fields }: ScalerDefinition): Record<string, string> {
  const standIns: Record<string, string> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!field.options.from?.includes('auth')) continue;
    for (const alias of [name, ...(field.options.aliases ?? [])])
      if (values.hidden.has(alias) || values.any) standIns[alias] = standInFor(field);
  }
  return standIns;
}

function standInsForEnv(
  values: PartlyKnown,
  { metadata }: Trigger,
  { fields }: ScalerDefinition,
): Record<string, string> {
  const standIns: Record<string, string> = {};
  for (const [key, variable] of Object.entries(metadata)) {
    if (!key.endsWith('FromEnv') || !(values.hidden.has(variable) || values.any)) continue;
    const name = key.slice(0, -'FromEnv'.length);
    const field = Object.entries(fields).find(
      ([own, { options }]) => own === name || options.aliases?.includes(name),
    )?.[1];
    standIns[variable] = field === undefined ? 'x' : standInFor(field);
  }
  return standIns;
}

/** A text that the field can be read from. */
function standInFor(field: Field): string {
  const { allowed } = field.options;
  if (allowed?.[0] !== undefined) return allowed[0];
  switch (field.type) {
    case 'integer':
    case 'number':
    case 'integers':
      return '1';
    case 'boolean':
      return 'true';
    case 'duration':
      return '1s';
    case 'map':
    case 'query':
      return 'a=b';
    default:
      return 'x';
  }
}

/** Where the user wrote the field, or would write it. */
function pathOf(field: string, { metadata }: Trigger, at: Path): Path {
  if (field === '') return at;
  if (field === 'metricType') return [...at, 'metricType'];
  if (field === 'podIdentity') return [...at, 'authenticationRef'];
  const fromEnv = `${field}FromEnv`;
  return [...at, 'metadata', !(field in metadata) && fromEnv in metadata ? fromEnv : field];
}
