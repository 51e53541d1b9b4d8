import { isDeepStrictEqual } from 'node:util';
import { type FieldError, forbidden, invalid, notSupported, required } from '../field-error.ts';
import { type Fields, isFields, items, number, part, text } from '../fields.ts';
import { checkIntOrPercent, checkSelector, immutable, isEmptySelector, nonNegative, oneOf, selects } from './common.ts';
import { checkTemplate } from './pod.ts';

/** The selector, and a template that it selects and whose pods run for ever. */
function checkManaged(spec: Fields, kind: string): FieldError[] {
  const selector = spec.selector;
  const errors: FieldError[] = [];
  const template = part(spec, 'template');
  const labels = part(part(template, 'metadata'), 'labels');
  if (!isFields(selector)) errors.push(required('spec.selector'));
  else {
    errors.push(...checkSelector(selector, 'spec.selector'));
    if (isEmptySelector(selector))
      errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${kind}`));
    else if (!selects(selector, labels))
      errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  errors.push(...checkTemplate(template, 'spec.template'));
  const policy = text(part(template, 'spec'), 'restartPolicy');
  if (policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  return [...errors, ...nonNegative(spec, 'replicas', 'spec'), ...nonNegative(spec, 'minReadySeconds', 'spec')];
}

const selectorKept = (spec: Fields, old: Fields | undefined) =>
  old === undefined ? [] : immutable(spec.selector, part(old, 'spec').selector, 'spec.selector');

export function checkDeployment(object: Fields, old: Fields | undefined): FieldError[] {
  const spec = part(object, 'spec');
  const strategy = part(spec, 'strategy');
  const at = 'spec.strategy';
  const rolling = part(strategy, 'rollingUpdate');
  const errors = [...checkManaged(spec, 'deployment'), ...selectorKept(spec, old)];
  errors.push(
    ...nonNegative(spec, 'revisionHistoryLimit', 'spec'),
    ...nonNegative(spec, 'progressDeadlineSeconds', 'spec'),
  );
  errors.push(...oneOf(strategy, 'type', at, ['Recreate', 'RollingUpdate']));
  if (strategy.type === 'Recreate' && isFields(strategy.rollingUpdate))
    errors.push(forbidden(`${at}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"));
  for (const field of ['maxUnavailable', 'maxSurge'])
    errors.push(...checkIntOrPercent(rolling, field, `${at}.rollingUpdate`));
  const zero = (value: unknown) => value === 0 || value === '0%';
  if (zero(rolling.maxUnavailable) && zero(rolling.maxSurge))
    errors.push(
      invalid(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
    );
  return errors;
}

export function checkReplicaSet(object: Fields, old: Fields | undefined): FieldError[] {
  const spec = part(object, 'spec');
  return [...checkManaged(spec, 'deployment'), ...selectorKept(spec, old)];
}

export function checkDaemonSet(object: Fields, old: Fields | undefined): FieldError[] {
  const spec = part(object, 'spec');
  return [...checkManaged(spec, 'daemonset'), ...selectorKept(spec, old)];
}

const STATEFUL_SET_UPDATES = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export function checkStatefulSet(object: Fields, old: Fields | undefined): FieldError[] {
  const spec = part(object, 'spec');
  const errors = checkManaged(spec, 'statefulset');
  const policy = spec.podManagementPolicy;
  if (policy !== 'OrderedReady' && policy !== 'Parallel')
    errors.push(invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"));
  if (old === undefined) return errors;
  const fixed = (from: Fields) =>
    Object.fromEntries(Object.entries(from).filter(([name]) => !STATEFUL_SET_UPDATES.includes(name)));
  if (!isDeepStrictEqual(fixed(spec), fixed(part(old, 'spec'))))
    errors.push(
      forbidden(
        'spec',
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ),
    );
  return errors;
}

const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
];

function checkJobSpec(spec: Fields, at: string): FieldError[] {
  const errors = COUNTS.flatMap((name) => nonNegative(spec, name, at));
  errors.push(...oneOf(spec, 'completionMode', at, ['NonIndexed', 'Indexed']));
  errors.push(...oneOf(spec, 'podReplacementPolicy', at, ['Failed', 'TerminatingOrFailed']));
  if (spec.completionMode === 'Indexed' && spec.completions === undefined)
    errors.push(required(`${at}.completions`, 'when completion mode is Indexed'));
  if (spec.completionMode !== 'Indexed' && spec.backoffLimitPerIndex !== undefined)
    errors.push(invalid(`${at}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, 'requires indexed completion mode'));
  const template = part(spec, 'template');
  errors.push(...checkTemplate(template, `${at}.template`));
  const policy = text(part(template, 'spec'), 'restartPolicy');
  const place = `${at}.template.spec.restartPolicy`;
  if (policy === 'Always') errors.push(required(place, 'valid values: "OnFailure", "Never"'));
  else if (spec.podFailurePolicy !== undefined && policy !== 'Never')
    errors.push(invalid(place, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  const selector = spec.selector;
  if (isFields(selector) && !selects(selector, part(part(template, 'metadata'), 'labels')))
    errors.push(
      invalid(
        `${at}.template.metadata.labels`,
        part(template, 'metadata').labels,
        '`selector` does not match template `labels`',
      ),
    );
  return errors;
}

export function checkJob(object: Fields, old: Fields | undefined): FieldError[] {
  const spec = part(object, 'spec');
  const errors = checkJobSpec(spec, 'spec');
  if (old === undefined) return errors;
  const before = part(old, 'spec');
  for (const field of [
    'selector',
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ])
    errors.push(...immutable(spec[field], before[field], `spec.${field}`));
  errors.push(...checkCompletions(spec, before));
  // Kubernetes: a job that has not started may still be told where to run and with which resources.
  const waiting = before.suspend === true && part(old, 'status').startTime === undefined;
  const [now, then] = waiting ? [fixedTemplate(spec), fixedTemplate(before)] : [spec.template, before.template];
  if (!isDeepStrictEqual(now, then)) errors.push(invalid('spec.template', spec.template, 'field is immutable'));
  return errors;
}

function checkCompletions(spec: Fields, before: Fields): FieldError[] {
  if (spec.completions === before.completions) return [];
  const elastic =
    spec.completionMode === 'Indexed' && spec.completions !== undefined && before.completions !== undefined;
  if (!elastic) return immutable(spec.completions, before.completions, 'spec.completions');
  return number(spec, 'completions') === number(spec, 'parallelism') &&
    number(before, 'completions') === number(before, 'parallelism')
    ? []
    : [invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism')];
}

function fixedTemplate(spec: Fields): Fields {
  const template = part(spec, 'template');
  const { annotations: _annotations, labels: _labels, ...metadata } = part(template, 'metadata');
  const {
    nodeSelector: _node,
    tolerations: _tolerations,
    affinity: _affinity,
    schedulingGates: _gates,
    ...pod
  } = part(template, 'spec');
  const containers = items(pod, 'containers').map(({ resources: _resources, ...container }) => container);
  return { metadata, spec: { ...pod, containers } };
}

/** Kubernetes appends 11 characters to the name for each job, whose names have at most 63. */
const CRON_JOB_NAME = 52;
const MACROS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

export function checkCronJob(object: Fields): FieldError[] {
  const spec = part(object, 'spec');
  const errors = checkJobSpec(part(part(spec, 'jobTemplate'), 'spec'), 'spec.jobTemplate.spec');
  const name = text(part(object, 'metadata'), 'name');
  if (name.length > CRON_JOB_NAME) errors.push(invalid('metadata.name', name, 'must be no more than 52 characters'));
  const schedule = text(spec, 'schedule');
  const fields = schedule.trim().split(/\s+/);
  if (schedule === '') errors.push(required('spec.schedule'));
  else if (schedule.includes('TZ='))
    errors.push(invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  else if (schedule.startsWith('@')) {
    if (!MACROS.includes(schedule) && !/^@every \S+$/.test(schedule))
      errors.push(invalid('spec.schedule', schedule, `unrecognized descriptor: ${schedule}`));
  } else if (fields.length !== 5)
    errors.push(
      invalid('spec.schedule', schedule, `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`),
    );
  errors.push(...oneOf(spec, 'concurrencyPolicy', 'spec', ['Allow', 'Forbid', 'Replace']));
  for (const field of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'])
    errors.push(...nonNegative(spec, field, 'spec'));
  const zone = spec.timeZone;
  if (typeof zone === 'string' && !isTimeZone(zone))
    errors.push(invalid('spec.timeZone', zone, `unknown time zone ${zone}`));
  return errors;
}

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
}
