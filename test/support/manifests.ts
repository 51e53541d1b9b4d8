import type { ScaledJob, ScaledJobSpec, ScaledObject, ScaledObjectSpec, Trigger } from '../../src/api/index.ts';

/** A trigger of a type that needs nothing of its own here. */
export function aTrigger(over: Partial<Trigger> = {}): Trigger {
  return { type: 'rabbitmq', metadata: { queueName: 'orders' }, ...over };
}

/** A ScaledObject named worker; `spec` goes over a target and one trigger. */
export function aScaledObject(
  spec: Partial<ScaledObjectSpec> = {},
  metadata: Partial<ScaledObject['metadata']> = {},
): ScaledObject {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: 'worker', namespace: 'shop', ...metadata },
    spec: { scaleTargetRef: { name: 'worker' }, triggers: [aTrigger()], ...spec },
  };
}

/** A ScaledJob named batch; `spec` goes over a pod template and one trigger. */
export function aScaledJob(
  spec: Partial<ScaledJobSpec> = {},
  metadata: Partial<ScaledJob['metadata']> = {},
): ScaledJob {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name: 'batch', namespace: 'shop', ...metadata },
    spec: {
      jobTargetRef: { template: { spec: { containers: [{ name: 'work', image: 'work:1' }] } } },
      triggers: [aTrigger()],
      ...spec,
    },
  };
}
