import { describeError } from '../base/errors.ts';
import { type FieldInput, type FieldNotice, parseFields } from '../spec/parse-trigger.ts';
import type { ConfigOf, Fields } from '../spec/trigger-fields.ts';
import type { FieldProblem, MetricType, ScalerDefinition, TriggerContext } from './definition.ts';

export interface TriggerInput extends FieldInput {
  context: TriggerContext;
}

/** A trigger as parsed: `config` is complete exactly when there are no problems. */
export type ParsedTrigger<F extends Fields> =
  | { ok: true; config: ConfigOf<F>; problems: FieldProblem[]; notices: FieldNotice[] }
  | { ok: false; config: Partial<ConfigOf<F>>; problems: FieldProblem[]; notices: FieldNotice[] };

/**
 * Reads a trigger by its definition: all fields, what concerns several of them, its metric type. Needs no network and
 * never throws; every problem is in `problems`, and what a user should know although the trigger works in `notices`.
 */
export function parseTrigger<F extends Fields>(
  definition: ScalerDefinition<F>,
  { context, ...input }: TriggerInput,
): ParsedTrigger<F> {
  const { config, problems, notices } = parseFields(definition.fields, input, {
    asMetricSource: context.asMetricSource,
    openMetadata: definition.openMetadata ?? false,
  });
  problems.push(...checkMetricType(definition, context.metricType));
  // KEDA 2.21 runs a scaler's own validation even when single fields failed; so all problems come at once.
  problems.push(...attempt(() => definition.validate?.(config, context) ?? []));
  notices.push(...unusedPodIdentity(definition, context));
  for (const doubt of attempt(() => definition.advise?.(config, context) ?? []))
    notices.push({ kind: 'doubtful', ...doubt });
  // Metric names and targets may not be expressible (a quantity that is none): better said here than at the HPA.
  if (problems.length === 0) {
    problems.push(
      ...attempt(() => {
        definition.metrics(config as ConfigOf<F>, context);
        return [];
      }),
    );
  }
  if (problems.length > 0) return { ok: false, config, problems, notices };
  return { ok: true, config: config as ConfigOf<F>, problems, notices };
}

/** An error thrown by a definition is a problem of the trigger, as a panic is to KEDA. */
function attempt(check: () => FieldProblem[]): FieldProblem[] {
  try {
    return check();
  } catch (error) {
    return [{ field: '', message: describeError(error) }];
  }
}

/** The metric types that a trigger of this definition may ask for. */
export function allowedMetricTypes(definition: Pick<ScalerDefinition, 'metricTypes'>): readonly MetricType[] {
  const rule = definition.metricTypes;
  if (rule === undefined) return ['AverageValue', 'Value'];
  return 'always' in rule ? [rule.always] : rule;
}

function checkMetricType(definition: Pick<ScalerDefinition, 'type' | 'metricTypes'>, given: MetricType | undefined) {
  const rule = definition.metricTypes;
  if (rule !== undefined && 'always' in rule) return [];
  const allowed = allowedMetricTypes(definition);
  if (given === undefined && rule === undefined) return [];
  if (given !== undefined && allowed.includes(given)) return [];
  const said = given === undefined ? 'metricType is missing' : `metricType is "${given}"`;
  return [{ field: 'metricType', message: `${said}; a ${definition.type} trigger takes ${allowed.join(' or ')}` }];
}

function unusedPodIdentity(definition: Pick<ScalerDefinition, 'type' | 'podIdentity'>, context: TriggerContext) {
  const { provider } = context.podIdentity;
  if (provider === 'none' || definition.podIdentity.includes(provider)) return [];
  const notice: FieldNotice = {
    kind: 'ignored',
    field: 'podIdentity',
    message: `pod identity ${provider} is not used by ${definition.type} triggers`,
  };
  return [notice];
}
