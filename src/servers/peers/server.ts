import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { describeError, WindlassError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { KeyPair } from '../certificates/index.ts';
import type { MetricAnswer, MetricLookup } from '../metrics-api/types.ts';
import type { PeerAnswer, PeerCredentials } from './types.ts';

export interface PeerServerOptions {
  /** Answers from this replica alone. */
  local: MetricLookup;
  /** Whether a ScaledObject runs in this replica. */
  isHere(namespace: string, name: string): boolean;
  credentials: PeerCredentials;
  /** What is shown to everybody who asks for another name than that of the replicas; default: the same. */
  serving?: KeyPair | undefined;
  /** More paths for other replicas. */
  paths?: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>> | undefined;
  /** Answers calls over HTTP/2, of everybody who shows a certificate of the shared authority. */
  grpc?: ((request: Http2ServerRequest, response: Http2ServerResponse) => void) | undefined;
  clock: Clock;
  log: Logger;
}

export interface PeerServer {
  /** @throws PortInUse */
  listen(host: string | undefined, port: number): Promise<{ port: number }>;
  /** For connections from now on. */
  setCredentials(credentials: PeerCredentials, serving?: KeyPair): void;
  close(): Promise<void>;
}

/** The path under which a replica asks for a metric. */
export const METRICS_PATH = '/v1/metrics';
const KEEP_ALIVE_MS = 120_000;

/**
 * Answers other replicas: they have to show a certificate of the shared authority for the shared name. Over HTTP/2 the
 * same port answers calls of gRPC, for which any certificate of that authority will do, as with KEDA.
 */
export function createPeerServer(options: PeerServerOptions): PeerServer {
  const { local, isHere, paths = {}, grpc, clock, log } = options;
  let { name } = options.credentials;
  const secure = ({ ca }: PeerCredentials, { cert, key }: KeyPair) => ({
    ca,
    cert,
    key,
    minVersion: 'TLSv1.3' as const,
  });
  let ofMember: SecureContext = createSecureContext(secure(options.credentials, options.credentials));
  const sockets = new Set<TLSSocket>();

  const server = createSecureServer({
    ...secure(options.credentials, options.serving ?? options.credentials),
    SNICallback: (asked, done) => done(null, asked === name ? ofMember : undefined),
    requestCert: true,
    rejectUnauthorized: true,
    allowHTTP1: true,
    ...(grpc ? {} : { ALPNProtocols: ['http/1.1'] }),
  });
  (server as unknown as HttpServer).keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('request', (request, response) => {
    if (request.httpVersionMajor === 2) return grpc ? grpc(request, response) : response.writeHead(404).end();
    respond(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('sessionError', (error) => log.debug('a connection over HTTP/2 failed', { error }));
  server.on('tlsClientError', (error) => log.debug('a TLS handshake of a replica failed', { error }));

  const respond = (request: IncomingMessage, response: ServerResponse) => {
    const fail = (error: unknown) => send(response, 500, { error: describeError(error) });
    const { pathname } = new URL(request.url ?? '/', 'https://peer');
    const more = Object.hasOwn(paths, pathname) ? paths[pathname] : undefined;
    if (more && isMember(request)) more(request, response).catch(fail);
    else answer(request).then(({ code, body }) => send(response, code, body), fail);
  };

  // The authority also signs certificates that are not for replicas.
  const isMember = ({ socket }: IncomingMessage) =>
    Boolean((socket as TLSSocket).getPeerX509Certificate()?.checkHost(name));

  const answer = async (request: IncomingMessage): Promise<{ code: number; body: object }> => {
    if (!isMember(request)) return { code: 403, body: { error: `the certificate is not for ${name}` } };
    const url = new URL(request.url ?? '/', 'https://peer');
    if (request.method !== 'GET' || url.pathname !== METRICS_PATH)
      return { code: 404, body: { error: 'no such path' } };
    const [namespace = '', object = '', metric = ''] = ['namespace', 'name', 'metric'].map(
      (key) => url.searchParams.get(key) ?? '',
    );
    if (!isHere(namespace, object)) return { code: 200, body: { kind: 'elsewhere' } satisfies PeerAnswer };
    const found: MetricAnswer = await local(namespace, object, metric);
    const ageMs = found.kind === 'value' ? Math.max(0, clock.now() - found.at) : 0;
    return { code: 200, body: { kind: 'answer', answer: found, ageMs } satisfies PeerAnswer };
  };

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const onError = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port));
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          server.on('error', (error) => log.error('the server for other replicas failed', { error }));
          resolve({ port: (server.address() as AddressInfo).port });
        });
      }),
    setCredentials(credentials, serving = credentials) {
      name = credentials.name;
      ofMember = createSecureContext(secure(credentials, credentials));
      server.setSecureContext(secure(credentials, serving));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function send(response: ServerResponse, code: number, body: object): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function listenError(error: NodeJS.ErrnoException, host: string | undefined, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new WindlassError('PortInUse', `the port for other replicas is taken: ${host ?? ''}:${port}`, {
    cause: error,
    hint: 'choose another one with --metrics-service-bind-address; :0 is a free one',
  });
}
