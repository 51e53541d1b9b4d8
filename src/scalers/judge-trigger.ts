import type { Trigger } from '../api/index.ts';
import { formatPath, type Path } from '../spec/object-path.ts';
import type { Field } from '../spec/trigger-fields.ts';
import type { FieldProblem, PodIdentity, ScalerDefinition, TriggerContext } from './definition.ts';
import { type ParsedTrigger, parseTrigger } from './parse.ts';
import type { PartlyKnown } from './partly-known.ts';
import { findDefinition, unknownTypeMessage } from './registry.ts';

export interface TriggerFinding {
  path: Path;
  severity: 'error' | 'warning';
  message: string;
  hint?: string;
}

export interface TriggerSurroundings {
  context: Omit<TriggerContext, 'podIdentity'>;
  /** What the trigger's authentication gives. */
  parameters: PartlyKnown;
  /** Undefined when it cannot be told: the authentication that may set one is not known. */
  podIdentity: PodIdentity | undefined;
  /** The environment of the target's container. */
  environment: PartlyKnown;
}

/** Judges a trigger of a manifest the way the operator will, with what is known of its credentials and environment. */
export function judgeTrigger(trigger: Trigger, around: TriggerSurroundings): TriggerFinding[] {
  const at: Path = ['spec', 'triggers', around.context.triggerIndex];
  const definition = findDefinition(trigger.type);
  if (definition === undefined)
    return [{ path: [...at, 'type'], severity: 'error', message: unknownTypeMessage(trigger.type) }];
  const { problems, notices } = parseWithWhatIsKnown(trigger, around, definition);
  const findings = new Map<string, TriggerFinding>();
  for (const { field, message } of problems) {
    const path = pathOf(field, trigger, at);
    if (!findings.has(formatPath(path))) findings.set(formatPath(path), { path, severity: 'error', message });
  }
  for (const { kind, field, message } of notices) {
    // What an identity makes superfluous cannot be told without the object that may set one.
    if (around.podIdentity === undefined && kind === 'ignored') continue;
    const path = pathOf(field, trigger, at);
    const error = findings.get(formatPath(path));
    // A notice about a field that has a problem is why it has one: a variable that is not there, for example.
    if (error === undefined) findings.set(formatPath(path), { path, severity: 'warning', message });
    else if (!error.message.includes(message)) error.hint = message;
  }
  return [...findings.values()];
}

/**
 * When some values are hidden, the trigger is read twice, without them and with stand-ins, and so for every identity
 * that it could have. A problem in all readings is one whatever the values are; one in some of them says only that a
 * value was missing, or was a stand-in.
 */
function parseWithWhatIsKnown(trigger: Trigger, around: TriggerSurroundings, definition: ScalerDefinition) {
  const { parameters, environment, podIdentity } = around;
  const auth = { ...standInsForAuth(parameters, definition), ...parameters.known };
  const env = { ...standInsForEnv(environment, trigger, definition), ...environment.known };
  const hides =
    Object.keys(auth).length > Object.keys(parameters.known).length ||
    Object.keys(env).length > Object.keys(environment.known).length;
  const identities = podIdentity ? [podIdentity] : providersOf(definition).map((provider) => ({ provider }));
  const readings = identities.flatMap((identity): ParsedTrigger<ScalerDefinition['fields']>[] => {
    const context: TriggerContext = { ...around.context, podIdentity: identity };
    const { metadata } = trigger;
    const without = parseTrigger(definition, { metadata, auth: parameters.known, env: environment.known, context });
    return hides ? [without, parseTrigger(definition, { metadata, auth, env, context })] : [without];
  });
  return {
    problems: inAll(readings.map(({ problems }) => problems)),
    notices: inAll(readings.map(({ notices }) => notices)),
  };
}

function providersOf({ podIdentity }: ScalerDefinition): PodIdentity['provider'][] {
  return [...new Set<PodIdentity['provider']>(['none', ...podIdentity])];
}

function inAll<T extends FieldProblem>([first = [], ...others]: readonly (readonly T[])[]): T[] {
  return first.filter((a) =>
    others.every((other) => other.some((b) => a.field === b.field && a.message === b.message)),
  );
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
