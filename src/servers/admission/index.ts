export { type Claims, followClaims } from './claims.ts';
export {
  type ClusterFacts,
  type ClusterFactsOptions,
  createClusterFacts,
  followForeignAutoscalers,
} from './cluster-facts.ts';
export {
  ensureWebhookConfiguration,
  trustWebhookConfiguration,
  WEBHOOK_CONFIGURATION,
  type WebhookConfigurationOptions,
} from './registration.ts';
export { createAdmissionServer } from './server.ts';
export type {
  AdmissionMetrics,
  AdmissionServer,
  AdmissionServerOptions,
  ServingCertificate,
  Validation,
} from './types.ts';
