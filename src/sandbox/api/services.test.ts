import { beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createCluster } from '../index.ts';
import type { ClusterApi } from '../types.ts';
import type { Core } from './core.ts';
import { resolveService } from './services.ts';

const type = (plural: string, kind: string) => ({ group: '', version: 'v1', plural, kind, namespaced: true });
const SERVICE = type('services', 'Service');
const POD = type('pods', 'Pod');

let core: Core;
let api: ClusterApi;
beforeEach(async () => {
  ({ core, api } = await createCluster({ clock: systemClock, log: silentLogger }));
});

const service = (spec: object) => api.create(SERVICE, { metadata: { name: 's' }, spec }, 'default');
const resolved = () => resolveService(core, 'default', 's', 443);

it('goes to the external name, on the target port if one is said', async () => {
  await service({ type: 'ExternalName', externalName: 'localhost', ports: [{ port: 443, targetPort: 6443 }] });
  expect(resolved()).toEqual({ host: 'localhost', port: 6443, serverName: 's.default.svc' });
});

it('goes to a ready pod of the selector, on the port of that name', async () => {
  await service({ selector: { app: 'x' }, ports: [{ port: 443, targetPort: 'https' }] });
  expect(resolved).toThrow('service "default/s": no endpoints available for port 443');
  const containers = [{ name: 'c', image: 'i', ports: [{ name: 'https', containerPort: 8443 }] }];
  await api.create(POD, { metadata: { name: 'p', labels: { app: 'x' } }, spec: { containers } }, 'default');
  expect(resolved).toThrow('no endpoints available');
  const status = { podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] };
  await api.patch(POD, 'p', 'default', { type: 'merge', patch: { status } }, 'status');
  expect(resolved()).toEqual({ host: '127.0.0.1', port: 8443, serverName: 's.default.svc' });
});

it('says what is missing', async () => {
  expect(resolved).toThrow('service "default/s": not found');
  await service({ ports: [{ port: 80 }] });
  expect(resolved).toThrow('service "default/s": has no port 443');
});
