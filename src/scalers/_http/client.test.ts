import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { answerJson, startHttpServer, type TestHttpServer } from '../../../test/support/http-server.ts';
import { scalerDeps } from '../../../test/support/scaler-deps.ts';
import { type KeyPair, makeCertificate } from '../../sandbox/api/security/certificates.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from './client.ts';
import { retryAfterMs } from './errors.ts';
import { openPools } from './pools.ts';
import { proxyFor } from './proxy.ts';

const signal = new AbortController().signal;
const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const run of cleanUp.splice(0).reverse()) await run();
});

async function serve(...parameters: Parameters<typeof startHttpServer>): Promise<TestHttpServer> {
  const server = await startHttpServer(...parameters);
  cleanUp.push(() => server.stop());
  return server;
}

function client(options: Partial<HttpClientOptions> = {}): HttpClient {
  const made = createHttpClient({ deps: scalerDeps(), ...options });
  cleanUp.push(() => made.close());
  return made;
}

describe('redirects', () => {
  it('takes the credential along on the same origin only', async () => {
    const other = await serve((_, response) => answerJson(response, 'there'));
    const server = await serve((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: `${other.url}/landed` }).end();
      else if (request.url === '/here') response.writeHead(307, { location: '/landed' }).end();
      else answerJson(response, 'here');
    });
    const http = client();
    const request = { headers: { accept: 'text/plain' }, authHeaders: { 'x-api-key': 'secret' } };

    expect((await http.send({ url: `${server.url}/here`, ...request }, signal)).body).toBe('"here"');
    expect(server.requests.at(-1)?.headers).toMatchObject({ 'x-api-key': 'secret', accept: 'text/plain' });

    expect((await http.send({ url: `${server.url}/away`, ...request }, signal)).body).toBe('"there"');
    expect(other.requests[0]?.headers).toMatchObject({ accept: 'text/plain' });
    expect(other.requests[0]?.headers).not.toHaveProperty('x-api-key');
  });

  it('asks with GET after a POST was answered by 303, and repeats it after 308', async () => {
    const server = await serve((request, response) => {
      const status = request.url === '/see' ? 303 : 308;
      if (request.url === '/end') response.end();
      else response.writeHead(status, { location: '/end' }).end();
    });
    const http = client();
    for (const path of ['/see', '/again'])
      await http.send({ url: `${server.url}${path}`, method: 'POST', body: 'text' }, signal);
    expect(server.requests.filter(({ url }) => url === '/end').map(({ method, body }) => [method, body])).toEqual([
      ['GET', ''],
      ['POST', 'text'],
    ]);
  });

  it('ends a circle', async () => {
    const server = await serve((_, response) => void response.writeHead(302, { location: '/' }).end());
    await expect(client().send({ url: server.url }, signal)).rejects.toThrow('redirected more than 10 times');
    expect(server.requests).toHaveLength(11);
  });
});

describe('connections', () => {
  it('are shared by clients that ask one host, and closed with the last of them', async () => {
    const server = await serve((_, response) => answerJson(response, 1));
    const before = openPools();
    const many = Array.from({ length: 50 }, () => client());
    for (const http of many) await http.send({ url: server.url }, signal);
    expect(openPools()).toBe(before + 1);
    // A connection is free again a moment after its answer was read, so a second one may have been opened.
    expect(server.connections()).toBeLessThanOrEqual(3);
    await Promise.all(many.map((http) => http.close()));
    expect(openPools()).toBe(before);
  });

  it('that the server closed while idle are no failure', async () => {
    const server = await serve((_, response) => answerJson(response, 1));
    const http = client();
    await http.send({ url: server.url }, signal);
    server.cut();
    expect((await http.send({ url: server.url }, signal)).status).toBe(200);
  });

  it('are not kept when the operator says so', async () => {
    const server = await serve((request, response) => answerJson(response, request.headers.connection));
    const { http } = scalerDeps();
    const answer = await client({ deps: scalerDeps({ http: { ...http, keepAlive: false } }) }).send(
      { url: server.url },
      signal,
    );
    expect(answer.body).toBe('"close"');
  });

  it('that are refused say so', async () => {
    const server = await startHttpServer(() => {});
    await server.stop();
    await expect(client().send({ url: `${server.url}/?key=secret` }, signal)).rejects.toMatchObject({
      code: 'SourceUnavailable',
      message: `GET ${server.url}/ failed: ECONNREFUSED`,
    });
  });
});

it('counts each request, also those of redirects and those without an answer', async () => {
  const server = await serve((request, response) => {
    if (request.url === '/lost') response.destroy();
    else if (request.url === '/from') response.writeHead(302, { location: '/to' }).end();
    else answerJson(response, 1);
  });
  const seen: (number | undefined)[] = [];
  const observe = { request: ({ statusCode }: { statusCode: number | undefined }) => seen.push(statusCode) };
  const http = client({ deps: scalerDeps({ observe: { ...observe, emptyResponse: () => {} } }) });
  await http.send({ url: `${server.url}/from` }, signal);
  await expect(http.send({ url: `${server.url}/lost`, method: 'POST' }, signal)).rejects.toThrow('failed');
  expect(seen).toEqual([302, 200, undefined]);
});

