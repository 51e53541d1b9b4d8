import { ApiError } from '../types.ts';
import type { Core } from './core.ts';
import { ensure, SYSTEM } from './lifecycle.ts';
import type { Registry } from './registry.ts';
import { remove } from './remove.ts';
import { type Identity, REQUEST_HEADER_NAME } from './security/identity.ts';

/** Says in the API where the API is: the Service and endpoints called kubernetes. */
export async function announceServer(core: Core, port: number): Promise<void> {
  const metadata = { name: 'kubernetes', namespace: 'default' };
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }];
  const spec = { type: 'ClusterIP', clusterIP: '10.96.0.1', ports };
  await ensure(core, '', 'services', { metadata: { ...metadata, labels }, spec }, ['spec']);
  const subsets = [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ name: 'https', port, protocol: 'TCP' }] }];
  await ensure(core, '', 'endpoints', { metadata, subsets }, ['subsets']);
  const slice = {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
  await ensure(core, 'discovery.k8s.io', 'endpointslices', slice, ['endpoints', 'ports']);
}

/** What an aggregated API server reads to know whom to trust. */
export async function announceAuthentication(core: Core, identity: Identity): Promise<void> {
  const data = {
    'client-ca-file': identity.ca.cert,
    'requestheader-allowed-names': JSON.stringify([REQUEST_HEADER_NAME]),
    'requestheader-client-ca-file': identity.requestHeaderCa.cert,
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  };
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
  await ensure(core, '', 'configmaps', { metadata, data }, ['data']);
}

const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged';

/** Keeps an APIService for every group and version served here. Returns the function that stops it. */
export function announceGroups(core: Core): () => void {
  const storage = 'apiregistration.k8s.io/apiservices';
  let running = Promise.resolve();
  const bring = async () => {
    const wanted = localGroups(core.registry);
    for (const [name, { group, version }] of wanted) {
      if (core.store.get(storage, name)) continue;
      const spec = { group, version, groupPriorityMinimum: group === '' ? 18000 : 1000, versionPriority: 15 };
      await ensure(core, 'apiregistration.k8s.io', 'apiservices', {
        metadata: { name, labels: { [AUTOMANAGED]: 'onstart' } },
        spec,
      });
    }
    const resource = core.registry.find('apiregistration.k8s.io', 'v1', 'apiservices');
    for (const { metadata } of [...core.store.entries(storage).values()]) {
      if (!resource || wanted.has(metadata.name) || !metadata.labels?.[AUTOMANAGED]) continue;
      await remove(core, { resource, namespace: undefined, name: metadata.name }, {}, SYSTEM).catch(
        (error: unknown) => {
          if (!(error instanceof ApiError)) throw error;
        },
      );
    }
  };
  const update = () => {
    running = running
      .then(bring)
      .catch((error: unknown) => core.log.error('Cannot keep the APIServices up to date', { error }));
  };
  let seen = core.registry.generation();
  update();
  return core.store.watch('apiextensions.k8s.io/customresourcedefinitions', () => {
    if (core.registry.generation() === seen) return;
    seen = core.registry.generation();
    update();
  });
}

function localGroups(registry: Registry): Map<string, { group: string; version: string }> {
  const groups = new Map<string, { group: string; version: string }>();
  for (const { type } of registry.all()) {
    groups.set(`${type.version}.${type.group}`, { group: type.group, version: type.version });
  }
  return groups;
}

/** A kubeconfig with one context, for the administrator. */
export function kubeconfigOf(
  url: string,
  ca: string | undefined,
  token: string,
  namespace = 'default',
): Record<string, unknown> {
  const name = 'windlass-sandbox';
  const trust = ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, ...trust } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    'current-context': name,
  };
}
