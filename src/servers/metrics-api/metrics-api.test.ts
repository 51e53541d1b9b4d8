import { Agent, type RequestOptions, request } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createAuthority, createServingCertificate } from '../certificates/index.ts';
import { createExpiringCache } from './expiring-cache.ts';
import {
  type AccessRequest,
  createMetricsApi,
  type DelegatedAuth,
  type MetricAnswer,
  type MetricsApi,
  type User,
} from './index.ts';

const now = Date.now();
const AUTHORITY = createAuthority('serving', now);
const TLS = createServingCertificate(AUTHORITY, ['127.0.0.1'], now);
const PROXY_CA = createAuthority('front-proxy-ca', now);
const CLIENT_CA = createAuthority('client-ca', now);
const PROXY = createServingCertificate(PROXY_CA, ['front-proxy-client'], now);
const GROUP = '/apis/external.metrics.k8s.io/v1beta1';
const HPA_USER = 'system:serviceaccount:kube-system:horizontal-pod-autoscaler';

const running: MetricsApi[] = [];
afterEach(async () => {
  for (const api of running.splice(0)) await api.close(0);
});

interface Options {
  lookup?: (namespace: string, name: string, metric: string) => MetricAnswer | Promise<MetricAnswer>;
  auth?: DelegatedAuth | 'none';
  ready?: () => true | string;
}

async function serve({ lookup, auth = 'none', ready = () => true }: Options = {}) {
  const answer: MetricAnswer = {
    kind: 'value',
    metricName: 's0-queue',
    value: '5500m',
    at: Date.UTC(2026, 0, 1) + 999,
  };
  const api = createMetricsApi({
    lookup: lookup ?? (() => answer),
    auth,
    ready,
    tls: TLS,
    log: silentLogger,
    clock: systemClock,
    version: 'v1.2.3',
  });
  running.push(api);
  const { port } = await api.listen('127.0.0.1', 0);
  const get = (path: string, more: RequestOptions = {}) =>
    new Promise<{ code: number; body: string; type: string; headers: Record<string, unknown> }>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, ca: AUTHORITY.cert, agent: false, ...more };
      const sent = request(options, (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () => {
          const { headers } = response;
          resolve({ code: response.statusCode!, body, type: headers['content-type'] ?? '', headers });
        });
      });
      sent.on('error', reject).end();
    });
  const metric = (name = 's0-queue', selector = 'scaledobject.keda.sh/name=web') =>
    `${GROUP}/namespaces/shop/${name}?labelSelector=${encodeURIComponent(selector)}`;
  return { api, port, get, metric };
}

describe('reading a metric', () => {
  it('answers the list that an HPA reads, with whole seconds', async () => {
    const { get, metric } = await serve();
    const accept = 'application/vnd.kubernetes.protobuf, */*';
    const { code, type, body } = await get(metric(), { headers: { accept } });
    expect([code, type]).toEqual([200, 'application/json']);
    expect(JSON.parse(body)).toEqual({
      kind: 'ExternalMetricValueList',
      apiVersion: 'external.metrics.k8s.io/v1beta1',
      metadata: {},
      items: [{ metricName: 's0-queue', metricLabels: null, timestamp: '2026-01-01T00:00:00Z', value: '5500m' }],
    });
  });

  it('gives the lookup the decoded names', async () => {
    const asked: string[][] = [];
    const { get, metric } = await serve({
      lookup: (...names) => {
        asked.push(names);
        return Promise.resolve({ kind: 'empty' });
      },
    });
    const { body } = await get(metric('s1-a%20b%3D%22c%22', 'scaledobject.keda.sh/name=web,team=a'));
    expect(asked).toEqual([['shop', 'web', 's1-a b="c"']]);
    expect(JSON.parse(body).items).toEqual([]);
  });

  it.each([
    ['no selector', '', /must name the ScaledObject: scaledobject.keda.sh\/name=<name>/],
    ['a selector without the name', 'app=web', /must name the ScaledObject/],
    ['a selector that is not about equality', 'scaledobject.keda.sh/name!=web', /only compare for equality/],
    ['a selector that cannot be read', 'a=b=c', /cannot read the label selector/],
  ])('with %s is a Status 500 that says what to write', async (_name, selector, message) => {
    const { get, metric } = await serve();
    const { code, body } = await get(metric('m', selector));
    expect(code).toBe(500);
    expect(JSON.parse(body)).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      code: 500,
      message: expect.stringMatching(message),
    });
    expect(JSON.parse(body)).not.toHaveProperty('reason');
  });

  it.each<[string, Options['lookup'], string]>([
    ['an error answer', () => ({ kind: 'error', message: 'queue is gone' }), 'queue is gone'],
    [
      'a lookup that throws',
      () => {
        throw new Error('boom');
      },
      'metric m of shop/web: boom',
    ],
    ['a lookup that rejects', () => Promise.reject(new Error('boom')), 'metric m of shop/web: boom'],
  ])('turns %s into a Status 500', async (_name, lookup, message) => {
    const { get, metric } = await serve({ lookup: lookup! });
    const { code, body } = await get(metric('m'));
    expect([code, JSON.parse(body).message]).toEqual([500, message]);
  });

  it.each([
    `${GROUP}/namespaces/shop/`,
    `${GROUP}/namespaces/shop/a/b`,
    `${GROUP}/namespaces//a`,
    `${GROUP}/namespaces/shop/%zz`,
    '/nope',
  ])('knows nothing at %s', async (path) => {
    const { get } = await serve();
    const { code, body } = await get(path);
    expect([code, JSON.parse(body).reason]).toEqual([404, 'NotFound']);
  });

  it('takes no writes', async () => {
    const { get, metric } = await serve();
    expect((await get(metric(), { method: 'POST' })).code).toBe(405);
  });
});

