import { isDeepStrictEqual } from 'node:util';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required, tooLong } from '../field-error.ts';
import { type Fields, isFields, items, number, part, text } from '../fields.ts';
import { subdomainProblems } from '../names.ts';
import { immutable, needed, oneOf } from './common.ts';

const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;
const CONFIG_KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
/** Kubernetes: MaxSecretSize, for ConfigMaps too. */
const MOST_DATA = 1024 * 1024;

function checkData(object: Fields, fields: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const field of fields)
    for (const [key, value] of Object.entries(part(object, field))) {
      size += String(value).length;
      if (!CONFIG_KEY.test(key)) errors.push(invalid(`${field}[${key}]`, key, CONFIG_KEY_TEXT));
      else if (key === '.' || key.startsWith('..'))
        errors.push(invalid(`${field}[${key}]`, key, `must not start with '..'`));
    }
  if (size > MOST_DATA) errors.push(tooLong(fields[0] ?? '', MOST_DATA));
  return errors;
}

function checkFrozen(object: Fields, old: Fields | undefined, fields: readonly string[]): FieldError[] {
  if (old?.immutable !== true) return [];
  const why = 'field is immutable when `immutable` is set';
  const errors = object.immutable === true ? [] : [forbidden('immutable', why)];
  for (const field of fields) if (!isDeepStrictEqual(object[field], old[field])) errors.push(forbidden(field, why));
  return errors;
}

export function checkConfigMap(object: Fields, old: Fields | undefined): FieldError[] {
  const fields = ['data', 'binaryData'];
  const both = Object.keys(part(object, 'data')).filter((key) => Object.hasOwn(part(object, 'binaryData'), key));
  return [
    ...checkData(object, fields),
    ...both.map((key) => invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')),
    ...checkFrozen(object, old, fields),
  ];
}

const NEEDED_KEYS: Record<string, string[]> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
};

export function checkSecret(object: Fields, old: Fields | undefined): FieldError[] {
  const data = part(object, 'data');
  const keys = NEEDED_KEYS[text(object, 'type')] ?? [];
  return [
    ...checkData(object, ['data']),
    ...keys.filter((key) => data[key] === undefined).map((key) => required(`data[${key}]`)),
    ...(old === undefined ? [] : immutable(object.type, old.type, 'type')),
    ...checkFrozen(object, old, ['data']),
  ];
}

