import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ExternalScalerServer,
  type StartOptions,
  startExternalScaler,
} from '../../../test/servers/external-scaler.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { startHttpServer } from '../../../test/support/http-server.ts';
import { systemClock } from '../../base/clock.ts';
import { decodeIsActive, encodeScaledObjectRef, METHODS } from '../_external/messages.ts';
import { type ChannelOptions, type GrpcChannel, leaseChannel, openChannels } from './channel.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  expect(openChannels()).toBe(0);
});

const REF = encodeScaledObjectRef({ name: 'web', namespace: 'shop', scalerMetadata: {} });
const never = new AbortController().signal;

async function start(options: StartOptions = {}): Promise<ExternalScalerServer> {
  const server = await startExternalScaler(options);
  undo.push(() => server.stop());
  return server;
}

function lease(address: string, options: Partial<ChannelOptions> = {}): GrpcChannel {
  const http = { minTlsVersion: 'TLSv1.2' as const, extraCa: [] };
  const channel = leaseChannel({ address, tls: undefined, http, clock: systemClock, ...options });
  undo.push(() => channel.close());
  return channel;
}

const isActive = (channel: GrpcChannel, { timeoutMs = 5_000, signal = never } = {}) =>
  channel.unary(METHODS.isActive, REF, { timeoutMs, signal }).then(decodeIsActive);

/** A plain HTTP/2 server, for what a sound gRPC server never does. */
async function startHttp2(handle: (stream: ServerHttp2Stream) => void, settings: http2.Settings = {}) {
  const sessions = new Set<ServerHttp2Session>();
  const server = http2.createServer({ settings });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    handle(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sessions };
}