describe('discovery', () => {
  it.each([
    [GROUP, 'APIResourceList'],
    ['/apis', 'APIGroupList'],
    ['/apis/external.metrics.k8s.io', 'APIGroup'],
  ])('%s is an %s', async (path, kind) => {
    const { get } = await serve();
    expect(JSON.parse((await get(path)).body).kind).toBe(kind);
  });

  it('lists exactly one resource', async () => {
    const { get } = await serve();
    expect(JSON.parse((await get(GROUP)).body).resources).toEqual([
      { name: 'externalmetrics', singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] },
    ]);
  });

  it.each(['v2', 'v2beta1'])('speaks aggregated discovery %s to who asks for it', async (version) => {
    const { get } = await serve();
    const accept = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`;
    const { body, type } = await get('/apis', { headers: { accept } });
    expect(type).toBe(`application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`);
    expect(JSON.parse(body)).toMatchObject({
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
    });
  });

  it('serves OpenAPI that refers only to what it defines, and answers 304 to who has it', async () => {
    const { get } = await serve();
    const index = JSON.parse((await get('/openapi/v3')).body).paths['apis/external.metrics.k8s.io/v1beta1'];
    for (const path of ['/openapi/v2', index.serverRelativeURL]) {
      const { body, headers } = await get(path);
      const document = JSON.parse(body);
      const defined = Object.keys(document.definitions ?? document.components.schemas);
      const used = [...body.matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/([^"]+)"/g)].map((m) => m[1]);
      expect(used.length).toBeGreaterThan(0);
      expect(used.every((name) => defined.includes(name!))).toBe(true);
      expect((await get(path, { headers: { 'if-none-match': headers.etag as string } })).code).toBe(304);
    }
  });

  it('tells its version', async () => {
    const { get } = await serve();
    expect(JSON.parse((await get('/version')).body).gitVersion).toBe('v1.2.3');
  });
});

/** Delegation to a cluster that a test describes; counts what it is asked. */
function cluster(rules: { tokens?: Record<string, User>; allow?: (user: User, access: AccessRequest) => boolean }) {
  const asked: string[] = [];
  const auth: DelegatedAuth = {
    requestHeader: () => ({
      clientCa: PROXY_CA.cert,
      allowedNames: ['front-proxy-client'],
      usernameHeaders: ['X-Remote-User'],
      groupHeaders: ['X-Remote-Group'],
      extraHeaderPrefixes: ['X-Remote-Extra-'],
    }),
    clientCa: () => CLIENT_CA.cert,
    async reviewToken(token) {
      asked.push(`token ${token}`);
      return rules.tokens?.[token];
    },
    async reviewAccess(user, access) {
      asked.push(`${user.name} ${access.kind === 'path' ? access.path : `${access.namespace}/${access.resource}`}`);
      return { allowed: rules.allow?.(user, access) ?? false, reason: 'no rule' };
    },
  };
  return { auth, asked };
}

describe('who may read', () => {
  const asHpa = { ...PROXY, headers: { 'x-remote-user': HPA_USER, 'x-remote-group': 'system:authenticated' } };

  it('lets a user of the front proxy pass who may read everything, and asks once for all metrics', async () => {
    const { auth, asked } = cluster({ allow: (user, access) => access.kind === 'resource' && user.name === HPA_USER });
    const { get, metric } = await serve({ auth });
    for (let i = 0; i < 20; i++) expect((await get(metric(`s${i}-m`), asHpa)).code).toBe(200);
    expect(asked).toEqual([`${HPA_USER} /*`]);
  });

  it('asks for the very metric when the user may not read everything', async () => {
    const { auth, asked } = cluster({
      allow: (_user, access) => access.kind === 'resource' && access.resource === 'mine' && access.namespace === 'shop',
    });
    const { get, metric } = await serve({ auth });
    expect((await get(metric('mine'), asHpa)).code).toBe(200);
    const { code, body } = await get(metric('other'), asHpa);
    expect([code, JSON.parse(body).message]).toEqual([
      403,
      `User "${HPA_USER}" cannot get metric "other" in API group "external.metrics.k8s.io" in the namespace "shop": no rule`,
    ]);
    expect(asked).toEqual([`${HPA_USER} /*`, `${HPA_USER} shop/mine`, `${HPA_USER} shop/other`]);
  });

  it('gives the review the groups and the extra fields', async () => {
    const users: User[] = [];
    const { auth } = cluster({ allow: (user) => users.push(user) > 0 });
    const { get, metric } = await serve({ auth });
    const headers = {
      'x-remote-user': 'bob',
      'x-remote-group': ['a', 'b'],
      'x-remote-extra-scopes%2fx': ['y'],
      'x-remote-uid': '7',
    };
    await get(metric(), { ...PROXY, headers });
    expect(users).toEqual([{ name: 'bob', uid: '7', groups: ['a', 'b'], extra: { 'scopes/x': ['y'] } }]);
  });

  it('tells users apart who come over one connection', async () => {
    const { auth, asked } = cluster({ allow: (user) => user.name === 'alice' });
    const { get, metric } = await serve({ auth });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const as = async (headers: Record<string, string>) => (await get(metric(), { ...PROXY, agent, headers })).code;
    const alice = { 'x-remote-user': 'alice', 'x-remote-group': 'a' };
    expect(await as(alice)).toBe(200);
    expect(await as({ 'x-remote-user': 'bob', 'x-remote-group': 'a' })).toBe(403);
    expect(await as(alice)).toBe(200);
    expect(await as({ 'x-remote-user': 'alice', 'x-remote-group': 'b' })).toBe(200);
    expect(await as({})).toBe(401);
    expect(asked.filter((line) => line === 'alice /*')).toHaveLength(2);
    agent.destroy();
  });

  it('always lets system:masters pass, without asking', async () => {
    const { auth, asked } = cluster({});
    const { get, metric } = await serve({ auth });
    const headers = { 'x-remote-user': 'system:kube-aggregator', 'x-remote-group': 'system:masters' };
    expect((await get(metric(), { ...PROXY, headers })).code).toBe(200);
    expect((await get(GROUP, { ...PROXY, headers })).code).toBe(200);
    expect(asked).toEqual([]);
  });

  const stranger = createServingCertificate(createAuthority('front-proxy-ca', now), ['front-proxy-client'], now);
  const wrongName = createServingCertificate(PROXY_CA, ['somebody'], now);
  it.each([
    ['no certificate', {}],
    ['a certificate of an authority that only has the same name', stranger],
    ['a certificate with another name', wrongName],
    ['a certificate of the client authority', createServingCertificate(CLIENT_CA, ['front-proxy-client'], now)],
  ])('does not believe the headers of who comes with %s', async (_name, tls) => {
    const { auth } = cluster({ allow: (user) => user.name === HPA_USER });
    const { get, metric } = await serve({ auth });
    const { code } = await get(metric(), { ...asHpa, cert: undefined, key: undefined, ...tls } as RequestOptions);
    expect([401, 403]).toContain(code);
  });

  it('knows a client certificate and a bearer token, and asks about a token once', async () => {
    const bob: User = { name: 'bob', uid: '1', groups: [], extra: {} };
    const { auth, asked } = cluster({ tokens: { good: bob }, allow: (user) => ['bob', 'alice'].includes(user.name) });
    const { get, metric } = await serve({ auth });
    const withToken = (token: string) => get(metric(), { headers: { authorization: `Bearer ${token}` } });
    expect((await withToken('good')).code).toBe(200);
    expect((await withToken('good')).code).toBe(200);
    expect((await withToken('bad')).code).toBe(401);
    expect(asked.filter((line) => line.startsWith('token'))).toEqual(['token good', 'token bad']);
    expect((await get(metric(), createServingCertificate(CLIENT_CA, ['alice'], now))).code).toBe(200);
  });

  it('answers 500 when it cannot ask', async () => {
    const { auth } = cluster({});
    const { get, metric } = await serve({ auth: { ...auth, reviewAccess: () => Promise.reject(new Error('away')) } });
    const { code, body } = await get(metric(), asHpa);
    expect([code, JSON.parse(body).message]).toEqual([500, 'away']);
  });

  it('needs nobody for health, which is honest about readiness', async () => {
    let state: true | string = 'samples are not there yet';
    const { auth } = cluster({});
    const { get } = await serve({ auth, ready: () => state });
    for (const path of ['/healthz', '/livez']) expect((await get(path)).code).toBe(200);
    expect(await get('/readyz')).toMatchObject({ code: 500, body: 'not ready: samples are not there yet\n' });
    state = true;
    expect((await get('/readyz')).code).toBe(200);
    expect((await get('/version')).code).toBe(401);
  });
});

describe('the server', () => {
  it('says which port is taken', async () => {
    const { port } = await serve();
    const second = createMetricsApi({
      lookup: () => ({ kind: 'empty' }),
      auth: 'none',
      ready: () => true,
      tls: TLS,
      log: silentLogger,
      clock: systemClock,
    });
    await expect(second.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'PortInUse' });
  });

  it('takes a new certificate for new connections', async () => {
    const { api, get } = await serve();
    const other = createAuthority('other', now);
    api.setTls(createServingCertificate(other, ['127.0.0.1'], now));
    await expect(get('/healthz')).rejects.toThrow();
    expect((await get('/healthz', { ca: other.cert })).code).toBe(200);
  });

  it('lets a running request finish when it closes', async () => {
    let answer: (value: MetricAnswer) => void = () => {};
    const asked = Promise.withResolvers<void>();
    const { api, get, metric } = await serve({
      lookup: () => {
        asked.resolve();
        return new Promise((resolve) => (answer = resolve));
      },
    });
    const reply = get(metric());
    await asked.promise;
    const closed = api.close(10_000);
    answer({ kind: 'empty' });
    expect((await reply).code).toBe(200);
    await closed;
    await expect(get('/healthz')).rejects.toThrow();
  });
});

describe('the memory of verdicts', () => {
  const setup = (limit = 100) => {
    const clock = createFakeClock();
    const cache = createExpiringCache<number>({ clock, ttlMs: 10_000, limit });
    let asked = 0;
    return { clock, cache, asked: () => asked, load: async () => ++asked };
  };

  it('asks once for questions that come together and keeps the answer for its time', async () => {
    const { clock, cache, load } = setup();
    expect(await Promise.all([cache.get('a', load), cache.get('a', load)])).toEqual([1, 1]);
    await clock.advance(4_999);
    expect(cache.get('a', load)).toBe(1);
    await clock.advance(5_001);
    expect(await cache.get('a', load)).toBe(2);
  });

  it('renews what is in use before its time is over, so nobody waits', async () => {
    const { clock, cache, asked, load } = setup();
    await cache.get('a', load);
    for (let i = 0; i < 20; i++) {
      await clock.advance(3_000);
      expect(cache.get('a', load)).toBeTypeOf('number');
    }
    expect(asked()).toBeLessThanOrEqual(11);
  });

  it('never gives an answer past its time, even when no new one can be had', async () => {
    const { clock, cache, load } = setup();
    const fail = () => Promise.reject(new Error('away'));
    await cache.get('a', load);
    await clock.advance(6_000);
    expect(cache.get('a', fail)).toBe(1);
    await clock.advance(4_000);
    await expect(cache.get('a', fail)).rejects.toThrow('away');
  });

  it('stays within its limit', async () => {
    const { cache, load } = setup(10);
    for (let i = 0; i < 50; i++) await cache.get(`k${i}`, load);
    expect(cache.size()).toBe(10);
  });
});
