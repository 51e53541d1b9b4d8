import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import {
  answerJson,
  type ReceivedRequest,
  startHttpServer,
  type TestHttpServer,
} from '../../test/support/http-server.ts';
import { systemClock } from '../base/clock.ts';
import { isTerminal } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import type { KubeObject, ResourceType } from '../base/object.ts';
import { type ClientOptions, createKubeClient, type KubeClient } from './client.ts';
import type { KubeUser } from './config.ts';
import { isAlreadyExists, isConflict, isForbidden, isGone, isNotFound, statusOf } from './status.ts';

const PODS: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
const DEPLOYMENTS: ResourceType = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
};

const open: { close(): Promise<void> }[] = [];
const servers: TestHttpServer[] = [];
afterEach(async () => {
  for (const client of open.splice(0)) await client.close();
  for (const server of servers.splice(0)) await server.stop();
});

async function setUp(
  handle: (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>,
  options: Partial<ClientOptions> & { path?: string; user?: KubeUser } = {},
): Promise<{ server: TestHttpServer; client: KubeClient }> {
  const server = await startHttpServer(handle);
  servers.push(server);
  const client = createKubeClient(
    {
      server: server.url + (options.path ?? ''),
      namespace: 'default',
      source: 'the test',
      insecureSkipTlsVerify: false,
      user: options.user ?? {},
    },
    { log: silentLogger, clock: systemClock, random: () => 0, ...options },
  );
  open.push(client);
  return { server, client };
}

const status = (code: number, reason: string, message = 'no', details = {}) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
  details,
});
const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' } });

describe('requests', () => {
  it.each<[string, (client: KubeClient) => Promise<unknown>, string, string]>([
    ['get', (c) => c.get(PODS, 'a', { namespace: 'shop' }), 'GET', '/api/v1/namespaces/shop/pods/a'],
    [
      'get scale',
      (c) => c.get(DEPLOYMENTS, 'web', { namespace: 'shop', subresource: 'scale' }),
      'GET',
      '/apis/apps/v1/namespaces/shop/deployments/web/scale',
    ],
    ['list all namespaces', (c) => c.list(PODS), 'GET', '/api/v1/pods'],
    [
      'list',
      (c) => c.list(PODS, { namespace: 'shop', labelSelector: 'a=b', limit: 5, resourceVersion: '0' }),
      'GET',
      '/api/v1/namespaces/shop/pods?labelSelector=a%3Db&limit=5&resourceVersion=0',
    ],
    ['create', (c) => c.create(PODS, pod('a')), 'POST', '/api/v1/namespaces/shop/pods?fieldManager=windlass'],
    [
      'create, dry run',
      (c) => c.create(PODS, pod('a'), { dryRun: true, fieldManager: 'me' }),
      'POST',
      '/api/v1/namespaces/shop/pods?fieldManager=me&dryRun=All',
    ],
    [
      'replace the status',
      (c) => c.replace(PODS, pod('a'), { subresource: 'status' }),
      'PUT',
      '/api/v1/namespaces/shop/pods/a/status?fieldManager=windlass',
    ],
    [
      'apply',
      (c) => c.patch(PODS, 'a', {}, { namespace: 'shop', type: 'apply', force: true }),
      'PATCH',
      '/api/v1/namespaces/shop/pods/a?fieldManager=windlass&force=true',
    ],
    ['delete', (c) => c.delete(PODS, 'a', { namespace: 'shop' }), 'DELETE', '/api/v1/namespaces/shop/pods/a'],
    [
      'delete many',
      (c) => c.deleteCollection(PODS, { namespace: 'shop', labelSelector: 'x' }),
      'DELETE',
      '/api/v1/namespaces/shop/pods?labelSelector=x',
    ],
    [
      'token',
      (c) => c.createToken('bot', { namespace: 'shop', audiences: ['vault'], expirationSeconds: 600 }),
      'POST',
      '/api/v1/namespaces/shop/serviceaccounts/bot/token',
    ],
  ])('%s asks for the right path', async (_, act, method, url) => {
    const { server, client } = await setUp((_, response) => answerJson(response, { items: [], status: {} }));
    await act(client);
    expect(server.requests).toMatchObject([{ method, url }]);
  });

  it('keeps a path in front of the API, as Rancher and proxies have one', async () => {
    const { server, client } = await setUp((_, response) => answerJson(response, pod('a')), { path: '/k8s/c1' });
    await client.get(PODS, 'a', { namespace: 'shop' });
    expect(server.requests[0]?.url).toBe('/k8s/c1/api/v1/namespaces/shop/pods/a');
  });

  it.each([
    ['merge', 'application/merge-patch+json'],
    ['json', 'application/json-patch+json'],
    ['apply', 'application/apply-patch+yaml'],
    ['strategic', 'application/strategic-merge-patch+json'],
  ] as const)('a %s patch has the content type %s', async (type, contentType) => {
    const { server, client } = await setUp((_, response) => answerJson(response, pod('a')));
    await client.patch(PODS, 'a', { metadata: {} }, { namespace: 'shop', type });
    expect(server.requests[0]).toMatchObject({ body: '{"metadata":{}}', headers: { 'content-type': contentType } });
  });

  it('refuses to address a whole collection by an empty name or without a namespace', async () => {
    const { server, client } = await setUp((_, response) => answerJson(response, {}));
    await expect(client.delete(PODS, '', { namespace: 'shop' })).rejects.toThrow('a Pod needs a name');
    await expect(client.delete(PODS, 'a')).rejects.toThrow('a Pod needs a namespace');
    await expect(client.deleteCollection(PODS)).rejects.toThrow('a Pod needs a namespace');
    expect(server.requests).toEqual([]);
  });

  it('reads lists page by page and gives items their type', async () => {
    const { server, client } = await setUp(({ url }, response) => {
      const second = url.includes('continue=next');
      answerJson(response, {
        metadata: { resourceVersion: '7', continue: second ? '' : 'next' },
        items: [{ metadata: { name: second ? 'b' : 'a' } }],
      });
    });
    const all = await client.listAll<KubeObject>(PODS);
    expect(all).toEqual([
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b' } },
    ]);
    expect(server.requests.map(({ url }) => url)).toEqual([
      '/api/v1/pods?limit=500',
      '/api/v1/pods?limit=500&continue=next',
    ]);
  });
});

