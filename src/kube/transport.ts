import type { Clock } from '../base/clock.ts';
import { createPool, type Dispatcher, dispatchRequest, type Pool } from '../base/connection-pool.ts';
import type { Logger } from '../base/log.ts';
import type { KubeConnection } from './config.ts';
import { createCredentials, type TlsMaterial } from './credentials.ts';

export interface Outgoing {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query, from the root of the API. */
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  signal: AbortSignal;
  /** Called right before the first byte goes out; a throw keeps it from being sent. */
  beforeSend?: (() => void) | undefined;
}

/** Sends single requests to one API server with fresh credentials; knows nothing of retries or Kubernetes. */
export interface Transport {
  /** Watches have connections of their own: a request never waits behind one. */
  send(kind: 'request' | 'watch', outgoing: Outgoing): Promise<Dispatcher.ResponseData>;
  /** After a 401: true when another try has other credentials. */
  renewCredentials(): boolean;
  close(): Promise<void>;
}

interface Lines {
  tls: TlsMaterial;
  request: Dispatcher;
  watch: Dispatcher;
}

/** Requests in flight at once. More wait for a connection; their deadline runs meanwhile. */
const REQUEST_CONNECTIONS = 64;
const CONNECT_TIMEOUT_MS = 10_000;
/** Idle connections are given up well before the API server (90 s) or a load balancer in between closes them. */
const IDLE_MS = 30_000;
/** A peer that vanished without a word is noticed by the kernel's probes. */
const TCP_KEEP_ALIVE_MS = 30_000;

export function createTransport(
  connection: KubeConnection,
  deps: { clock: Clock; log: Logger; userAgent: string },
): Transport {
  const { origin, pathname } = new URL(connection.server);
  const prefix = pathname.replace(/\/+$/, '');
  const credentials = createCredentials(connection, deps);
  let lines: Promise<Lines> | undefined;
  let closed = false;

  const open = async (tls: TlsMaterial): Promise<Lines> => {
    const connect = {
      ...tls,
      ...(connection.tlsServerName ? { servername: connection.tlsServerName } : {}),
      rejectUnauthorized: !connection.insecureSkipTlsVerify,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      timeout: CONNECT_TIMEOUT_MS,
    };
    const options = (connections: number | null): Pool.Options => ({
      connections,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      // Deadlines are the caller's: undici's own timers would cut quiet watches.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const uri = connection.proxyUrl;
    if (uri === undefined) {
      const make = (connections: number | null) => createPool(origin, { ...options(connections), connect });
      return { tls, request: make(REQUEST_CONNECTIONS), watch: make(null) };
    }
    const { ProxyAgent } = await import('undici');
    const make = (connections: number | null) =>
      new ProxyAgent({ ...options(connections), uri, requestTls: connect, allowH2: false });
    return { tls, request: make(REQUEST_CONNECTIONS), watch: make(null) };
  };

  const shut = async (old: Promise<Lines>, how: 'close' | 'destroy') => {
    const { request, watch } = await old;
    await Promise.all([request[how](), watch[how]()]);
  };

  /** Connections made with the present certificates; those made with older ones finish their work and close. */
  const linesFor = async (tls: TlsMaterial): Promise<Lines> => {
    const current = lines && (await lines);
    if (current?.tls === tls) return current;
    // Another request may have opened new ones while this one waited.
    if (lines && (await lines) !== current) return linesFor(tls);
    const old = lines;
    lines = open(tls);
    if (old) shut(old, 'close').catch((error) => deps.log.debug('could not close old connections', { error }));
    return lines;
  };

  return {
    async send(kind, outgoing) {
      const { headers, tls } = await credentials.current();
      if (closed) throw new Error('the Kubernetes client has been closed');
      const { [kind]: dispatcher } = await linesFor(tls);
      const options = {
        origin,
        method: outgoing.method,
        path: prefix + outgoing.path,
        headers: { accept: 'application/json', 'user-agent': deps.userAgent, ...outgoing.headers, ...headers },
        body: outgoing.body ?? null,
        signal: outgoing.signal,
      };
      return dispatchRequest(dispatcher, options, outgoing.beforeSend);
    },
    renewCredentials: () => credentials.renew(),
    async close() {
      closed = true;
      if (lines) await shut(lines, 'destroy');
    },
  };
}
