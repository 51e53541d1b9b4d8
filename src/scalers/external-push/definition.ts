import { adviseExternal, type ExternalConfig, externalFields } from '../_external/fields.ts';
import { defineScaler } from '../definition.ts';

export type Config = ExternalConfig;

export const definition = defineScaler({
  type: 'external-push',
  title: 'External push scaler',
  summary: 'Scales on metrics of a gRPC server of your own, which also says by itself when there is work.',
  category: 'External',
  scalerLabel: 'externalPushScaler',
  fields: externalFields,
  podIdentity: [],
  // Name and namespace of the object are sent along, so no two objects ask the same question.
  scope: 'object',
  openMetadata: true,
  metricsFromSource: true,
  advise: adviseExternal,
  metrics: () => [],
  examples: [
    {
      title: 'A scaler that starts the workload the moment an order comes in',
      metadata: { scalerAddress: 'orders-scaler.shop.svc:6000', region: 'eu' },
    },
    {
      title: 'With TLS and a certificate authority of its own',
      metadata: { scalerAddress: 'orders-scaler.shop.svc:6000', enableTLS: 'true' },
      authentication: { caCert: '-----BEGIN CERTIFICATE-----…' },
    },
  ],
  load: () => import('./scaler.ts'),
});