describe('refusals', () => {
  it.each([
    [404, 'NotFound', isNotFound, 'KubernetesRefused', true],
    [403, 'Forbidden', isForbidden, 'KubernetesRefused', true],
    [409, 'AlreadyExists', isAlreadyExists, 'KubernetesRefused', true],
    [409, 'Conflict', isConflict, 'KubernetesConflict', false],
    [410, 'Expired', isGone, 'KubernetesUnavailable', false],
    [422, 'Invalid', (e: unknown) => statusOf(e)?.code === 422, 'KubernetesRefused', true],
    [500, 'InternalError', (e: unknown) => statusOf(e)?.code === 500, 'KubernetesUnavailable', false],
  ])('%i %s', async (code, reason, is, errorCode, terminal) => {
    const { client } = await setUp((_, response) => answerJson(response, status(code, reason, 'because'), code));
    const error = await client.get(PODS, 'a', { namespace: 'shop' }).catch((e) => e);
    expect(error).toMatchObject({ code: errorCode, message: 'cannot get Pod shop/a: because' });
    expect(is(error)).toBe(true);
    expect(isTerminal(error)).toBe(terminal);
    expect([isNotFound, isAlreadyExists, isConflict, isGone].filter((f) => f(error) && f !== is)).toEqual([]);
  });

  it('tells a missing object from a type that the server does not know', async () => {
    const { client } = await setUp(({ url }, response) =>
      url.includes('/pods/')
        ? answerJson(response, status(404, 'NotFound', 'pods "a" not found'), 404)
        : answerJson(response, status(404, 'NotFound', 'the server could not find the requested resource'), 404),
    );
    expect(await client.find(PODS, 'a', { namespace: 'shop' })).toBeUndefined();
    await expect(client.find(DEPLOYMENTS, 'a', { namespace: 'shop' })).rejects.toThrow('could not find the requested');
  });

  it('quotes an answer that is no Status, shortened', async () => {
    const { client } = await setUp((_, response) => {
      response.writeHead(404, { 'content-type': 'text/html' });
      response.end(`<html>\n<body>${'x'.repeat(500)}`);
    });
    const error = await client.get(PODS, 'a', { namespace: 'shop' }).catch((e) => e);
    expect(error.message).toMatch(/^cannot get Pod shop\/a: <html> <body>x+$/);
    expect(error.message.length).toBeLessThan(250);
  });

  it('says so when the answer is not JSON', async () => {
    const { client } = await setUp((_, response) => void response.end('<html>log in'));
    await expect(client.get(PODS, 'a', { namespace: 'shop' })).rejects.toThrow('the answer is not JSON');
  });
});

