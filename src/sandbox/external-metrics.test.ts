import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import type { ResourceType } from '../base/object.ts';
import { makeCertificate } from './api/security/certificates.ts';
import { startSandbox } from './index.ts';
import type { AnyObject } from './types.ts';

const type = (group: string, version: string, plural: string, kind: string, namespaced = true): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced,
});
const SERVICE = type('', 'v1', 'services', 'Service');
const DEPLOYMENT = type('apps', 'v1', 'deployments', 'Deployment');
const HPA = type('autoscaling', 'v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler');
const API_SERVICE = type('apiregistration.k8s.io', 'v1', 'apiservices', 'APIService', false);

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

it('scales a Deployment by what an aggregated metrics API says', async () => {
  let value = '30';
  const asked = new Set<string>();
  const server = createServer(
    makeCertificate({ commonName: 'metrics', hosts: ['127.0.0.1'], usage: 'server', now: Date.now() }),
    (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'https://metrics');
      const discovery = pathname.split('/').length === 4;
      if (!discovery) asked.add(`${request.headers['x-remote-user']} ${pathname} ${searchParams.get('labelSelector')}`);
      const resources = [
        {
          name: 'externalmetrics',
          singularName: '',
          namespaced: true,
          kind: 'ExternalMetricValueList',
          verbs: ['get'],
        },
      ];
      const items = [{ metricName: 's0-queue', metricLabels: null, timestamp: '2026-01-01T00:00:00Z', value }];
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify(discovery ? { kind: 'APIResourceList', resources } : { kind: 'ExternalMetricValueList', items }),
      );
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { api, stop } = await startSandbox({ clock: systemClock, log: silentLogger, hpaSyncPeriodMs: 100 });
  undo.push(stop);

  const { port } = server.address() as AddressInfo;
  await api.create(
    SERVICE,
    { metadata: { name: 'metrics' }, spec: { type: 'ExternalName', externalName: '127.0.0.1' } },
    'default',
  );
  await api.create(API_SERVICE, {
    metadata: { name: 'v1beta1.external.metrics.k8s.io' },
    spec: {
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { namespace: 'default', name: 'metrics', port },
      insecureSkipTLSVerify: true,
    },
  });
  const labels = { app: 'worker' };
  const containers = [{ name: 'main', image: 'sandbox/worker', command: ['sleep', '1000'] }];
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers } };
  await api.create(
    DEPLOYMENT,
    { metadata: { name: 'worker' }, spec: { replicas: 1, selector: { matchLabels: labels }, template } },
    'default',
  );
  const metric = { name: 's0-queue', selector: { matchLabels: { 'scaledobject.keda.sh/name': 'worker' } } };
  await api.create(
    HPA,
    {
      metadata: { name: 'worker' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'worker' },
        minReplicas: 1,
        maxReplicas: 5,
        metrics: [{ type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '10' } } }],
        behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
      },
    },
    'default',
  );

  const replicas = () => {
    const worker = api.get<AnyObject>(DEPLOYMENT, 'worker', 'default');
    const { replicas: wanted } = (worker?.spec ?? {}) as { replicas?: number };
    const { readyReplicas } = (worker?.status ?? {}) as { readyReplicas?: number };
    return [wanted, readyReplicas];
  };
  await expect.poll(replicas, { timeout: 15_000 }).toEqual([3, 3]);
  value = '9';
  await expect.poll(replicas, { timeout: 15_000 }).toEqual([1, 1]);
  expect([...asked]).toEqual([
    'system:serviceaccount:kube-system:horizontal-pod-autoscaler /apis/external.metrics.k8s.io/v1beta1/namespaces/default/s0-queue scaledobject.keda.sh/name=worker',
  ]);
});
