import { ensure, type Fields, fill, isFields, items, part } from '../fields.ts';

export function defaultService(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, { sessionAffinity: 'None', type: 'ClusterIP' });
  if (spec.sessionAffinity === 'ClientIP')
    fill(ensure(ensure(spec, 'sessionAffinityConfig'), 'clientIP'), { timeoutSeconds: 10_800 });
  for (const port of items(spec, 'ports')) {
    fill(port, { protocol: 'TCP' });
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (spec.type !== 'ExternalName') fill(spec, { internalTrafficPolicy: 'Cluster' });
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') fill(spec, { externalTrafficPolicy: 'Cluster' });
  if (spec.type === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
}

export function defaultEndpoints(object: Fields): void {
  for (const subset of items(object, 'subsets'))
    for (const port of items(subset, 'ports')) fill(port, { protocol: 'TCP' });
}

export function defaultEndpointSlice(object: Fields): void {
  for (const port of items(object, 'ports')) fill(port, { name: '', protocol: 'TCP' });
}

/** Kubernetes: in a LimitRange for containers, maxima and defaults pass on to what is not given. */
export function defaultLimitRange(object: Fields): void {
  for (const limit of items(ensure(object, 'spec'), 'limits')) {
    if (limit.type !== 'Container') continue;
    for (const [into, from] of [
      ['default', 'max'],
      ['defaultRequest', 'default'],
      ['defaultRequest', 'min'],
    ] as const)
      if (isFields(limit[from])) fill(ensure(limit, into), part(limit, from));
  }
}
