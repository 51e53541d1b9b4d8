import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createNamedWatches } from '../../src/kube/named-watch.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import { createAuthority, createServingCertificate, serviceNames } from '../../src/servers/certificates/index.ts';
import { createDelegatedAuth, createMetricsApi, ensureApiService } from '../../src/servers/metrics-api/index.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const clock = systemClock;
const log = silentLogger;
const GROUP = '/apis/external.metrics.k8s.io/v1beta1';
const METRIC = `${GROUP}/namespaces/shop/s0-queue`;
const query = { labelSelector: 'scaledobject.keda.sh/name=web' };

/** A cluster with the metrics API registered, as the operator does it. */
async function start() {
  const sandbox = await startSandbox({ clock, log, controllers: false });
  undo.push(() => sandbox.stop());
  const connection = {
    server: sandbox.url,
    namespace: 'default',
    source: 'the test',
    insecureSkipTlsVerify: false,
    ca: { data: sandbox.ca ?? '' },
    user: { token: sandbox.token },
  };
  const client = createKubeClient(connection, { clock, log });
  undo.push(() => client.close());
  const watches = createNamedWatches({ client, clock, log });
  undo.push(() => watches.stop());

  const auth = createDelegatedAuth({ client, watches, log });
  undo.push(() => auth.close());
  await auth.synced;
  const authority = createAuthority('windlass', clock.now());
  const service = { namespace: 'default', name: 'keda-metrics-apiserver', port: 443 };
  const api = createMetricsApi({
    lookup: (namespace, name, metric) =>
      namespace === 'shop' && name === 'web'
        ? { kind: 'value', metricName: metric, value: '12', at: clock.now() }
        : { kind: 'error', message: `no ScaledObject ${namespace}/${name}` },
    auth,
    tls: createServingCertificate(authority, serviceNames(service.name, service.namespace), clock.now()),
    ready: () => true,
    log,
    clock,
  });
  undo.push(() => api.close(0));
  const { port } = await api.listen('127.0.0.1', 0);
  const register = (caBundle = authority.cert) =>
    ensureApiService(client, { service, endpoint: { host: 'localhost', port }, caBundle });
  await register();
  return { client, register };
}

const read = (client: KubeClient, path = METRIC) => client.requestJson<unknown>({ method: 'GET', path, query });

describe('the metrics API behind an API server', () => {
  it('is found, trusted and read through it', async () => {
    const { client } = await start();
    await expect
      .poll(() => read(client).catch(String), { timeout: 15_000 })
      .toMatchObject({
        items: [{ metricName: 's0-queue', value: '12' }],
      });
    const resources = await client.requestJson<{ resources: unknown[] }>({ method: 'GET', path: GROUP });
    expect(resources.resources).toHaveLength(1);
  });

  it('passes its errors on with their message', async () => {
    const { client } = await start();
    await expect.poll(() => read(client).then(Boolean, String), { timeout: 15_000 }).toBe(true);
    await expect(read(client, `${GROUP}/namespaces/other/s0-queue`)).rejects.toThrow('no ScaledObject other/web');
  });

  it('is registered anew without a change when everything is right, and with one when the trust changes', async () => {
    const { client, register } = await start();
    const type = {
      group: 'apiregistration.k8s.io',
      version: 'v1',
      plural: 'apiservices',
      kind: 'APIService',
      namespaced: false,
    };
    const name = 'v1beta1.external.metrics.k8s.io';
    const versionNow = async () => (await client.get(type, name)).metadata.resourceVersion;
    await expect.poll(() => read(client).then(Boolean, String), { timeout: 15_000 }).toBe(true);
    const before = await versionNow();
    await register();
    expect(await versionNow()).toBe(before);
    await register(createAuthority('another', clock.now()).cert);
    expect(await versionNow()).not.toBe(before);
  });
});
