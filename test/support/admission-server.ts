import type { ScaledObject } from '../../src/api/index.ts';
import { SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import type { KubeConnection } from '../../src/kube/config.ts';
import { createDiscovery } from '../../src/kube/discovery.ts';
import { createStore } from '../../src/kube/store.ts';
import {
  createAdmissionServer,
  createClusterFacts,
  ensureWebhookConfiguration,
  followClaims,
  followForeignAutoscalers,
} from '../../src/servers/admission/index.ts';
import { createAuthority, createServingCertificate } from '../../src/servers/certificates/index.ts';

export interface RunningWebhooks {
  url: string;
  /** PEM of the authority that the configuration trusts. */
  caBundle: string;
  stop(): Promise<void>;
}

/** Runs the webhooks beside a cluster, registered with it as keda-admission. */
export async function serveAdmission(connection: KubeConnection): Promise<RunningWebhooks> {
  const clock = systemClock;
  const log = silentLogger;
  const client = createKubeClient(connection, { clock, log });
  const scaledObjects = createStore<ScaledObject, KubeObject>({
    client,
    type: SCALED_OBJECTS,
    project: (raw) => raw as ScaledObject,
    clock,
    log,
  });
  const claims = followClaims(scaledObjects);
  const foreignAutoscalers = followForeignAutoscalers({ client, namespace: undefined, clock, log });
  await Promise.all([scaledObjects.synced, foreignAutoscalers.synced]);
  const authority = createAuthority('test', clock.now());
  const discovery = createDiscovery(client, clock);
  const server = createAdmissionServer({
    facts: createClusterFacts({ client, discovery, clock, claims, foreignAutoscalers }),
    tls: createServingCertificate(authority, ['localhost'], clock.now()),
    clock,
    log,
  });
  const { port } = await server.listen('127.0.0.1', 0);
  const url = `https://localhost:${port}`;
  await ensureWebhookConfiguration(client, { at: { url }, caBundle: authority.cert });
  return {
    url,
    caBundle: authority.cert,
    async stop() {
      await server.close();
      foreignAutoscalers.stop();
      scaledObjects.stop();
      await client.close();
    },
  };
}