export function checkService(object: Fields, old: Fields | undefined): FieldError[] {
  const spec = part(object, 'spec');
  const errors: FieldError[] = [];
  const ports = items(spec, 'ports');
  if (ports.length === 0 && spec.type !== 'ExternalName' && spec.clusterIP !== 'None')
    errors.push(required('spec.ports'));
  errors.push(...oneOf(spec, 'type', 'spec', ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']));
  errors.push(...oneOf(spec, 'sessionAffinity', 'spec', ['ClientIP', 'None']));
  if (spec.type === 'ExternalName') {
    const name = text(spec, 'externalName').replace(/\.$/, '');
    if (name === '') errors.push(required('spec.externalName'));
    else
      errors.push(
        ...subdomainProblems(name).map((problem) => invalid('spec.externalName', spec.externalName, problem)),
      );
  }
  const used = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    const value = number(port, 'port') ?? 0;
    if (value < 1 || value > 65_535)
      errors.push(invalid(`${at}.port`, value, 'must be between 1 and 65535, inclusive'));
    const name = text(port, 'name');
    if (name === '' && ports.length > 1) errors.push(required(`${at}.name`));
    else if (name !== '' && used.has(name)) errors.push(duplicate(`${at}.name`, name));
    used.add(name);
    const protocol = text(port, 'protocol');
    if (!['SCTP', 'TCP', 'UDP'].includes(protocol))
      errors.push(notSupported(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
  }
  const before = part(old ?? {}, 'spec');
  const fixed = text(before, 'clusterIP') !== '' && before.type !== 'ExternalName' && spec.type !== 'ExternalName';
  if (fixed && text(spec, 'clusterIP') !== '')
    errors.push(...immutable(spec.clusterIP, before.clusterIP, 'spec.clusterIP'));
  return errors;
}

export function checkLease(object: Fields): FieldError[] {
  const spec = part(object, 'spec');
  const errors: FieldError[] = [];
  const seconds = number(spec, 'leaseDurationSeconds');
  if (seconds !== undefined && seconds <= 0)
    errors.push(invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
  const transitions = number(spec, 'leaseTransitions');
  if (transitions !== undefined && transitions < 0)
    errors.push(invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
  return errors;
}

export function checkBudget(object: Fields): FieldError[] {
  const spec = part(object, 'spec');
  if (spec.minAvailable === undefined || spec.maxUnavailable === undefined) return [];
  return [invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')];
}

export function checkApiService(object: Fields): FieldError[] {
  const spec = part(object, 'spec');
  const wanted = `${text(spec, 'version')}.${text(spec, 'group')}`;
  const name = text(part(object, 'metadata'), 'name');
  const errors = needed(spec, ['version'], 'spec');
  if (name !== wanted)
    errors.push(invalid('metadata.name', name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`));
  for (const [field, most] of [
    ['groupPriorityMinimum', 20_000],
    ['versionPriority', 1_000],
  ] as const) {
    const value = number(spec, field) ?? 0;
    if (value <= 0 || value > most)
      errors.push(invalid(`spec.${field}`, value, `must be positive and less than ${most}`));
  }
  const service = spec.service;
  if (isFields(service)) errors.push(...needed(service, ['namespace', 'name'], 'spec.service'));
  else if (text(spec, 'caBundle') !== '' || spec.insecureSkipTLSVerify === true)
    errors.push(required('spec.service', 'must be specified when there is a caBundle or insecureSkipTLSVerify'));
  if (spec.insecureSkipTLSVerify === true && text(spec, 'caBundle') !== '')
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
  return errors;
}

export function checkWebhooks(object: Fields): FieldError[] {
  const used = new Set<string>();
  return items(object, 'webhooks').flatMap((webhook, index) => {
    const at = `webhooks[${index}]`;
    const errors: FieldError[] = [];
    const name = text(webhook, 'name');
    if (name === '') errors.push(required(`${at}.name`));
    else if (name.split('.').length < 3)
      errors.push(invalid(`${at}.name`, name, 'should be a domain with at least three segments separated by dots'));
    if (used.has(name)) errors.push(duplicate(`${at}.name`, name));
    used.add(name);
    if (!Array.isArray(webhook.admissionReviewVersions) || webhook.admissionReviewVersions.length === 0)
      errors.push(required(`${at}.admissionReviewVersions`, 'must specify one of v1, v1beta1'));
    if (text(webhook, 'sideEffects') === '')
      errors.push(required(`${at}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
    else errors.push(...oneOf(webhook, 'sideEffects', at, ['None', 'NoneOnDryRun']));
    errors.push(
      ...oneOf(webhook, 'failurePolicy', at, ['Fail', 'Ignore']),
      ...oneOf(webhook, 'matchPolicy', at, ['Equivalent', 'Exact']),
    );
    const seconds = number(webhook, 'timeoutSeconds') ?? 10;
    if (seconds < 1 || seconds > 30)
      errors.push(invalid(`${at}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds'));
    const client = part(webhook, 'clientConfig');
    if ((text(client, 'url') === '') === !isFields(client.service))
      errors.push(required(`${at}.clientConfig`, 'exactly one of url or service is required'));
    return errors;
  });
}

export function checkBinding(object: Fields, old: Fields | undefined): FieldError[] {
  const errors = needed(part(object, 'roleRef'), ['name'], 'roleRef');
  if (old !== undefined && !isDeepStrictEqual(object.roleRef, old.roleRef))
    errors.push(invalid('roleRef', object.roleRef, 'cannot change roleRef'));
  for (const [index, subject] of items(object, 'subjects').entries()) {
    const at = `subjects[${index}]`;
    errors.push(...needed(subject, ['name'], at), ...oneOf(subject, 'kind', at, ['ServiceAccount', 'User', 'Group']));
    if (subject.kind === 'ServiceAccount' && object.kind === 'ClusterRoleBinding')
      errors.push(...needed(subject, ['namespace'], at));
  }
  return errors;
}

export function checkRole(object: Fields): FieldError[] {
  return items(object, 'rules').flatMap((rule, index) => {
    const at = `rules[${index}]`;
    const size = (name: string) => (Array.isArray(rule[name]) ? rule[name].length : 0);
    const errors = size('verbs') === 0 ? [required(`${at}.verbs`, 'verbs must contain at least one value')] : [];
    if (size('nonResourceURLs') > 0) return errors;
    if (size('apiGroups') === 0)
      errors.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if (size('resources') === 0)
      errors.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
    return errors;
  });
}
