import { type Fields, isFields, items, number, part, text } from '../schema/fields.ts';
import type { AnyObject } from '../types.ts';
import { AGE, type Column, column, count, NAME, selectorText, spec, status, wide } from './column.ts';

export const LEASES: Column[] = [NAME, column('Holder', (one) => text(spec(one), 'holderIdentity')), AGE];
export const WEBHOOKS: Column[] = [NAME, column('Webhooks', (one) => items(one, 'webhooks').length, 'integer'), AGE];

/** Kubernetes: kinds without columns of their own (CRDs, roles, LimitRanges) show when they were created. */
export const DEFAULT: Column[] = [
  NAME,
  { name: 'Created At', type: 'date', priority: 0, cell: (one) => one.metadata.creationTimestamp ?? '' },
];

export const API_SERVICES: Column[] = [
  NAME,
  column('Service', (one) => {
    const { service } = spec(one);
    return isFields(service) ? `${text(service, 'namespace')}/${text(service, 'name')}` : 'Local';
  }),
  column('Available', (one) => {
    const available = items(status(one), 'conditions').find((condition) => condition.type === 'Available');
    if (available === undefined) return 'Unknown';
    return available.status === 'True' ? 'True' : `${text(available, 'status')} (${text(available, 'reason')})`;
  }),
  AGE,
];

const intOr = (value: unknown) => (value === undefined ? 'N/A' : String(value));
export const BUDGETS: Column[] = [
  NAME,
  column('Min Available', (one) => intOr(spec(one).minAvailable)),
  column('Max Unavailable', (one) => intOr(spec(one).maxUnavailable)),
  column('Allowed Disruptions', (one) => count(status(one), 'disruptionsAllowed'), 'integer'),
  AGE,
];

export const QUOTAS: Column[] = [
  NAME,
  column('Request', (one) => quotaText(one, (name) => !name.startsWith('limits.'))),
  column('Limit', (one) => quotaText(one, (name) => name.startsWith('limits.'))),
  AGE,
];

function quotaText(quota: AnyObject, wanted: (name: string) => boolean): string {
  const hard = Object.entries(part(status(quota), 'hard')).filter(([name]) => wanted(name));
  const used = part(status(quota), 'used');
  return hard
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, most]) => `${name}: ${used[name] ?? 0}/${most}`)
    .join(', ');
}

const subjects = (one: AnyObject, kind: string) => items(one, 'subjects').filter((subject) => subject.kind === kind);
const named = (list: Fields[]) => list.map((one) => text(one, 'name')).join(', ');
export const BINDINGS: Column[] = [
  NAME,
  column('Role', (one) => `${text(part(one, 'roleRef'), 'kind')}/${text(part(one, 'roleRef'), 'name')}`),
  AGE,
  wide('Users', (one) => named(subjects(one, 'User'))),
  wide('Groups', (one) => named(subjects(one, 'Group'))),
  wide('ServiceAccounts', (one) =>
    subjects(one, 'ServiceAccount')
      .map((subject) => `${text(subject, 'namespace')}/${text(subject, 'name')}`)
      .join(', '),
  ),
];

export const CONTROLLER_REVISIONS: Column[] = [
  NAME,
  column('Controller', (one) => {
    const owner = one.metadata.ownerReferences?.find((reference) => reference.controller === true);
    if (owner === undefined) return '<none>';
    const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
    return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
  }),
  column('Revision', (one) => number(one, 'revision') ?? 0, 'integer'),
  AGE,
];

export const NETWORK_POLICIES: Column[] = [
  NAME,
  column('Pod-Selector', (one) => selectorText(spec(one).podSelector)),
  AGE,
];

export const PRIORITY_CLASSES: Column[] = [
  NAME,
  column('Value', (one) => number(one, 'value') ?? 0, 'integer'),
  column('Global-Default', (one) => one.globalDefault === true, 'boolean'),
  AGE,
  column('PreemptionPolicy', (one) => text(one, 'preemptionPolicy')),
];

export const STORAGE_CLASSES: Column[] = [
  NAME,
  column('Provisioner', (one) => text(one, 'provisioner')),
  column('ReclaimPolicy', (one) => text(one, 'reclaimPolicy')),
  column('VolumeBindingMode', (one) => text(one, 'volumeBindingMode')),
  column('AllowVolumeExpansion', (one) => one.allowVolumeExpansion === true, 'boolean'),
  AGE,
];

export const INGRESSES: Column[] = [
  NAME,
  column('Class', (one) => text(spec(one), 'ingressClassName') || '<none>'),
  column(
    'Hosts',
    (one) =>
      items(spec(one), 'rules')
        .map((rule) => text(rule, 'host') || '*')
        .join(',') || '*',
  ),
  column('Address', (one) =>
    items(part(status(one), 'loadBalancer'), 'ingress')
      .map((address) => text(address, 'ip') || text(address, 'hostname'))
      .join(','),
  ),
  column('Ports', (one) => (Array.isArray(spec(one).tls) ? '80, 443' : '80')),
  AGE,
];
