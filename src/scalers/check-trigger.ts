import { formatInteger, formatMetricValue } from '../base/quantity.ts';
import type { MetricSpec, MetricType, PodIdentityProvider, TriggerContext } from './definition.ts';
import { parseTrigger } from './parse.ts';
import { findDefinition, unknownTypeMessage } from './registry.ts';

export interface TriggerAnswer {
  valid: boolean;
  /** Every problem, one sentence each. */
  errors: string[];
  /** What should be known although the trigger is valid. */
  warnings: string[];
  /** `s0-…`; empty for cpu and memory, whose metrics have no name, and for invalid triggers. */
  metricName: string;
  /** The target as the HPA writes it, such as `5`, `500m` or `50%`; empty for invalid triggers. */
  target: string;
}

const NAMESPACE = 'default';

/**
 * Checks a trigger without any network, as the command `windlass trigger check` does: an object with `type`, `metadata`,
 * `auth`, `env`, `podIdentity`, `metricType` and `asMetricSource`, where auth and env are resolved already and all but
 * `type` may be left out. Never throws: what is wrong with the request itself is an error of the answer.
 */
export function checkTrigger(request: unknown): TriggerAnswer {
  const read = readRequest(request);
  if (read.errors.length > 0) return refused(read.errors);
  const definition = findDefinition(read.type);
  if (definition === undefined) return refused([unknownTypeMessage(read.type)]);
  const context: TriggerContext = {
    triggerIndex: 0,
    namespace: NAMESPACE,
    objectName: 'checked',
    objectKind: 'ScaledObject',
    triggerName: undefined,
    metricType: read.metricType,
    podIdentity: { provider: read.podIdentity },
    asMetricSource: read.asMetricSource,
  };
  const { metadata, auth, env } = read;
  const parsed = parseTrigger(definition, { metadata, auth, env, context });
  const warnings = parsed.notices.map(({ message }) => message);
  if (!parsed.ok) return { ...refused(parsed.problems.map(({ message }) => message)), warnings };
  // External scalers name their metrics only when they are asked.
  const spec = definition.metrics(parsed.config, context)[0];
  return { valid: true, errors: [], warnings, ...(spec ? described(spec) : { metricName: '', target: '' }) };
}

function refused(errors: string[]): TriggerAnswer {
  return { valid: false, errors, warnings: [], metricName: '', target: '' };
}

function described(spec: MetricSpec): Pick<TriggerAnswer, 'metricName' | 'target'> {
  if (spec.kind === 'resource')
    return {
      metricName: '',
      target: spec.target.type === 'Utilization' ? `${spec.target.percent}%` : spec.target.quantity,
    };
  const target = spec.precision === 'int' ? formatInteger(spec.target) : formatMetricValue(spec.target);
  return { metricName: `s0-${spec.name}`, target };
}

interface Request {
  type: string;
  metadata: Record<string, string>;
  auth: Record<string, string>;
  env: Record<string, string>;
  podIdentity: PodIdentityProvider;
  metricType: MetricType | undefined;
  asMetricSource: boolean;
  errors: string[];
}

const PROVIDERS: readonly string[] = [
  'none',
  'azure-workload',
  'gcp',
  'aws',
  'aws-eks',
] satisfies PodIdentityProvider[];
const KEYS = ['type', 'metadata', 'auth', 'env', 'podIdentity', 'metricType', 'asMetricSource'];

function readRequest(request: unknown): Request {
  const errors: string[] = [];
  const isObject = typeof request === 'object' && request !== null && !Array.isArray(request);
  if (!isObject) errors.push(`the request is not an object; give one with ${KEYS.join(', ')}`);
  const object: Record<string, unknown> = isObject ? (request as Record<string, unknown>) : {};
  const text = (key: string): string => {
    const value = object[key] ?? '';
    if (typeof value !== 'string') errors.push(`${key} is not a text`);
    return typeof value === 'string' ? value : '';
  };
  const texts = (key: string): Record<string, string> => {
    const value = object[key] ?? {};
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      errors.push(`${key} is not an object of texts`);
      return {};
    }
    for (const [name, each] of Object.entries(value))
      if (typeof each !== 'string') errors.push(`${key}.${name} is not a text; put it in quotes`);
    return value as Record<string, string>;
  };
  const type = text('type');
  if (isObject && type === '') errors.push('type is required: it names the kind of trigger');
  const podIdentity = text('podIdentity') || 'none';
  if (!PROVIDERS.includes(podIdentity))
    errors.push(`podIdentity is "${podIdentity}", which must be one of ${PROVIDERS.join(', ')}`);
  const { asMetricSource = false } = object;
  if (typeof asMetricSource !== 'boolean') errors.push('asMetricSource is neither true nor false');
  return {
    type,
    metadata: texts('metadata'),
    auth: texts('auth'),
    env: texts('env'),
    podIdentity: podIdentity as PodIdentityProvider,
    // An unknown one is refused by the definition, which says which ones it takes.
    metricType: (text('metricType') || undefined) as MetricType | undefined,
    asMetricSource: asMetricSource === true,
    errors,
  };
}
