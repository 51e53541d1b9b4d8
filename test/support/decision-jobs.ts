import type { ScaledJob } from '../../src/api/index.ts';

/** A ScaledJob with one trigger. */
export function scaledJob(options: {
  spec?: Partial<ScaledJob['spec']> | undefined;
  annotations?: Record<string, string> | undefined;
  labels?: Record<string, string> | undefined;
  status?: ScaledJob['status'] | undefined;
}): ScaledJob {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: {
      name: 'mailer',
      namespace: 'shop',
      uid: 'uid-2',
      generation: 3,
      annotations: options.annotations ?? {},
      labels: options.labels ?? {},
    },
    spec: {
      jobTargetRef: { template: { spec: { containers: [{ name: 'mail', image: 'mailer:1' }] } } },
      triggers: [{ type: 'rabbitmq', metadata: {} }],
      pollingInterval: 5,
      ...options.spec,
    },
    ...(options.status ? { status: options.status } : {}),
  };
}
