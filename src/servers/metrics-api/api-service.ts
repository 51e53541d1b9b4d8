import { SERVICES } from '../../api/resources.ts';
import type { ResourceType } from '../../base/object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { GROUP, VERSION } from './discovery.ts';

const API_SERVICES: ResourceType = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
};

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
  const name = `${VERSION}.${GROUP}`;
  const content = {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name },
    spec: {
      group: GROUP,
      version: VERSION,
      groupPriorityMinimum: 100,
      versionPriority: 100,
      caBundle: Buffer.from(caBundle).toString('base64'),
      service: { namespace: service.namespace, name: service.name, port },
    },
  };
  await client.patch(API_SERVICES, name, content, { type: 'apply', force: true });
}
