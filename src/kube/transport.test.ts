import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer, type Server } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { systemClock } from '../base/clock.ts';
import { WindlassError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import type { ResourceType } from '../base/object.ts';
import { type KeyPair, makeCertificate } from '../sandbox/api/security/certificates.ts';
import { createKubeClient } from './client.ts';
import type { KubeConnection } from './config.ts';

const PODS: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };

const cleanups: (() => unknown)[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-transport-'));
  cleanups.push(() => rm(folder, { recursive: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const now = Date.now();
const authority = makeCertificate({ commonName: 'ca', usage: 'ca', now });
const serverFor = (host: string, issuer = authority) =>
  makeCertificate({ commonName: host, hosts: [host], usage: 'server', issuer, now });
const clientFor = (commonName: string) => makeCertificate({ commonName, usage: 'client', issuer: authority, now });

/** Listens on a free port and counts its connections. */
async function listen(server: Server): Promise<{ port: number; connections(): number }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

/** An API server that answers every request with the name in the client's certificate. */
function startTlsServer({ cert, key }: KeyPair) {
  return listen(
    createServer(
      { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const { subject } = (request.socket as TLSSocket).getPeerCertificate();
        response.end(JSON.stringify({ name: subject?.CN ?? 'nobody' }));
      },
    ),
  );
}

function setUp(port: number, connection: Partial<KubeConnection>) {
  const clock = createFakeClock(now);
  const client = createKubeClient(
    {
      server: `https://127.0.0.1:${port}`,
      namespace: 'default',
      source: 'the test',
      ca: { data: authority.cert },
      insecureSkipTlsVerify: false,
      user: {},
      ...connection,
    },
    { clock, log: silentLogger, random: () => 0 },
  );
  cleanups.push(() => client.close());
  const ask = async () => (await client.get<{ name: string }>(PODS, 'a', { namespace: 'shop' })).name;
  return { ask, clock };
}

describe('connections', () => {
  it('show the client certificate of the kubeconfig', async () => {
    const { port } = await startTlsServer(serverFor('127.0.0.1'));
    const { cert, key } = clientFor('ada');
    const { ask } = setUp(port, { user: { clientCertificate: { data: cert }, clientKey: { data: key } } });
    expect(await ask()).toBe('ada');
    expect(await setUp(port, {}).ask()).toBe('nobody');
  });

  it('are kept and shared by requests', async () => {
    const { port, connections } = await startTlsServer(serverFor('127.0.0.1'));
    const { ask } = setUp(port, {});
    for (let i = 0; i < 20; i++) await ask();
    // undici frees a connection a moment after the answer's end, so that the next request may open a second one.
    expect(connections()).toBeLessThanOrEqual(2);
  });

  it('are made anew when a certificate file changes', async () => {
    const { port } = await startTlsServer(serverFor('127.0.0.1'));
    const file = path.join(folder, 'client.crt');
    const write = async (name: string) => {
      const { cert, key } = clientFor(name);
      await writeFile(file, cert);
      await writeFile(`${file}.key`, key);
    };
    await write('ada');
    const { ask, clock } = setUp(port, { user: { clientCertificate: { file }, clientKey: { file: `${file}.key` } } });
    expect(await Promise.all([ask(), ask()])).toEqual(['ada', 'ada']);
    await write('grace');
    expect(await ask()).toBe('ada');
    await clock.advance(10_000);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['grace', 'grace', 'grace']);
  });

  it.each<[string, Partial<KubeConnection>, string | RegExp]>([
    ['a name of its own', { tlsServerName: 'kubernetes' }, 'nobody'],
    ['no check', { insecureSkipTlsVerify: true, ca: undefined }, 'nobody'],
    ['its address', {}, /does not match certificate|127\.0\.0\.1 is not in the cert/],
    [
      'another authority',
      { tlsServerName: 'kubernetes', ca: { data: makeCertificate({ commonName: 'x', usage: 'ca', now }).cert } },
      /certificate/,
    ],
  ])('check a server called "kubernetes" by %s', async (_, connection, expected) => {
    const { port } = await startTlsServer(serverFor('kubernetes'));
    const asked = setUp(port, connection).ask();
    if (typeof expected === 'string') expect(await asked).toBe(expected);
    else
      await expect(asked).rejects.toMatchObject({
        code: 'KubernetesUnavailable',
        message: expect.stringMatching(expected),
      });
  });

  it('go through a proxy as tunnels', async () => {
    const { port } = await startTlsServer(serverFor('127.0.0.1'));
    const tunnels: string[] = [];
    const proxy = createPlainServer((_, response) => response.writeHead(500).end());
    proxy.on('connect', (request, socket, head) => {
      tunnels.push(request.url ?? '');
      const [host, to] = (request.url ?? '').split(':');
      const upstream = connect(Number(to), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => {});
      cleanups.push(() => upstream.destroy());
    });
    const { port: proxyPort } = await listen(proxy);
    const { cert, key } = clientFor('ada');
    const { ask } = setUp(port, {
      proxyUrl: `http://127.0.0.1:${proxyPort}`,
      user: { clientCertificate: { data: cert }, clientKey: { data: key } },
    });
    expect(await ask()).toBe('ada');
    expect(await ask()).toBe('ada');
    expect(new Set(tunnels)).toEqual(new Set([`127.0.0.1:${port}`]));
  });
});

describe('a request that asks before it is sent', () => {
  const refusal = new WindlassError('NotOwner', 'not ours any more');

  /** An API server that has no time at first, a client to it, and how often it was asked. */
  async function setUp() {
    let asked = 0;
    const { port } = await listen(
      createPlainServer((_request, response) => {
        response.statusCode = ++asked === 1 ? 503 : 200;
        response.end('{}');
      }),
    );
    const connection: KubeConnection = {
      server: `http://127.0.0.1:${port}`,
      namespace: 'default',
      source: 'the test',
      insecureSkipTlsVerify: false,
      user: {},
    };
    const client = createKubeClient(connection, { clock: systemClock, log: silentLogger });
    cleanups.push(() => client.close());
    return { client, asked: () => asked };
  }
  const patch = (client: ReturnType<typeof createKubeClient>, beforeSend: () => void) =>
    client.patch(PODS, 'web', {}, { type: 'merge', namespace: 'shop', beforeSend });

  it('does not leave when the answer is no', async () => {
    const { client, asked } = await setUp();
    const sent = patch(client, () => {
      throw refusal;
    });
    await expect(sent).rejects.toBe(refusal);
    expect(asked()).toBe(0);
  });

  it('asks anew for every try', async () => {
    const { client, asked } = await setUp();
    let calls = 0;
    const sent = patch(client, () => {
      if (++calls === 2) throw refusal;
    });
    await expect(sent).rejects.toBe(refusal);
    expect([calls, asked()]).toEqual([2, 1]);
    await patch(client, () => {});
    expect(asked()).toBe(2);
  });
});
