import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Agent, fetch } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { ResourceType } from '../../base/object.ts';
import { type Sandbox, startSandbox } from '../index.ts';
import type { AnyObject } from '../types.ts';
import { makeCertificate } from './security/certificates.ts';

const type = (group: string, plural: string, kind: string, namespaced = true): ResourceType => ({
  group,
  version: 'v1',
  plural,
  kind,
  namespaced,
});
const SERVICE = type('', 'services', 'Service');
const ENDPOINTS = type('', 'endpoints', 'Endpoints');
const CONFIG_MAP = type('', 'configmaps', 'ConfigMap');
const API_SERVICE = type('apiregistration.k8s.io', 'apiservices', 'APIService', false);
const VALIDATING = type(
  'admissionregistration.k8s.io',
  'validatingwebhookconfigurations',
  'ValidatingWebhookConfiguration',
  false,
);
const MUTATING = type(
  'admissionregistration.k8s.io',
  'mutatingwebhookconfigurations',
  'MutatingWebhookConfiguration',
  false,
);

const ca = makeCertificate({ commonName: 'extension-ca', usage: 'ca', now: Date.now() });
const serving = makeCertificate({
  commonName: 'extension',
  hosts: ['extension.default.svc'],
  usage: 'server',
  issuer: ca,
  now: Date.now(),
});
const caBundle = Buffer.from(ca.cert).toString('base64');

let sandbox: Sandbox;
let extension: Server;
let agent: Agent;
/** What the extension server answers. */
let answer: (path: string, body: string, socket: TLSSocket, headers: Record<string, unknown>) => object;

beforeEach(async () => {
  sandbox = await startSandbox({ clock: systemClock, log: silentLogger, controllers: false });
  agent = new Agent({ connect: { ca: sandbox.ca ?? '' } });
  const trust = sandbox.api.get<AnyObject>(CONFIG_MAP, 'extension-apiserver-authentication', 'kube-system');
  const { 'requestheader-client-ca-file': clientCa = '' } = (trust?.data ?? {}) as Record<string, string>;
  const options = { ...serving, ca: clientCa, requestCert: true, rejectUnauthorized: false };
  extension = createServer(options, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const path = request.url ?? '';
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer(path, body, request.socket as TLSSocket, request.headers)));
  });
  await new Promise<void>((resolve) => extension.listen(0, '127.0.0.1', resolve));
  const { port } = extension.address() as AddressInfo;
  const ports = [{ name: 'https', port: 443, targetPort: port }];
  await sandbox.api.create(SERVICE, { metadata: { name: 'extension' }, spec: { ports } }, 'default');
  const subsets = [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ name: 'https', port }] }];
  await sandbox.api.create(ENDPOINTS, { metadata: { name: 'extension' }, subsets }, 'default');
});
afterEach(async () => {
  await agent.close();
  await sandbox.stop();
  extension.closeAllConnections();
  await new Promise((resolve) => extension.close(resolve));
});