describe('retries', () => {
  it.each<[string, number, Record<string, string>, (c: KubeClient) => Promise<unknown>, number]>([
    ['429 of a GET', 429, {}, (c) => c.get(PODS, 'a', { namespace: 'shop' }), 2],
    ['429 of a POST', 429, {}, (c) => c.create(PODS, pod('a')), 2],
    ['503 of a GET', 503, {}, (c) => c.get(PODS, 'a', { namespace: 'shop' }), 2],
    ['503 of a POST', 503, {}, (c) => c.create(PODS, pod('a')), 1],
    ['500 of a GET', 500, {}, (c) => c.get(PODS, 'a', { namespace: 'shop' }), 1],
    ['500 with Retry-After', 500, { 'retry-after': '0' }, (c) => c.get(PODS, 'a', { namespace: 'shop' }), 2],
    ['503 of a JSON patch', 503, {}, (c) => c.patch(PODS, 'a', [], { namespace: 'shop', type: 'json' }), 1],
    ['503 of an apply', 503, {}, (c) => c.patch(PODS, 'a', {}, { namespace: 'shop', type: 'apply' }), 2],
  ])('%s: sent so many times', async (_, code, headers, act, sent) => {
    let first = true;
    const { server, client } = await setUp((_, response) => {
      if (!first) return answerJson(response, pod('a'));
      first = false;
      answerJson(response, status(code, 'x'), code, headers);
    });
    await act(client).catch(() => {});
    expect(server.requests).toHaveLength(sent);
  });

  it('waits as long as Retry-After says', async () => {
    const clock = createFakeClock();
    const { server, client } = await setUp(
      (_, response) => answerJson(response, status(429, 'TooManyRequests'), 429, { 'retry-after': '7' }),
      { clock },
    );
    const failed = client.get(PODS, 'a', { namespace: 'shop' }).catch((e) => e);
    await eventually(() => server.requests.length === 1 && clock.pending() === 2);
    await clock.advance(6_999);
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    await eventually(() => server.requests.length === 2 && clock.pending() === 2);
    // Four tries end at 21 s; a fifth would be at 28 s, a sixth past the deadline of 30 s.
    await clock.advance(7_000);
    await eventually(() => server.requests.length === 3 && clock.pending() === 2);
    await clock.advance(7_000);
    await eventually(() => server.requests.length === 4 && clock.pending() === 2);
    await clock.advance(7_000);
    expect(await failed).toMatchObject({ code: 'KubernetesUnavailable', retryAfter: 7_000 });
    expect(server.requests).toHaveLength(5);
  });

  it('gives up at the deadline when the server does not answer', async () => {
    const clock = createFakeClock();
    const { server, client } = await setUp(() => {}, { clock });
    const failed = client.get(PODS, 'a', { namespace: 'shop', timeoutMs: 2_000 }).catch((e) => e);
    await eventually(() => server.requests.length === 1);
    await clock.advance(2_000);
    expect(await failed).toMatchObject({
      code: 'KubernetesUnavailable',
      message: 'cannot get Pod shop/a: no answer within 2 s',
    });
    await eventually(() => server.connections() === 0);
  });

  it('throws the reason of an aborted signal', async () => {
    const { server, client } = await setUp(() => {});
    const controller = new AbortController();
    const failed = client.get(PODS, 'a', { namespace: 'shop', signal: controller.signal }).catch((e) => e);
    await eventually(() => server.requests.length === 1);
    controller.abort(new Error('leaving'));
    expect(await failed).toEqual(new Error('leaving'));
  });

  it('repeats a read whose connection was cut, not a create', async () => {
    let cut = 0;
    const { server, client } = await setUp((_, response) => {
      if (cut++ === 0) response.destroy();
      else answerJson(response, pod('a'));
    });
    expect(await client.get(PODS, 'a', { namespace: 'shop' })).toEqual(pod('a'));
    cut = 0;
    await expect(client.create(PODS, pod('a'))).rejects.toMatchObject({ code: 'KubernetesUnavailable' });
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
  });

  it('names the API server that cannot be reached', async () => {
    const { server, client } = await setUp(() => {});
    await server.stop();
    await expect(client.get(PODS, 'a', { namespace: 'shop' })).rejects.toMatchObject({
      code: 'KubernetesUnavailable',
      message: expect.stringMatching(/cannot get Pod shop\/a: .*ECONNREFUSED/),
    });
  });

  it('holds to a rate when one is set', async () => {
    const clock = createFakeClock();
    const { server, client } = await setUp((_, response) => answerJson(response, pod('a')), {
      clock,
      rateLimit: { qps: 10, burst: 2 },
    });
    const all = Promise.all([1, 2, 3].map(() => client.get(PODS, 'a', { namespace: 'shop' })));
    await eventually(() => server.requests.length === 2);
    await clock.advance(99);
    expect(server.requests).toHaveLength(2);
    await clock.advance(1);
    await all;
    expect(server.requests).toHaveLength(3);
  });
});

