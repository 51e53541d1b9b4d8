import { adviseExternal, type ExternalConfig, externalFields } from '../_external/fields.ts';
import { defineScaler } from '../definition.ts';

export type Config = ExternalConfig;

export const definition = defineScaler({
  type: 'external',
  title: 'External scaler',
  summary: 'Scales on metrics of a gRPC server of your own, which is asked for them.',
  category: 'External',
  scalerLabel: 'externalScaler',
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
      title: 'A scaler that gets two keys of its own, one of them from the environment of the scaled container',
      metadata: {
        scalerAddress: 'orders-scaler.shop.svc:6000',
        region: 'eu',
        tokenFromEnv: 'ORDERS_TOKEN',
      },
    },
    {
      title: 'With TLS on both sides',
      metadata: { scalerAddress: 'orders-scaler.shop.svc:6000' },
      authentication: {
        caCert: '-----BEGIN CERTIFICATE-----…',
        tlsClientCert: '-----BEGIN CERTIFICATE-----…',
        tlsClientKey: '-----BEGIN PRIVATE KEY-----…',
      },
    },
  ],
  load: () => import('./scaler.ts'),
});
