import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { WindlassError } from '../../../base/errors.ts';
import type { PodUsage } from '../../controllers/index.ts';
import { ApiError } from '../../types.ts';
import type { Aggregation } from '../aggregation.ts';
import type { Core } from '../core.ts';
import type { Caller, OpenApi } from '../machinery.ts';
import { review } from '../reviews.ts';
import type { KeyPair } from '../security/certificates.ts';
import type { Tokens } from '../security/tokens.ts';
import { aggregatedDiscovery, groupList, oneGroup, resourceList, rootPaths, VERSION } from './discovery.ts';
import type { TableMaker } from './forms.ts';
import { isMetricsPath, METRICS_GROUP, metricsDocument } from './metrics.ts';
import { negotiate, parseResourcePath } from './request.ts';
import { type Exchange, send, sendError, sendText } from './respond.ts';
import { type PodLogs, serveSpecial } from './special.ts';
import { NO_RESOURCE, readObject, serveResource } from './verbs.ts';
import { createLineCache } from './watch.ts';

export interface ServerOptions {
  core: Core;
  tokens: Tokens;
  aggregation: Aggregation;
  openApi: OpenApi;
  toTable: TableMaker;
  podLogs?: PodLogs | undefined;
  /** What pods use, for metrics.k8s.io; that group is not served without. */
  podUsage?: (() => PodUsage[]) | undefined;
  port: number;
  /** Serves HTTPS with it; without, plain HTTP. */
  certificate?: KeyPair | undefined;
}

export interface ApiServer {
  url: string;
  port: number;
  stop(): Promise<void>;
}

/** Serves the API on 127.0.0.1. @throws WindlassError PortInUse */
export async function startServer(options: ServerOptions): Promise<ApiServer> {
  const { certificate, core } = options;
  const stopping = new AbortController();
  const handle = createHandler(options, stopping.signal);
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error: unknown) => {
      core.log.error('The sandbox could not answer a request', { path: request.url, error });
      response.destroy();
    });
  };
  const settings = { keepAliveTimeout: 90_000, requestTimeout: 0 };
  const server = certificate
    ? createTlsServer({ ...settings, cert: certificate.cert, key: certificate.key }, listener)
    : createPlainServer(settings, listener);
  const sockets = new Set<Socket>();
  server.on(certificate ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      stopping.abort();
      for (const socket of sockets) socket.destroySoon();
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return reject(cause);
      reject(
        new WindlassError('PortInUse', `port ${port} on 127.0.0.1 is taken`, {
          cause,
          hint: 'stop the program that listens there, or choose another port (0 takes a free one)',
        }),
      );
    });
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

