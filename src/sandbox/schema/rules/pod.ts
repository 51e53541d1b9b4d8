import { isDeepStrictEqual } from 'node:util';
import { compareQuantities } from '../../../base/quantity.ts';
import { duplicate, type FieldError, forbidden, invalid, notFound, notSupported, required } from '../field-error.ts';
import { type Fields, isFields, items, number, part, text } from '../fields.ts';
import { checkLabels, labelProblems, subdomainProblems } from '../names.ts';
import { nonNegative, oneOf } from './common.ts';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const DNS_POLICIES = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'];

/** What is wrong with a pod; `old` on updates. */
export function checkPod(pod: Fields, old: Fields | undefined): FieldError[] {
  const spec = part(pod, 'spec');
  if (old === undefined) return checkPodSpec(spec, 'spec');
  return [...checkPodSpec(spec, 'spec'), ...checkPodUpdate(spec, part(old, 'spec'))];
}

/** The labels, annotations and spec of a pod template at `at`. */
export function checkTemplate(template: Fields, at: string): FieldError[] {
  const labels = part(part(template, 'metadata'), 'labels');
  return [...checkLabels(labels, `${at}.metadata.labels`), ...checkPodSpec(part(template, 'spec'), `${at}.spec`)];
}

function checkPodSpec(spec: Fields, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = items(spec, 'volumes');
  const names = new Set(volumes.map((volume) => text(volume, 'name')));
  errors.push(...checkVolumes(volumes, `${at}.volumes`));
  if (items(spec, 'containers').length === 0) errors.push(required(`${at}.containers`));
  const used = new Set<string>();
  for (const list of ['initContainers', 'containers'])
    for (const [index, container] of items(spec, list).entries()) {
      const place = `${at}.${list}[${index}]`;
      errors.push(...checkContainer(container, place, names));
      const name = text(container, 'name');
      if (name !== '' && used.has(name)) errors.push(duplicate(`${place}.name`, name));
      used.add(name);
    }
  errors.push(...oneOf(spec, 'restartPolicy', at, RESTART_POLICIES), ...oneOf(spec, 'dnsPolicy', at, DNS_POLICIES));
  errors.push(...nonNegative(spec, 'terminationGracePeriodSeconds', at));
  const account = text(spec, 'serviceAccountName');
  if (account !== '')
    errors.push(...subdomainProblems(account).map((problem) => invalid(`${at}.serviceAccountName`, account, problem)));
  return errors;
}

function checkVolumes(volumes: Fields[], at: string): FieldError[] {
  const used = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const name = text(volume, 'name');
    const place = `${at}[${index}]`;
    const errors =
      name === ''
        ? [required(`${place}.name`)]
        : labelProblems(name).map((problem) => invalid(`${place}.name`, name, problem));
    if (used.has(name)) errors.push(duplicate(`${place}.name`, name));
    used.add(name);
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    if (sources.length > 1) errors.push(forbidden(`${place}.${sources[1]}`, 'may not specify more than 1 volume type'));
    return errors;
  });
}

function checkContainer(container: Fields, at: string, volumes: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(container, 'name');
  if (name === '') errors.push(required(`${at}.name`));
  else errors.push(...labelProblems(name).map((problem) => invalid(`${at}.name`, name, problem)));
  if (text(container, 'image') === '') errors.push(required(`${at}.image`));
  errors.push(...oneOf(container, 'imagePullPolicy', at, PULL_POLICIES));
  for (const [index, port] of items(container, 'ports').entries())
    errors.push(...checkPort(port, `${at}.ports[${index}]`));
  for (const [index, env] of items(container, 'env').entries()) {
    if (text(env, 'name') === '') errors.push(required(`${at}.env[${index}].name`));
    if (isFields(env.valueFrom) && text(env, 'value') !== '')
      errors.push(invalid(`${at}.env[${index}].valueFrom`, '', 'may not be specified when `value` is not empty'));
  }
  const mounted = new Set<string>();
  for (const [index, mount] of items(container, 'volumeMounts').entries()) {
    const place = `${at}.volumeMounts[${index}]`;
    const volume = text(mount, 'name');
    const path = text(mount, 'mountPath');
    if (volume === '') errors.push(required(`${place}.name`));
    if (!volumes.has(volume)) errors.push(notFound(`${place}.name`, volume));
    if (path === '') errors.push(required(`${place}.mountPath`));
    else if (mounted.has(path)) errors.push(invalid(`${place}.mountPath`, path, 'must be unique'));
    mounted.add(path);
  }
  errors.push(...checkResources(part(container, 'resources'), `${at}.resources`));
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'])
    if (isFields(container[probe])) errors.push(...checkProbe(container[probe], `${at}.${probe}`));
  return errors;
}

function checkPort(port: Fields, at: string): FieldError[] {
  const value = number(port, 'containerPort') ?? 0;
  const errors = value === 0 ? [required(`${at}.containerPort`)] : [];
  if (value < 0 || value > 65_535)
    errors.push(invalid(`${at}.containerPort`, value, 'must be between 1 and 65535, inclusive'));
  const protocol = text(port, 'protocol');
  if (!['SCTP', 'TCP', 'UDP'].includes(protocol))
    errors.push(notSupported(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
  return errors;
}

function checkResources(resources: Fields, at: string): FieldError[] {
  const limits = part(resources, 'limits');
  return Object.entries(part(resources, 'requests')).flatMap(([name, request]) => {
    const limit = limits[name];
    if (limit === undefined || compareQuantities(String(request), String(limit)) <= 0) return [];
    return [invalid(`${at}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)];
  });
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];

function checkProbe(probe: Fields, at: string): FieldError[] {
  const given = HANDLERS.filter((handler) => isFields(probe[handler]));
  const errors = given.length === 0 ? [required(at, 'must specify a handler type')] : [];
  if (given.length > 1) errors.push(forbidden(`${at}.${given[1]}`, 'may not specify more than 1 handler type'));
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ])
    errors.push(...nonNegative(probe, field, at));
  return errors;
}

/** Fields of a pod's spec that an update may change; nodeName only when it is not yet set. */
const UPDATABLE =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function checkPodUpdate(spec: Fields, old: Fields): FieldError[] {
  if (items(spec, 'containers').length !== items(old, 'containers').length)
    return [forbidden('spec.containers', 'pod updates may not add or remove containers')];
  const fixed = (from: Fields): Fields => {
    const {
      activeDeadlineSeconds: _deadline,
      tolerations: _tolerations,
      schedulingGates: _gates,
      nodeName,
      ...rest
    } = from;
    const without = (list: string) => items(from, list).map(({ image: _image, ...container }) => container);
    return {
      ...rest,
      nodeName: text(old, 'nodeName') === '' ? '' : nodeName,
      containers: without('containers'),
      initContainers: without('initContainers'),
      ephemeralContainers: [],
    };
  };
  if (isDeepStrictEqual(fixed(spec), fixed(old))) return [];
  return [forbidden('spec', `pod updates may not change fields other than ${UPDATABLE}`)];
}
