import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { describeError, WindlassError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { MetricAnswer, MetricLookup } from '../metrics-api/types.ts';
import type { PeerAnswer, PeerCredentials } from './types.ts';

export interface PeerServerOptions {
  /** Answers from this replica alone. */
  local: MetricLookup;
  /** Whether a ScaledObject runs in this replica. */
  isHere(namespace: string, name: string): boolean;
  credentials: PeerCredentials;
  clock: Clock;
  log: Logger;
}

export interface PeerServer {
  /** @throws PortInUse */
  listen(host: string | undefined, port: number): Promise<{ port: number }>;
  /** For connections from now on. */
  setCredentials(credentials: PeerCredentials): void;
  close(): Promise<void>;
}

/** The path under which a replica asks for a metric. */
export const METRICS_PATH = '/v1/metrics';
const KEEP_ALIVE_MS = 120_000;

/** Answers other replicas, and nobody else: they have to show a certificate of the shared authority for the shared name. */
export function createPeerServer(options: PeerServerOptions): PeerServer {
  const { local, isHere, clock, log } = options;
  let { name } = options.credentials;
  const secure = ({ ca, cert, key }: PeerCredentials) => ({ ca, cert, key, minVersion: 'TLSv1.3' as const });

  const server = createServer(
    { ...secure(options.credentials), requestCert: true, rejectUnauthorized: true, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => {
      answer(request).then(
        ({ code, body }) => send(response, code, body),
        (error: unknown) => send(response, 500, { error: describeError(error) }),
      );
    },
  );
  server.on('tlsClientError', (error) => log.debug('a TLS handshake of a replica failed', { error }));

  const answer = async (request: IncomingMessage): Promise<{ code: number; body: object }> => {
    const peer = (request.socket as TLSSocket).getPeerX509Certificate();
    // The authority also signs certificates that are not for replicas.
    if (!peer?.checkHost(name)) return { code: 403, body: { error: `the certificate is not for ${name}` } };
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
    setCredentials(credentials) {
      name = credentials.name;
      server.setSecureContext(secure(credentials));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function listenError(error: NodeJS.ErrnoException, host: string | undefined, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new WindlassError('PortInUse', `the port for other replicas is taken: ${host ?? ''}:${port}`, {
    cause: error,
    hint: 'choose another one with --metrics-service-bind-address; :0 is a free one',
  });
}