function createHandler(options: ServerOptions, stopped: AbortSignal) {
  const { core, tokens, aggregation, openApi, toTable, podLogs, podUsage } = options;
  const verbs = { core, toTable, stopped, lines: createLineCache() };
  const special = { core, tokens, podLogs, stopped };

  const serveApi = async (exchange: Exchange, caller: Caller): Promise<void> => {
    const { path, request } = exchange;
    const found = parseResourcePath(path);
    if (!found) throw new ApiError('NotFound', NO_RESOURCE);
    const { group, version } = found;
    if (aggregation.serves(group, version)) return aggregation.proxy(exchange, group, version, caller);
    if (podUsage && isMetricsPath(found))
      return send(exchange, 200, metricsDocument(core, podUsage, exchange.query, found));
    if (found.resource === undefined) {
      const document = resourceList(core.registry, group, version);
      if (!document) throw new ApiError('NotFound', NO_RESOURCE);
      return send(exchange, 200, document);
    }
    const resource = core.registry.find(group, version, found.resource);
    if (!resource || (found.namespace !== undefined && !resource.type.namespaced))
      throw new ApiError('NotFound', NO_RESOURCE);
    if (resource.virtual) {
      if (request.method !== 'POST')
        throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
      const object = await readObject(exchange);
      return send(exchange, 201, review(resource.type.kind, object, caller, tokens));
    }
    if (await serveSpecial(special, exchange, resource, found, caller)) return;
    await serveResource(verbs, exchange, resource, found, caller);
  };

  const route = async (exchange: Exchange): Promise<void> => {
    const { path, response, request, accept } = exchange;
    if (/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return sendText(response, 200, 'ok');
    if (path === '/version' || path === '/version/') return send(exchange, 200, VERSION);
    const caller = impersonated(authenticate(request, tokens), request);
    const own = podUsage && !aggregation.serves(METRICS_GROUP.group, METRICS_GROUP.version) ? [METRICS_GROUP] : [];
    const remotes = [...aggregation.groups(), ...own];
    const parts = path.split('/').filter((part) => part !== '');
    if (parts.length === 0) return send(exchange, 200, rootPaths(core.registry, remotes));
    if (parts[0] === 'openapi') return serveOpenApi(exchange, parts.slice(1), openApi);
    const root = parts.length === 1;
    if (root && (parts[0] === 'api' || parts[0] === 'apis')) {
      const coreGroup = parts[0] === 'api';
      if (accept.aggregatedDiscovery) {
        const document = aggregatedDiscovery(core.registry, remotes, coreGroup);
        return send(exchange, 200, document, AGGREGATED);
      }
      const { port } = request.socket.address() as AddressInfo;
      const addresses = [{ clientCIDR: '0.0.0.0/0', serverAddress: `127.0.0.1:${port}` }];
      const versions = { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: addresses };
      return send(exchange, 200, coreGroup ? versions : groupList(core.registry, remotes));
    }
    if (parts[0] === 'apis' && parts.length === 2) {
      const document = oneGroup(core.registry, remotes, parts[1] ?? '');
      if (!document) throw new ApiError('NotFound', NO_RESOURCE);
      return send(exchange, 200, document);
    }
    return serveApi(exchange, caller);
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const exchange: Exchange = {
      request,
      response,
      path: url.pathname,
      query: url.searchParams,
      accept: negotiate(request.headers.accept),
      warnings: [],
    };
    response.on('error', () => response.destroy());
    try {
      await route(exchange);
    } catch (error) {
      if (!(error instanceof ApiError))
        core.log.error('A request failed inside the sandbox', { path: url.pathname, error });
      sendError({ ...exchange, accept: { ...exchange.accept, form: 'object' } }, error);
    }
  };
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

function authenticate(request: IncomingMessage, tokens: Tokens): Caller {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  const known = scheme?.toLowerCase() === 'bearer' && token ? tokens.authenticate(token) : undefined;
  if (!known) throw new ApiError('Unauthorized', 'Unauthorized');
  return known.caller;
}

/** Acts as whom the Impersonate headers name, as `kubectl --as` asks; everybody may. */
function impersonated(caller: Caller, { headers }: IncomingMessage): Caller {
  const user = headers['impersonate-user'];
  if (typeof user !== 'string') return caller;
  const given = headers['impersonate-group'];
  const groups =
    given === undefined ? [] : [given].flat().flatMap((list) => list.split(',').map((group) => group.trim()));
  return { name: user, groups: [...new Set([...groups, 'system:authenticated'])] };
}

function serveOpenApi(exchange: Exchange, [version, ...parts]: string[], openApi: OpenApi): void {
  const v3 = () => (parts.length === 0 ? openApi.v3Index() : openApi.v3(parts.join('/')));
  const v2 = () => (parts.length === 0 ? openApi.v2() : undefined);
  const document = version === 'v3' ? v3() : version === 'v2' ? v2() : undefined;
  if (!document) throw new ApiError('NotFound', NO_RESOURCE);
  // The address of a version-3 document names its content.
  const lasting = exchange.query.has('hash') && version === 'v3';
  send(exchange, 200, document, undefined, lasting ? 'public, immutable, max-age=31536000' : undefined);
}
