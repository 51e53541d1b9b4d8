import type { ServerResponse } from 'node:http';
import { answerJson, startHttpServer, type TestHttpServer } from './http-server.ts';

export interface WatchedObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** One collection of objects over real HTTP with lists by pages, watches, expiry and failures at the test's command. */
export interface WatchServer {
  http: TestHttpServer;
  /** Creates or replaces an object of namespace `shop`; tells the watches. */
  put(name: string, fields?: Record<string, unknown>): WatchedObject;
  /** Deletes an object; tells the watches. */
  remove(name: string): void;
  /** Makes every resource version handed out so far too old for a watch. */
  expire(): void;
  /** Ends all streams, as a server does after timeoutSeconds. */
  endStreams(): void;
  /** Sends an event to all streams as it is. */
  send(event: unknown): void;
  bookmark(): void;
  /** While set, lists, watches or both answer with this status code. */
  fail(what: 'list' | 'watch', code: number | undefined): void;
  /** Open streams. */
  streams(): number;
  /** `list`, `list p2`, `watch 7`, … in the order received. */
  log: string[];
  /** Highest number of watches by their fieldSelector, now. */
  selectors(): string[];
}

export async function startWatchServer(options: { kind?: string; pageLimit?: number } = {}): Promise<WatchServer> {
  const { kind = 'ConfigMap', pageLimit } = options;
  const objects = new Map<string, WatchedObject>();
  const streams = new Map<ServerResponse, string>();
  const failing = new Map<string, number>();
  const log: string[] = [];
  let version = 0;
  let oldest = 0;
  let uid = 0;

  const matches = (object: WatchedObject, selector: string) =>
    selector === '' || selector === `metadata.name=${object.metadata.name}`;
  const status = (code: number) => ({
    kind: 'Status',
    apiVersion: 'v1',
    code,
    reason: code === 410 ? 'Expired' : '',
    message: `told to answer ${code}`,
  });
  const tell = (type: string, object: WatchedObject) => {
    for (const [response, selector] of streams)
      if (matches(object, selector)) response.write(`${JSON.stringify({ type, object })}\n`);
  };

  const http = await startHttpServer(({ url }, response) => {
    const query = new URL(url, 'http://x').searchParams;
    const selector = query.get('fieldSelector') ?? '';
    const watch = query.get('watch') === 'true';
    const token = query.get('continue');
    const since = query.get('resourceVersion') ?? '';
    log.push(watch ? `watch ${since}` : token ? `list ${token.split('@')[0]}` : 'list');
    const code = failing.get(watch ? 'watch' : 'list');
    if (code !== undefined) return answerJson(response, status(code), code);
    if (watch) {
      if (Number(since) < oldest) return answerJson(response, status(410), 410);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      streams.set(response, selector);
      response.on('close', () => streams.delete(response));
      return;
    }
    const [from, at] = token ? token.slice(1).split('@').map(Number) : [0, version];
    if ((at ?? 0) < oldest) return answerJson(response, status(410), 410);
    const all = [...objects.values()].filter((object) => matches(object, selector));
    const limit = Math.min(Number(query.get('limit') ?? 500), pageLimit ?? 500);
    const items = all.slice(from, (from ?? 0) + limit);
    const next = (from ?? 0) + limit < all.length ? `p${(from ?? 0) + limit}@${at}` : '';
    answerJson(response, {
      kind: `${kind}List`,
      apiVersion: 'v1',
      metadata: { resourceVersion: String(at), continue: next },
      items,
    });
  });

  return {
    http,
    log,
    put(name, fields = {}) {
      const known = objects.get(name);
      const metadata = {
        name,
        namespace: 'shop',
        uid: known?.metadata.uid ?? `uid-${++uid}`,
        resourceVersion: String(++version),
        managedFields: [{ manager: 'test' }],
      };
      const object = { apiVersion: 'v1', kind, ...fields, metadata };
      objects.set(name, object);
      tell(known ? 'MODIFIED' : 'ADDED', object);
      return object;
    },
    remove(name) {
      const known = objects.get(name);
      if (!known) return;
      objects.delete(name);
      tell('DELETED', { ...known, metadata: { ...known.metadata, resourceVersion: String(++version) } });
    },
    expire() {
      oldest = ++version;
    },
    endStreams() {
      for (const response of streams.keys()) response.end();
      streams.clear();
    },
    send(event) {
      for (const response of streams.keys()) response.write(`${JSON.stringify(event)}\n`);
    },
    bookmark() {
      for (const response of streams.keys())
        response.write(
          `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } })}\n`,
        );
    },
    fail(what, code) {
      if (code === undefined) failing.delete(what);
      else failing.set(what, code);
    },
    streams: () => streams.size,
    selectors: () => [...streams.values()].sort(),
  };
}
