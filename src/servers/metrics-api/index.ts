import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describeError, WindlassError } from '../../base/errors.ts';
import { createAccessControl, type Verdict } from './access.ts';
import { answerMetric, type Reply, status } from './answer.ts';
import { findDocument, GROUP, GROUP_VERSION_PATH, type StaticDocument, VERSION } from './discovery.ts';
import type { AccessRequest, MetricsApi, MetricsApiOptions } from './types.ts';

export { type ApiServiceOptions, ensureApiService, trustApiService } from './api-service.ts';
export { createDelegatedAuth } from './delegated-auth.ts';
export type * from './types.ts';

const NAMESPACES = `${GROUP_VERSION_PATH}/namespaces/`;
const JSON_TYPE = 'application/json';
/** Longer than the API server's front proxy keeps an idle connection (Go: 90 s), so that it is never closed under it. */
const KEEP_ALIVE_MS = 120_000;
const DRAIN_MS = 5_000;

/**
 * The aggregated API `external.metrics.k8s.io/v1beta1` that HPAs read. Everything is answered from memory; one request
 * costs a lookup and a few hundred bytes. JSON is the only format: clients that prefer protobuf take it too.
 */
export function createMetricsApi(options: MetricsApiOptions): MetricsApi {
  const { lookup, auth, ready, log, clock, version = 'v0.0.0' } = options;
  const access = auth === 'none' ? undefined : createAccessControl(auth, clock);

  const server = createServer(
    {
      ...options.tls,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      const fail = (error: unknown) => {
        log.error('a request for metrics failed', { path: request.url, error });
        if (!response.headersSent) send(response, status(500, 'InternalError', describeError(error)));
      };
      try {
        handle(request, response)?.catch(fail);
      } catch (error) {
        fail(error);
      }
    },
  );
  // Whoever speaks plain HTTP or breaks the handshake is not worth a warning each.
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error }));

  /** Answers at once when everything is known, which is the usual case; a promise otherwise. */
  const handle = (request: IncomingMessage, response: ServerResponse): Promise<void> | undefined => {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    if (path === '/healthz' || path === '/livez') return sendText(response, 200, 'ok');
    if (path === '/readyz') {
      const state = ready();
      return state === true ? sendText(response, 200, 'ok') : sendText(response, 500, `not ready: ${state}\n`);
    }
    const metric = path.startsWith(NAMESPACES) ? parseMetricPath(path) : undefined;
    const answer = () => answerTo(request, response, { path, query: mark < 0 ? '' : url.slice(mark + 1), metric });
    if (!access) return answer();
    const wanted = accessFor(request, path, metric);
    const proceed = (verdict: Verdict) => {
      const refusal = refusalFor(verdict, wanted);
      return refusal ? send(response, refusal) : answer();
    };
    const verdict = access.check(request, wanted);
    return verdict instanceof Promise ? verdict.then(proceed) : proceed(verdict);
  };

  const answerTo = (
    request: IncomingMessage,
    response: ServerResponse,
    { path, query, metric }: { path: string; query: string; metric: MetricPath | undefined },
  ): Promise<void> | undefined => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return send(response, status(405, 'MethodNotAllowed', `only GET is served here, not ${request.method}`));
    }
    if (metric) {
      const selector = new URLSearchParams(query).get('labelSelector') ?? '';
      const reply = answerMetric(lookup, metric.namespace, metric.name, selector);
      return reply instanceof Promise ? reply.then((late) => send(response, late)) : send(response, reply);
    }
    const found = findDocument(path, request.headers.accept ?? '', version);
    if (found) return sendDocument(request, response, found);
    return send(response, status(404, 'NotFound', `there is nothing at ${path}`));
  };

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const onError = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port));
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          server.on('error', (error) => log.error('the metrics API server failed', { error }));
          resolve({ host, port: (server.address() as AddressInfo).port });
        });
      }),
    setTls: (tls) => server.setSecureContext({ ...tls, minVersion: 'TLSv1.2' }),
    close: (drainMs = DRAIN_MS) =>
      new Promise((resolve) => {
        const timer = clock.after(drainMs, () => server.closeAllConnections());
        server.close(() => {
          timer.cancel();
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

interface MetricPath {
  namespace: string;
  name: string;
}

/** `…/namespaces/<namespace>/<metric>`; undefined for anything longer, shorter or wrongly encoded. */
function parseMetricPath(path: string): MetricPath | undefined {
  const slash = path.indexOf('/', NAMESPACES.length);
  if (slash <= NAMESPACES.length || slash === path.length - 1 || path.includes('/', slash + 1)) return undefined;
  try {
    return {
      namespace: decodeURIComponent(path.slice(NAMESPACES.length, slash)),
      name: decodeURIComponent(path.slice(slash + 1)),
    };
  } catch {
    return undefined;
  }
}

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

function accessFor(request: IncomingMessage, path: string, metric: MetricPath | undefined): AccessRequest {
  const { method = 'GET' } = request;
  if (!metric) return { kind: 'path', verb: method.toLowerCase(), path };
  const { namespace, name } = metric;
  const verb = VERBS[method] ?? 'get';
  return { kind: 'resource', verb, group: GROUP, version: VERSION, resource: name, namespace, path };
}

function refusalFor(verdict: Verdict, wanted: AccessRequest): Reply | undefined {
  if (verdict.kind === 'allowed') return undefined;
  if (verdict.kind === 'unauthenticated') {
    return status(401, 'Unauthorized', 'come through the API server, or with a client certificate or a bearer token');
  }
  const what =
    wanted.kind === 'resource'
      ? `${wanted.verb} metric "${wanted.resource}" in API group "${wanted.group}" in the namespace "${wanted.namespace}"`
      : `${wanted.verb} path "${wanted.path}"`;
  const reason = verdict.reason ? `: ${verdict.reason}` : '';
  return status(403, 'Forbidden', `User "${verdict.user.name}" cannot ${what}${reason}`);
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new WindlassError('PortInUse', `${host}:${port} is in use already; the metrics API cannot listen there`, {
    cause: error,
    hint: 'stop the other program or choose another port with --secure-port',
  });
}

function send(response: ServerResponse, { code, body }: Reply): undefined {
  response.writeHead(code, { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function sendText(response: ServerResponse, code: number, body: string): undefined {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function sendDocument(request: IncomingMessage, response: ServerResponse, found: StaticDocument): undefined {
  if (request.headers['if-none-match'] === found.etag) {
    response.writeHead(304, { etag: found.etag });
    response.end();
    return;
  }
  response.writeHead(200, {
    'content-type': found.contentType,
    'content-length': found.body.length,
    etag: found.etag,
    vary: 'Accept',
  });
  response.end(found.body);
}