describe('watches', () => {
  const options = { resourceVersion: '5', timeoutSeconds: 60 };
  const line = (type: string, name: string) => `${JSON.stringify({ type, object: pod(name) })}\n`;

  it('yields events as they arrive, however the bytes are cut', async () => {
    const text = Buffer.from(line('ADDED', 'grün') + line('MODIFIED', 'b') + line('DELETED', 'c'));
    const { server, client } = await setUp(async (_, response) => {
      response.writeHead(200);
      for (const byte of text) response.write(Buffer.from([byte]));
      response.end();
    });
    const stream = await client.openWatch<KubeObject>(PODS, { ...options, namespace: 'shop', labelSelector: 'a=b' });
    const seen: string[] = [];
    for await (const event of stream) seen.push(`${event.type} ${(event.object as KubeObject).metadata.name}`);
    expect(seen).toEqual(['ADDED grün', 'MODIFIED b', 'DELETED c']);
    expect(server.requests[0]?.url).toBe(
      '/api/v1/namespaces/shop/pods?watch=true&allowWatchBookmarks=true&resourceVersion=5&labelSelector=a%3Db&timeoutSeconds=60',
    );
  });

  it('throws when the connection breaks, and when told to with an error', async () => {
    const { server, client } = await setUp((_, response) => void response.write(line('ADDED', 'a')));
    const broken = (await client.openWatch(PODS, options))[Symbol.asyncIterator]();
    await broken.next();
    server.cut();
    await expect(broken.next()).rejects.toMatchObject({ code: 'KubernetesUnavailable' });

    const stream = await client.openWatch(PODS, options);
    const closed = stream[Symbol.asyncIterator]();
    await closed.next();
    const next = closed.next();
    stream.close(new Error('too quiet'));
    await expect(next).rejects.toThrow('too quiet');
  });

  it('ends quietly and frees the connection when it is closed', async () => {
    const { server, client } = await setUp((_, response) => void response.write(line('ADDED', 'a')));
    const stream = await client.openWatch(PODS, options);
    const events = stream[Symbol.asyncIterator]();
    await events.next();
    stream.close();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await eventually(() => server.connections() === 0);

    const unread = await client.openWatch(PODS, options);
    unread.close();
    await eventually(() => server.connections() === 0);
  });

  it('never makes a request wait, however many are open', async () => {
    const { server, client } = await setUp(({ url }, response) =>
      url.includes('watch=true') ? void response.write(line('ADDED', 'a')) : answerJson(response, pod('a')),
    );
    const streams = await Promise.all(Array.from({ length: 100 }, () => client.openWatch(PODS, options)));
    expect(await client.get(PODS, 'a', { namespace: 'shop' })).toEqual(pod('a'));
    expect(server.connections()).toBe(101);
    for (const stream of streams) stream.close();
  });

  it('is refused with the Status of the server', async () => {
    const { client } = await setUp((_, response) => answerJson(response, status(410, 'Expired', 'too old'), 410));
    const error = await client.openWatch(PODS, options).catch((e) => e);
    expect(isGone(error)).toBe(true);
    expect(error.message).toBe('cannot watch pods in all namespaces: too old');
  });
});