it('refuses an answer that is far too long', async () => {
  const server = await serve((_, response) => {
    const chunk = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 20; i++) response.write(chunk);
    response.end();
  });
  await expect(client().send({ url: server.url }, signal)).rejects.toMatchObject({ code: 'SourceAnswerInvalid' });
});

it('turns user and password in an address into basic authentication, and shows neither', async () => {
  const server = await serve((_, response) => void response.destroy());
  const url = server.url.replace('http://', 'http://me:s3cr%3At@');
  await expect(client().send({ url }, signal)).rejects.toThrow(`GET ${server.url}/ failed`);
  expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:s3cr:t').toString('base64')}`);
});

describe('TLS', () => {
  const now = Date.now();
  const authority = makeCertificate({ commonName: 'authority', usage: 'ca', now });
  const issue = (usage: 'server' | 'client'): KeyPair =>
    makeCertificate({ commonName: usage, hosts: ['127.0.0.1'], usage, issuer: authority, now });
  const tls = issue('server');

  it('trusts the authority it is given, beside those of the operator', async () => {
    const server = await serve((_, response) => answerJson(response, 1), { tls });
    await expect(client().send({ url: server.url }, signal)).rejects.toMatchObject({
      code: 'SourceUnavailable',
      hint: 'give the certificate authority as ca, or set unsafeSsl for a test',
    });
    const { http } = scalerDeps();
    for (const trusting of [
      client({ tls: { ca: authority.cert } }),
      client({ tls: { unsafeSsl: true } }),
      client({ deps: scalerDeps({ http: { ...http, extraCa: [authority.cert] } }) }),
    ])
      expect((await trusting.send({ url: server.url }, signal)).status).toBe(200);
  });

  it('shows its own certificate', async () => {
    const server = await serve((_, response) => answerJson(response, 1), {
      tls: { ...tls, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    });
    const http = client({ tls: { ca: authority.cert, ...issue('client') } });
    expect((await http.send({ url: server.url }, signal)).status).toBe(200);
    await expect(client({ tls: { ca: authority.cert } }).send({ url: server.url }, signal)).rejects.toMatchObject({
      code: 'SourceUnavailable',
    });
  });

  it.each([
    ['a key of another certificate', { cert: issue('client').cert, key: issue('client').key }],
    ['no certificate at all', { cert: 'cert', key: 'key' }],
    ['an authority that is none', { ca: 'authority' }],
  ])('says that the material is unusable: %s', async (_, material) => {
    await expect(client({ tls: material }).send({ url: 'https://127.0.0.1:1/' }, signal)).rejects.toMatchObject({
      code: 'InvalidTrigger',
    });
  });
});

describe('proxies', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['http://orders.shop/', { HTTP_PROXY: 'http://p:3128' }, 'http://p:3128'],
    ['http://orders.shop/', { http_proxy: 'p:3128' }, 'http://p:3128'],
    ['https://orders.shop/', { HTTP_PROXY: 'http://p:3128' }, undefined],
    ['https://orders.shop/', { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128'],
    ['http://localhost/', { HTTP_PROXY: 'http://p:3128' }, undefined],
    ['http://127.0.0.5/', { HTTP_PROXY: 'http://p:3128' }, undefined],
    ['http://orders.shop/', { HTTP_PROXY: 'p', NO_PROXY: 'a, shop' }, undefined],
    ['http://workshop/', { HTTP_PROXY: 'p', NO_PROXY: 'shop' }, 'http://p'],
    ['http://orders.shop/', { HTTP_PROXY: 'p', NO_PROXY: '.shop' }, undefined],
    ['http://shop/', { HTTP_PROXY: 'p', NO_PROXY: '.shop' }, 'http://p'],
    ['http://orders.shop:81/', { HTTP_PROXY: 'p', NO_PROXY: 'orders.shop:80' }, 'http://p'],
    ['http://orders.shop/', { HTTP_PROXY: 'p', NO_PROXY: 'orders.shop:80' }, undefined],
    ['http://10.1.2.3/', { HTTP_PROXY: 'p', NO_PROXY: '10.0.0.0/8' }, undefined],
    ['http://11.1.2.3/', { HTTP_PROXY: 'p', NO_PROXY: '10.0.0.0/8' }, 'http://p'],
    ['http://orders.shop/', { HTTP_PROXY: 'p', NO_PROXY: '*' }, undefined],
  ])('%s with %j goes through %s', (url, env, expected) => {
    expect(proxyFor(new URL(url), env)).toBe(expected);
  });

  it('are used', async () => {
    const server = await serve((request, response) => answerJson(response, request.url));
    const tunnels: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.url ?? '');
      const upstream = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    proxy.on('request', (request, response) => {
      tunnels.push(new URL(request.url ?? '').host);
      answerJson(response, new URL(request.url ?? '').pathname);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    cleanUp.push(() => new Promise((resolve) => proxy.close(resolve)));
    const env = { HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    const http = createHttpClient({ deps: scalerDeps({ env }) });
    const answer = await http.send({ url: 'http://orders.example:80/path' }, signal);
    expect(answer.body).toBe('"/path"');
    expect(tunnels[0]).toMatch(/^orders\.example/);
    await http.close();
  });
});

it.each([
  ['7', 7_000],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('reads Retry-After %s', (header, expected) => {
  expect(retryAfterMs(header, Date.UTC(2026, 0, 1))).toBe(expected);
});
