import { API_SERVICES, SERVICES } from '../../api/resources.ts';
import { apiVersionOf, type KubeObject } from '../../base/object.ts';
import { applyIfChanged } from '../../kube/apply.ts';
import type { KubeClient } from '../../kube/client.ts';
import { GROUP, VERSION } from './discovery.ts';

/** Name that the APIService has to have. */
export const API_SERVICE = `${VERSION}.${GROUP}`;

export interface ApiServiceOptions {
  /** The Service in front of the metrics API; `name.namespace.svc` must be a name of the serving certificate. */
  service: { namespace: string; name: string; port: number };
  /**
   * Where the metrics API listens when it runs outside of the cluster (development, tests): the Service is then made
   * to point at this host name.
   */
  endpoint?: { host: string; port: number } | undefined;
  /** PEM of the authority that signed the serving certificate. */
  caBundle: string;
}

/**
 * Registers the metrics API with the API server, or brings an existing registration up to date; does nothing to the
 * fields that are right already.
 * @throws KubernetesRefused when we may not, KubernetesUnavailable when it does not answer
 */
export async function ensureApiService(client: KubeClient, options: ApiServiceOptions): Promise<void> {
  const { service, endpoint, caBundle } = options;
  const port = endpoint?.port ?? service.port;
  if (endpoint) {
    const { namespace, name } = service;
    const content = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: { type: 'ExternalName', externalName: endpoint.host, ports: [{ name: 'https', port, protocol: 'TCP' }] },
    };
    await client.patch(SERVICES, name, content, { type: 'apply', force: true, namespace });
  }
  const content = {
    apiVersion: apiVersionOf(API_SERVICES),
    kind: API_SERVICES.kind,
    metadata: { name: API_SERVICE },
    spec: {
      group: GROUP,
      version: VERSION,
      groupPriorityMinimum: 100,
      versionPriority: 100,
      caBundle: Buffer.from(caBundle).toString('base64'),
      service: { namespace: service.namespace, name: service.name, port },
    },
  };
  await applyIfChanged(client, API_SERVICES, content);
}

interface ApiService extends KubeObject {
  spec?: { caBundle?: string; insecureSkipTLSVerify?: boolean };
}

/**
 * Puts our authority into an APIService that somebody else made (a Helm chart, KEDA's manifests) and leaves the rest as
 * it is. One that trusts everybody stays so: the API server refuses an authority beside that.
 * @returns what was done; `missing` when there is no such APIService
 * @throws KubernetesRefused when we may not, KubernetesUnavailable when it does not answer
 */
export async function trustApiService(
  client: KubeClient,
  caBundle: string,
): Promise<'written' | 'unchanged' | 'missing' | 'insecure'> {
  const live = await client.find<ApiService>(API_SERVICES, API_SERVICE);
  if (live === undefined) return 'missing';
  if (live.spec?.insecureSkipTLSVerify) return 'insecure';
  const wanted = Buffer.from(caBundle).toString('base64');
  if (live.spec?.caBundle === wanted) return 'unchanged';
  await client.patch(API_SERVICES, API_SERVICE, { spec: { caBundle: wanted } }, { type: 'merge' });
  return 'written';
}