/** Passes bytes on between client and server; `freeze` makes it swallow all bytes of the connections that are open. */
async function startProxy(port: number) {
  const pairs: Socket[] = [];
  const state = { connections: 0, swallowed: 0 };
  let frozenUpTo = 0;
  const { connect } = await import('node:net');
  const server = createServer((near) => {
    const connection = ++state.connections;
    const pass = (to: Socket) => (chunk: Buffer) => {
      if (connection <= frozenUpTo) state.swallowed += chunk.length;
      else to.write(chunk);
    };
    const far = connect(port, '127.0.0.1');
    pairs.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.on('data', pass(far));
    far.on('data', pass(near));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    for (const socket of pairs) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const freeze = () => {
    frozenUpTo = state.connections;
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, state, freeze };
}

/** Answers with status 200, this content type and this body, and no gRPC status. */
const answer =
  (contentType: string, body = '') =>
  (stream: ServerHttp2Stream) => {
    stream.respond({ 'content-type': contentType });
    stream.end(body);
  };

describe('a call', () => {
  it('is answered, and tells the server its deadline', async () => {
    const server = await start();
    server.active = true;
    expect(await isActive(lease(server.address))).toBe(true);
    expect(server.calls[0]).toMatchObject({ method: 'IsActive', ref: { name: 'web', namespace: 'shop' } });
    expect(server.calls[0]?.deadlineMs).toBeGreaterThan(1_000);
    expect(server.calls[0]?.deadlineMs).toBeLessThanOrEqual(5_000);
  });

  it.each([
    ['UNAVAILABLE', 'SourceUnavailable'],
    ['INTERNAL', 'SourceUnavailable'],
    ['UNKNOWN', 'SourceUnavailable'],
    ['ABORTED', 'SourceUnavailable'],
    ['DEADLINE_EXCEEDED', 'SourceTimeout'],
    ['UNAUTHENTICATED', 'CredentialRefused'],
    ['PERMISSION_DENIED', 'CredentialRefused'],
    ['NOT_FOUND', 'SourceNotFound'],
    ['UNIMPLEMENTED', 'SourceNotFound'],
    ['RESOURCE_EXHAUSTED', 'SourceThrottled'],
    ['INVALID_ARGUMENT', 'InvalidTrigger'],
  ] as const)('that ends with %s is %s', async (name, code) => {
    const server = await start();
    server.behaviour.set('IsActive', { code: status[name], details: 'no 100 % größe' });
    await expect(isActive(lease(server.address))).rejects.toMatchObject({
      code,
      grpcStatus: name,
      message: `IsActive of ${server.address} answered ${name}: no 100 % größe`,
    });
  });

  it('gives up at its deadline, and stops at once when aborted, with the reason', async () => {
    const server = await start();
    server.behaviour.set('IsActive', 'hang');
    const channel = lease(server.address);
    await expect(isActive(channel, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'SourceTimeout' });
    const control = new AbortController();
    const call = isActive(channel, { signal: control.signal });
    await eventually(() => server.calls.length === 2);
    const reason = new Error('enough');
    control.abort(reason);
    await expect(call).rejects.toBe(reason);
    await expect(isActive(channel, { signal: control.signal })).rejects.toBe(reason);
  });

  it.each<[string, (stream: ServerHttp2Stream) => void, string]>([
    ['HTTP 503 of a proxy', (s) => s.respond({ ':status': 503 }, { endStream: true }), 'SourceUnavailable'],
    ['HTTP 403 of a proxy', (s) => s.respond({ ':status': 403 }, { endStream: true }), 'CredentialRefused'],
    ['HTTP 404', (s) => s.respond({ ':status': 404 }, { endStream: true }), 'SourceNotFound'],
    ['a web page', answer('text/html', '<html>'), 'SourceAnswerInvalid'],
    ['a compressed message', answer('application/grpc', '\u0001....'), 'SourceAnswerInvalid'],
    ['an endless message', answer('application/grpc', '\0\x7f\x7f\x7f\x7f'), 'SourceAnswerInvalid'],
    ['no status at the end', answer('application/grpc'), 'SourceUnavailable'],
    ['a cut stream', (s) => s.close(http2.constants.NGHTTP2_INTERNAL_ERROR), 'SourceUnavailable'],
    [
      'OK without a message',
      (s) => s.respond({ 'content-type': 'application/grpc', 'grpc-status': '0' }, { endStream: true }),
      'SourceAnswerInvalid',
    ],
  ])('that gets %s fails', async (_, handle, code) => {
    const { address } = await startHttp2(handle);
    await expect(isActive(lease(address))).rejects.toMatchObject({ code });
  });

  it('says what to check when there is no gRPC server at the address', async () => {
    const web = await startHttpServer((_, response) => void response.end('hello'));
    undo.push(() => web.stop());
    await expect(isActive(lease(new URL(web.url).host))).rejects.toMatchObject({
      code: 'SourceUnavailable',
      hint: expect.stringContaining('enableTLS'),
    });
    await web.stop();
    await expect(isActive(lease(new URL(web.url).host))).rejects.toMatchObject({
      code: 'SourceUnavailable',
      hint: expect.stringContaining('nothing listens'),
    });
  });

  it('waits no longer than its deadline for a server that accepts and says nothing', async () => {
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    undo.push(() => new Promise((resolve) => silent.close(resolve)));
    const channel = lease(`127.0.0.1:${(silent.address() as AddressInfo).port}`);
    await expect(isActive(channel, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'SourceTimeout' });
  });
});

describe('connections', () => {
  it('are shared by all who ask one address, and closed with the last of them', async () => {
    const server = await start();
    const proxy = await startProxy(server.port);
    const channels = Array.from({ length: 50 }, () => lease(proxy.address));
    expect(openChannels()).toBe(1);
    expect(proxy.state.connections).toBe(0);
    await Promise.all(channels.map((channel) => isActive(channel)));
    expect(proxy.state.connections).toBe(1);
    for (const channel of channels) {
      channel.close();
      channel.close();
    }
    expect(openChannels()).toBe(0);
    await expect(isActive(channels[0]!)).rejects.toMatchObject({ code: 'Internal' });
  });

  it('become more when a server allows few streams on each', async () => {
    const server = await start({ maxConcurrentStreams: 3 });
    const proxy = await startProxy(server.port);
    const channel = lease(proxy.address);
    const control = new AbortController();
    const streams = Array.from({ length: 7 }, () =>
      channel.stream(METHODS.streamIsActive, REF, { signal: control.signal, onMessage() {} }).catch(() => {}),
    );
    await eventually(() => server.streams() === 7);
    expect(await isActive(channel)).toBe(false);
    expect(proxy.state.connections).toBe(3);
    control.abort();
    await Promise.all(streams);
  });

  it('are opened again when the server restarted, without a failed call', async () => {
    const server = await start();
    const channel = lease(server.address);
    await isActive(channel);
    await server.stop();
    const again = await startExternalScaler({ port: server.port });
    undo.push(() => again.stop());
    again.active = true;
    expect(await isActive(channel)).toBe(true);
  });

  it('that went silent are found out and cut: streams on them break, calls go on over a new one', async () => {
    const server = await start();
    const proxy = await startProxy(server.port);
    const clock = createFakeClock();
    const channel = lease(proxy.address, { clock });
    await isActive(channel);
    const stream = channel.stream(METHODS.streamIsActive, REF, { signal: never, onMessage() {} });
    const broken = stream.catch((error: unknown) => error);
    await eventually(() => server.streams() === 1);
    proxy.freeze();
    const call = isActive(channel, { timeoutMs: 20_000 }).catch((error: unknown) => error);
    await eventually(() => proxy.state.swallowed > 0);
    // Five seconds without an answer, then five for the PING.
    await clock.advance(5_000);
    await clock.advance(5_000);
    expect(await broken).toMatchObject({ code: 'SourceUnavailable' });
    // The call is made once more on a new connection.
    expect(await call).toBe(false);
    expect(proxy.state.connections).toBe(2);
  });

  it('leave nothing behind after a thousand failures', async () => {
    const server = await start();
    const channel = lease(server.address);
    const codes = [status.UNAVAILABLE, status.UNAUTHENTICATED, status.INTERNAL];
    const before = process.getActiveResourcesInfo().length;
    for (let i = 0; i < 1_000; i++) {
      server.behaviour.set('IsActive', { code: codes[i % codes.length]! });
      await expect(isActive(channel)).rejects.toThrow('answered');
    }
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before + 5);
  });
});

describe('a stream', () => {
  it('hands out messages as they come, and ends as the server says', async () => {
    const server = await start();
    const channel = lease(server.address);
    const heard: boolean[] = [];
    const follow = () =>
      channel.stream(METHODS.streamIsActive, REF, {
        signal: never,
        onMessage: (message) => heard.push(decodeIsActive(message)),
      });
    const first = follow();
    await eventually(() => server.streams() === 1);
    server.push(true);
    server.push(false);
    await eventually(() => heard.length === 2);
    expect(heard).toEqual([true, false]);
    server.endStreams();
    await expect(first).resolves.toBeUndefined();
    await eventually(() => server.streams() === 0);
    const second = follow();
    await eventually(() => server.streams() === 1);
    server.endStreams(status.UNAVAILABLE);
    await expect(second).rejects.toMatchObject({ code: 'SourceUnavailable', grpcStatus: 'UNAVAILABLE' });
  });

  it('breaks with its server', async () => {
    const server = await start();
    const stream = lease(server.address).stream(METHODS.streamIsActive, REF, { signal: never, onMessage() {} });
    const result = stream.catch((error: unknown) => error);
    await eventually(() => server.streams() === 1);
    await server.stop();
    expect(await result).toMatchObject({ code: 'SourceUnavailable' });
  });

  it('is over for the server too when it is aborted', async () => {
    const server = await start();
    const control = new AbortController();
    const stream = lease(server.address).stream(METHODS.streamIsActive, REF, {
      signal: control.signal,
      onMessage() {},
    });
    await eventually(() => server.streams() === 1);
    control.abort(new Error('enough'));
    await expect(stream).rejects.toThrow('enough');
    await eventually(() => server.streams() === 0);
  });
});
