import { APP_MANAGED_BY, MANAGER } from '../../api/annotations.ts';
import { HORIZONTAL_POD_AUTOSCALERS } from '../../api/resources.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { createStore, type Store } from '../../kube/store.ts';
import { type Autoscaler, autoscalerOf } from './cluster-facts.ts';

export { type ClusterFacts, type ClusterFactsOptions, createClusterFacts } from './cluster-facts.ts';
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

/** Follows the HPAs that are not ours, a few dozen bytes each: of ours there is one for each ScaledObject. */
export function createForeignAutoscalerStore(options: {
  client: KubeClient;
  namespace: string | undefined;
  clock: Clock;
  log: Logger;
}): Store<Autoscaler> {
  return createStore({
    ...options,
    type: HORIZONTAL_POD_AUTOSCALERS,
    labelSelector: `${APP_MANAGED_BY}!=${MANAGER}`,
    project: autoscalerOf,
  });
}
