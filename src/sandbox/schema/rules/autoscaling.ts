import { compareQuantities } from '../../../base/quantity.ts';
import { type FieldError, forbidden, invalid, notSupported, required } from '../field-error.ts';
import { type Fields, isFields, items, number, part, text } from '../fields.ts';
import { pathSegmentProblems } from '../names.ts';

/** Kubernetes: one hour and half an hour. */
const LONGEST_WINDOW = 3600;
const LONGEST_PERIOD = 1800;

const SOURCES: Record<string, string> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

/** A HorizontalPodAutoscaler of either version. Zero replicas need a feature gate that is off by default. */
export function checkAutoscaler(object: Fields): FieldError[] {
  const spec = part(object, 'spec');
  const errors: FieldError[] = [];
  const least = number(spec, 'minReplicas');
  const most = number(spec, 'maxReplicas') ?? 0;
  if (least !== undefined && least < 1)
    errors.push(invalid('spec.minReplicas', least, 'must be greater than or equal to 1'));
  if (most === 0) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  else if (most < 0) errors.push(invalid('spec.maxReplicas', most, 'must be greater than or equal to 1'));
  if (least !== undefined && most < least)
    errors.push(invalid('spec.maxReplicas', most, 'must be greater than or equal to `minReplicas`'));
  errors.push(...checkReference(part(spec, 'scaleTargetRef'), 'spec.scaleTargetRef'));
  for (const [index, metric] of items(spec, 'metrics').entries())
    errors.push(...checkMetric(metric, `spec.metrics[${index}]`));
  const behavior = part(spec, 'behavior');
  for (const direction of ['scaleUp', 'scaleDown'])
    if (isFields(behavior[direction]))
      errors.push(...checkScalingRules(behavior[direction], `spec.behavior.${direction}`));
  return errors;
}

function checkReference(reference: Fields, at: string): FieldError[] {
  return ['kind', 'name'].flatMap((field) => named(reference, field, at, ''));
}

function named(of: Fields, field: string, at: string, why: string): FieldError[] {
  const value = text(of, field);
  if (value === '') return [required(`${at}.${field}`, why)];
  return pathSegmentProblems(value).map((problem) => invalid(`${at}.${field}`, value, problem));
}

function checkMetric(metric: Fields, at: string): FieldError[] {
  const type = text(metric, 'type');
  const wanted = SOURCES[type];
  if (wanted === undefined) {
    const missing = type === '' ? [required(`${at}.type`, 'must specify a metric source type')] : [];
    return [...missing, notSupported(`${at}.type`, type, Object.keys(SOURCES))];
  }
  const errors: FieldError[] = [];
  const present = Object.values(SOURCES).filter((source) => isFields(metric[source]));
  if (!present.includes(wanted))
    errors.push(required(`${at}.${wanted}`, 'must populate information for the given metric source'));
  for (const source of present)
    if (source !== wanted) errors.push(forbidden(`${at}.${source}`, 'must populate the given metric source only'));
  const source = metric[wanted];
  if (isFields(source)) errors.push(...checkSource(source, wanted, `${at}.${wanted}`));
  return errors;
}

function checkSource(source: Fields, kind: string, at: string): FieldError[] {
  const target = part(source, 'target');
  const { value, averageValue, averageUtilization } = target;
  const errors = checkTarget(target, `${at}.target`);
  if (kind === 'resource' || kind === 'containerResource') {
    if (text(source, 'name') === '') errors.push(required(`${at}.name`, 'must specify a resource name'));
    if (kind === 'containerResource' && text(source, 'container') === '')
      errors.push(required(`${at}.container`, 'must specify a container'));
    if (averageUtilization === undefined && averageValue === undefined)
      errors.push(
        required(`${at}.target.averageUtilization`, 'must set either a target raw value or a target utilization'),
      );
    if (averageUtilization !== undefined && averageValue !== undefined)
      errors.push(
        forbidden(`${at}.target.averageValue`, 'may not set both a target raw value and a target utilization'),
      );
    return errors;
  }
  errors.push(...named(part(source, 'metric'), 'name', `${at}.metric`, 'must specify a metric name'));
  const place = `${at}.target.averageValue`;
  if (kind === 'pods') {
    if (averageValue === undefined) errors.push(required(place, 'must specify a positive target averageValue'));
    return errors;
  }
  if (kind === 'object') errors.push(...checkReference(part(source, 'describedObject'), `${at}.describedObject`));
  const choice =
    kind === 'object'
      ? 'must set either a target value or averageValue'
      : 'must set either a target value for metric or a per-pod target';
  if (value === undefined && averageValue === undefined) errors.push(required(place, choice));
  if (kind === 'external' && value !== undefined && averageValue !== undefined)
    errors.push(forbidden(`${at}.target.value`, 'may not set both a target value for metric and a per-pod target'));
  return errors;
}

function checkTarget(target: Fields, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const type = text(target, 'type');
  if (type === '') errors.push(required(`${at}.type`, 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(type))
    errors.push(invalid(`${at}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  for (const field of ['value', 'averageValue'])
    if (target[field] !== undefined && compareQuantities(String(target[field]), '0') <= 0)
      errors.push(invalid(`${at}.${field}`, target[field], 'must be positive'));
  const utilization = number(target, 'averageUtilization');
  if (utilization !== undefined && utilization < 1)
    errors.push(invalid(`${at}.averageUtilization`, utilization, 'must be greater than 0'));
  return errors;
}

function checkScalingRules(rules: Fields, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const window = number(rules, 'stabilizationWindowSeconds');
  if (window !== undefined && window < 0)
    errors.push(invalid(`${at}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'));
  if (window !== undefined && window > LONGEST_WINDOW)
    errors.push(invalid(`${at}.stabilizationWindowSeconds`, window, `must be less than or equal to ${LONGEST_WINDOW}`));
  const select = text(rules, 'selectPolicy');
  if (select !== '' && !['Disabled', 'Max', 'Min'].includes(select))
    errors.push(notSupported(`${at}.selectPolicy`, select, ['Disabled', 'Max', 'Min']));
  const policies = items(rules, 'policies');
  if (policies.length === 0) errors.push(required(`${at}.policies`, 'must specify at least one Policy'));
  for (const [index, policy] of policies.entries()) {
    const place = `${at}.policies[${index}]`;
    const period = number(policy, 'periodSeconds') ?? 0;
    if (policy.type !== 'Pods' && policy.type !== 'Percent')
      errors.push(notSupported(`${place}.type`, policy.type ?? '', ['Percent', 'Pods']));
    if ((number(policy, 'value') ?? 0) <= 0)
      errors.push(invalid(`${place}.value`, policy.value ?? 0, 'must be greater than zero'));
    if (period <= 0) errors.push(invalid(`${place}.periodSeconds`, period, 'must be greater than zero'));
    if (period > LONGEST_PERIOD)
      errors.push(invalid(`${place}.periodSeconds`, period, `must be less than or equal to ${LONGEST_PERIOD}`));
  }
  if (rules.tolerance !== undefined && compareQuantities(String(rules.tolerance), '0') < 0)
    errors.push(invalid(`${at}.tolerance`, rules.tolerance, 'must be greater than or equal to 0'));
  return errors;
}

/** The Scale subresource. */
export function checkScale(object: Fields): FieldError[] {
  const replicas = number(part(object, 'spec'), 'replicas') ?? 0;
  return replicas < 0 ? [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')] : [];
}
