import type { ScaledObject } from '../../api/index.ts';
import type { Clock } from '../../base/clock.ts';
import { WindlassError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Discovery } from '../../kube/discovery.ts';
import type { Store } from '../../kube/store.ts';
import {
  type AdmissionMetrics,
  createAdmissionServer,
  createClusterFacts,
  ensureWebhookConfiguration,
  followClaims,
  followForeignAutoscalers,
  trustWebhookConfiguration,
} from '../../servers/admission/index.ts';
import type { CertificateKeeper } from '../../servers/certificates/index.ts';
import type { OperatorSettings } from './settings.ts';

export interface WebhookOptions {
  host: string;
  /** 0 is a free one. */
  port: number;
  /** Name of the Service in front of them. */
  service: string;
  /** Name of the ValidatingWebhookConfiguration. */
  configuration: string;
  /** Register them under this host name, for an operator that runs beside the cluster. */
  reachableAt?: string | undefined;
  /**
   * Default true: without `reachableAt`, put the authority of our certificate into the configuration, which is
   * somebody else's; with it, make the whole configuration. False leaves it alone.
   */
  register?: boolean | undefined;
}

export interface Webhooks {
  host: string;
  port: number;
  /** Resolves when the API server knows them; at once when they are not to be registered. */
  registered: Promise<void>;
  stop(): Promise<void>;
}

/** Starts the admission webhooks beside the controllers, whose watch of ScaledObjects they share. */
export async function startWebhooks(options: {
  webhooks: WebhookOptions;
  client: KubeClient;
  settings: OperatorSettings;
  discovery: Discovery;
  scaledObjects: Store<ScaledObject>;
  certificates: CertificateKeeper;
  metrics?: AdmissionMetrics | undefined;
  clock: Clock;
  log: Logger;
}): Promise<Webhooks> {
  const { webhooks, client, settings, discovery, scaledObjects, certificates, metrics, clock, log } = options;
  const { namespace } = settings;
  // Among ScaledObjects by label there may be others that claim the same: those are asked for.
  const complete = settings.select.scaled === undefined ? namespace : [];
  const { reachableAt, configuration: name, register = true } = webhooks;
  const foreignAutoscalers = followForeignAutoscalers({ client, namespace, clock, log });
  const claims = followClaims(scaledObjects);
  const shows = certificates.pair;
  const server = createAdmissionServer({
    facts: createClusterFacts({ client, discovery, clock, namespace: complete, claims, foreignAutoscalers }),
    tls: shows,
    minTlsVersion: settings.serviceMinTlsVersion,
    metrics,
    clock,
    log,
  });
  const stop = async () => {
    await server.close();
    foreignAutoscalers.stop();
  };
  let address: { host: string; port: number };
  try {
    address = await server.listen(webhooks.host, webhooks.port);
  } catch (error) {
    foreignAutoscalers.stop();
    throw error;
  }

  const announce = async (caBundle: string) => {
    if (!register) return;
    if (reachableAt !== undefined) {
      const url = `https://${reachableAt}:${address.port}`;
      await ensureWebhookConfiguration(client, { name, at: { url }, caBundle });
    } else if (caBundle !== '' && (await trustWebhookConfiguration(client, { name, caBundle })) === 'missing') {
      throw new WindlassError('KubernetesRefused', `there is no ValidatingWebhookConfiguration ${name}`, {
        hint: 'install it, or name the one there is with --validating-webhook-name',
      });
    }
  };
  const registered = certificates.follow({
    name: 'admission webhooks',
    shows,
    setTls: server.setTls,
    trust: announce,
  });
  // Nobody has to wait for it.
  registered.catch(() => {});
  log.info('admission webhooks listen', { ...address });
  return { ...address, registered, stop };
}
