import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WindlassError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { RecordEntry, Records } from '../../controllers/records.ts';

/** What `GET /explain/<namespace>/<kind>/<name>` answers. */
export interface Explanation {
  kind: 'ScaledObject' | 'ScaledJob';
  namespace: string;
  name: string;
  /** Oldest first. */
  decisions: readonly RecordEntry[];
}

export interface ExplainServer {
  /**
   * @param host an address of this machine's own: whoever reaches the port is answered
   * @throws PortInUse, and InvalidArgument for an address that others reach
   */
  listen(host: string, port: number): Promise<{ host: string; port: number }>;
  close(): Promise<void>;
}

/** Names of the kinds in paths and on the command line, as kubectl knows them. */
const KINDS: Record<string, Explanation['kind']> = {
  scaledobject: 'ScaledObject',
  scaledobjects: 'ScaledObject',
  so: 'ScaledObject',
  scaledjob: 'ScaledJob',
  scaledjobs: 'ScaledJob',
  sj: 'ScaledJob',
};

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** The kind that a word means, in any case. */
export function explainedKind(word: string): Explanation['kind'] | undefined {
  const key = word.toLowerCase();
  return Object.hasOwn(KINDS, key) ? KINDS[key] : undefined;
}

/**
 * Serves the decisions of this process as JSON. It asks nobody who they are, so it listens on loopback alone, which
 * `kubectl port-forward` reaches for those whom Kubernetes lets; and it answers requests to loopback names alone, so
 * that no web page reaches it by a name of its own that it points here.
 */
export function createExplainServer({ records, log }: { records: Pick<Records, 'of'>; log: Logger }): ExplainServer {
  const server = createServer((request, response) => answer(records, request, response));
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        if (!LOOPBACK.has(host)) {
          reject(
            new WindlassError('InvalidArgument', `decisions would be told to everybody who reaches ${host}`, {
              hint: 'give it an address of this machine alone, such as 127.0.0.1, and use kubectl port-forward',
            }),
          );
          return;
        }
        const onError = (error: NodeJS.ErrnoException) =>
          reject(
            error.code === 'EADDRINUSE'
              ? new WindlassError('PortInUse', `port ${port} of ${host} is in use already`, { cause: error })
              : error,
          );
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          server.on('error', (error) => log.error('the server of decisions failed', { error }));
          resolve({ host, port: (server.address() as AddressInfo).port });
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(records: Pick<Records, 'of'>, request: IncomingMessage, response: ServerResponse) {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (!LOOPBACK.has(host)) return json(response, 403, { error: 'ask for localhost or 127.0.0.1' });
  if (request.method !== 'GET') return json(response, 405, { error: 'only GET is served here' });
  const path = (request.url ?? '/').split('?')[0] ?? '';
  const [, namespace = '', word = '', name = ''] = /^\/explain\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const kind = explainedKind(word);
  if (!kind) return json(response, 404, { error: 'ask for /explain/<namespace>/<scaledobject or scaledjob>/<name>' });
  const decisions = records.of(kind, `${namespace}/${name}`);
  if (decisions.length === 0) {
    const error = `nothing was decided about ${kind} ${namespace}/${name} in this process`;
    return json(response, 404, { error });
  }
  json(response, 200, { kind, namespace, name, decisions } satisfies Explanation);
}

function json(response: ServerResponse, code: number, body: object) {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