async function call(
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: AnyObject; warning: string | null }> {
  const response = await fetch(`${sandbox.url}${path}`, {
    method,
    dispatcher: agent,
    headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return {
    status: response.status,
    body: (await response.json()) as AnyObject,
    warning: response.headers.get('warning'),
  };
}

describe('an APIService', () => {
  const service = {
    metadata: { name: 'v1.ext.dev' },
    spec: {
      group: 'ext.dev',
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { namespace: 'default', name: 'extension', port: 443 },
      caBundle,
    },
  };
  const available = () => {
    const status = sandbox.api.get<AnyObject>(API_SERVICE, 'v1.ext.dev')?.status as
      | { conditions?: object[] }
      | undefined;
    return status?.conditions?.[0];
  };

  it('is found available, discovered, and gets requests with the caller’s name', async () => {
    const resources = [{ name: 'things', singularName: 'thing', namespaced: true, kind: 'Thing', verbs: ['get'] }];
    answer = (path, _body, socket, headers) =>
      path === '/apis/ext.dev/v1'
        ? { kind: 'APIResourceList', groupVersion: 'ext.dev/v1', resources }
        : {
            path,
            trusted: socket.authorized,
            client: socket.getPeerCertificate().subject?.CN,
            user: headers['x-remote-user'],
            token: headers.authorization,
          };
    await sandbox.api.create(API_SERVICE, service);
    await expect.poll(available).toMatchObject({ type: 'Available', status: 'True', reason: 'Passed' });
    const got = await call('GET', '/apis/ext.dev/v1/namespaces/default/things/t?x=1');
    expect(got.body).toEqual({
      path: '/apis/ext.dev/v1/namespaces/default/things/t?x=1',
      trusted: true,
      client: 'front-proxy-client',
      user: 'kubernetes-admin',
    });
    const groups = (await call('GET', '/apis')).body.groups as { name: string }[];
    expect(groups.map((group) => group.name)).toContain('ext.dev');
  });

  it('is unavailable while its server cannot be trusted', async () => {
    answer = () => ({});
    const spec = { ...service.spec, caBundle: Buffer.from(sandbox.ca ?? '').toString('base64') };
    await sandbox.api.create(API_SERVICE, { ...service, spec });
    await expect.poll(available).toMatchObject({ status: 'False', reason: 'FailedDiscoveryCheck' });
    const got = await fetch(`${sandbox.url}/apis/ext.dev/v1/things`, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${sandbox.token}` },
    });
    expect(got.status).toBe(503);
    expect(await got.text()).toMatch(/error trying to reach service/);
  });
});

describe('admission webhooks', () => {
  const clientConfig = { service: { namespace: 'default', name: 'extension', path: '/hook' }, caBundle };
  const rules = [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] },
  ];
  const hook = (fields: object = {}) => ({
    metadata: { name: 'hooks' },
    webhooks: [
      {
        name: 'h.ext.dev',
        clientConfig,
        rules,
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Fail',
        ...fields,
      },
    ],
  });
  const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
  const create = (name: string) => call('POST', '/api/v1/namespaces/default/configmaps', configMap(name));
  interface Review {
    request: {
      uid: string;
      operation: string;
      userInfo: object;
      object: AnyObject | null;
      oldObject: AnyObject | null;
    };
  }
  const reply = (respond: (request: Review['request']) => object) => {
    answer = (_path, body) => {
      const { request } = JSON.parse(body) as Review;
      return {
        kind: 'AdmissionReview',
        apiVersion: 'admission.k8s.io/v1',
        response: { uid: request.uid, ...respond(request) },
      };
    };
  };

  it('see the request, warn and refuse', async () => {
    const seen: unknown[] = [];
    reply(({ operation, object, oldObject, userInfo }) => {
      seen.push([operation, object?.metadata.name, oldObject?.metadata.name, userInfo]);
      return { allowed: object?.metadata.name !== 'bad', warnings: ['look out'], status: { message: 'no bad ones' } };
    });
    await sandbox.api.create(VALIDATING, hook());
    const good = await create('good');
    expect(good).toMatchObject({ status: 201, warning: '299 - "look out"' });
    expect(await create('bad')).toMatchObject({
      status: 403,
      body: { reason: 'Forbidden', message: 'admission webhook "h.ext.dev" denied the request: no bad ones' },
    });
    await call('DELETE', '/api/v1/namespaces/default/configmaps/good');
    const admin = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
    expect(seen).toEqual([
      ['CREATE', 'good', undefined, admin],
      ['CREATE', 'bad', undefined, admin],
      ['DELETE', undefined, 'good', admin],
    ]);
  });

  it('change objects', async () => {
    const patch = [{ op: 'add', path: '/data', value: { from: 'hook' } }];
    const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
    reply(() => ({ allowed: true, patchType: 'JSONPatch', patch: encoded }));
    await sandbox.api.create(MUTATING, hook());
    expect((await create('changed')).body).toMatchObject({ data: { from: 'hook' } });
  });

  it.each([
    ['Fail', 500],
    ['Ignore', 201],
  ])('that answer nonsense, with failurePolicy %s, lead to %i', async (failurePolicy, status) => {
    answer = () => ({});
    await sandbox.api.create(VALIDATING, hook({ failurePolicy }));
    const made = await create('any');
    expect(made.status).toBe(status);
    if (status === 500) expect(made.body.message).toMatch(/failed calling webhook "h.ext.dev"/);
  });

  it('are asked only about what their selectors choose', async () => {
    reply(() => ({ allowed: false }));
    await sandbox.api.create(VALIDATING, hook({ objectSelector: { matchLabels: { checked: 'yes' } } }));
    expect((await create('unchecked')).status).toBe(201);
    const name = { matchLabels: { 'kubernetes.io/metadata.name': 'elsewhere' } };
    await sandbox.api.patch(VALIDATING, 'hooks', undefined, {
      type: 'merge',
      patch: { webhooks: hook({ namespaceSelector: name }).webhooks },
    });
    expect((await create('here')).status).toBe(201);
    await sandbox.api.patch(VALIDATING, 'hooks', undefined, { type: 'merge', patch: { webhooks: hook().webhooks } });
    expect((await create('now')).status).toBe(403);
  });
});
