import { ensure, type Fields, fill, isFields, items, part, text } from '../fields.ts';

/** Both webhook configurations; mutating ones also say whether they are asked again. */
export function defaultWebhooks(object: Fields): void {
  for (const webhook of items(object, 'webhooks')) {
    fill(webhook, {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...(object.kind === 'MutatingWebhookConfiguration' ? { reinvocationPolicy: 'Never' } : {}),
    });
    for (const rule of items(webhook, 'rules')) fill(rule, { scope: '*' });
    const service = part(webhook, 'clientConfig').service;
    if (isFields(service)) fill(service, { port: 443 });
  }
}

export function defaultApiService(object: Fields): void {
  const service = part(object, 'spec').service;
  if (isFields(service)) fill(service, { port: 443 });
}

export function defaultCustomResourceDefinition(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(ensure(spec, 'conversion'), { strategy: 'None' });
  const service = part(part(part(spec, 'conversion'), 'webhook'), 'clientConfig').service;
  if (isFields(service)) fill(service, { port: 443 });
}

const RBAC = 'rbac.authorization.k8s.io';

export function defaultRoleBinding(object: Fields): void {
  const roleRef = ensure(object, 'roleRef');
  if (text(roleRef, 'apiGroup') === '') roleRef.apiGroup = RBAC;
  for (const subject of items(object, 'subjects'))
    if (subject.kind !== 'ServiceAccount' && text(subject, 'apiGroup') === '') subject.apiGroup = RBAC;
}

export function defaultNetworkPolicy(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, { podSelector: {}, policyTypes: Array.isArray(spec.egress) ? ['Ingress', 'Egress'] : ['Ingress'] });
  for (const direction of ['ingress', 'egress'])
    for (const rule of items(spec, direction)) for (const port of items(rule, 'ports')) fill(port, { protocol: 'TCP' });
}

export function defaultPersistentVolume(object: Fields): void {
  fill(ensure(object, 'spec'), { volumeMode: 'Filesystem', persistentVolumeReclaimPolicy: 'Retain' });
  fill(ensure(object, 'status'), { phase: 'Pending' });
}

export function defaultStorageClass(object: Fields): void {
  fill(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
}

export function defaultPriorityClass(object: Fields): void {
  fill(object, { preemptionPolicy: 'PreemptLowerPriority' });
}
