import { dispatchRequest } from '../../base/connection-pool.ts';
import { WindlassError } from '../../base/errors.ts';
import type { ScalerDeps } from '../definition.ts';
import { connectionError, shownUrl } from './errors.ts';
import { leasePool, type PoolLease } from './pools.ts';
import type { TlsMaterial } from './tls.ts';

export interface HttpRequest {
  url: URL | string;
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  headers?: Readonly<Record<string, string>>;
  /** Headers that carry a credential: not sent on to another origin by a redirect. */
  authHeaders?: Readonly<Record<string, string>>;
  body?: string;
  /** May be sent again when a kept connection turns out to be closed. A GET always may. */
  isRepeatable?: boolean;
}

export interface HttpAnswer {
  status: number;
  /** Names in lower case; several of one name joined by a comma. */
  headers: Record<string, string>;
  body: string;
}

export interface HttpClient {
  /**
   * Sends one request and reads the whole answer, whatever its status; follows up to ten redirects. Ends with
   * SourceTimeout after the client's timeout, SourceUnavailable without an answer, and the signal's reason when aborted.
   */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  /** Keeps connections to these origins only; for clients whose hosts come and go. */
  keepOnly(origins: ReadonlySet<string>): void;
  close(): Promise<void>;
}

export interface HttpClientOptions {
  deps: Pick<ScalerDeps, 'clock' | 'http' | 'env' | 'observe'>;
  /** The trigger's own; default is the operator's. */
  timeoutMs?: number | undefined;
  tls?: TlsMaterial;
}

/** Go's net/http stops after ten. */
const MOST_REDIRECTS = 10;
/** A page of metrics has a few MB at most; more would be a wrong address, and a threat to memory. */
const LARGEST_BODY = 16 * 1024 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** An HTTP client of one scaler; its connections are shared with others that ask the same host. Opens none at once. */
export function createHttpClient({ deps, timeoutMs = deps.http.timeoutMs, tls = {} }: HttpClientOptions): HttpClient {
  const held = new Map<string, PoolLease>();
  let closed = false;
  const lease = (url: URL) => leasePool(url, { settings: { ...deps.http, timeoutMs }, env: deps.env, tls });

  const leaseAndHold = async (url: URL): Promise<PoolLease> => {
    const known = held.get(url.origin);
    if (known) return known;
    const fresh = await lease(url);
    const other = held.get(url.origin);
    if (other || closed) {
      fresh.release();
      if (other) return other;
      throw new WindlassError('Internal', 'the client is closed');
    }
    held.set(url.origin, fresh);
    return fresh;
  };

  /** One request, counted. */
  const exchange = async (pool: PoolLease, url: URL, request: HttpRequest, signal: AbortSignal) => {
    const began = deps.clock.monotonic();
    let statusCode: number | undefined;
    try {
      const answer = await roundTrip(pool, url, request, signal);
      statusCode = answer.status;
      return answer;
    } finally {
      deps.observe?.request({ statusCode, tookMs: deps.clock.monotonic() - began });
    }
  };

  const hop = async (url: URL, request: HttpRequest, isFirst: boolean, signal: AbortSignal): Promise<HttpAnswer> => {
    const pool = isFirst ? await leaseAndHold(url) : await lease(url);
    try {
      return await exchange(pool, url, request, signal);
    } catch (error) {
      // A kept connection may be closed by the other side just as it is used again; Go's client also retries this once.
      const isRepeatable = request.isRepeatable ?? (request.method ?? 'GET') === 'GET';
      const isStale = !signal.aborted && isRepeatable && isReset(error);
      if (!isStale) throw error;
      return await exchange(pool, url, request, signal);
    } finally {
      if (!isFirst) pool.release();
    }
  };

  return {
    async send(request, outer) {
      outer.throwIfAborted();
      const first = parseUrl(request.url);
      const deadline = new AbortController();
      const abort = () => deadline.abort(outer.reason);
      outer.addEventListener('abort', abort, { once: true });
      const what = `${request.method ?? 'GET'} ${shownUrl(first)}`;
      const timer = deps.clock.after(timeoutMs, () =>
        deadline.abort(
          new WindlassError('SourceTimeout', `${what} got no answer within ${timeoutMs} ms`, {
            hint: 'check the source, or raise timeout or KEDA_HTTP_DEFAULT_TIMEOUT',
          }),
        ),
      );
      try {
        let url = first;
        let current = request;
        for (let redirects = 0; ; redirects++) {
          const answer = await hop(url, current, redirects === 0, deadline.signal);
          const location = answer.headers.location;
          if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
          if (redirects === MOST_REDIRECTS)
            throw new WindlassError('SourceAnswerInvalid', `${what} was redirected more than ${MOST_REDIRECTS} times`);
          const next = parseUrl(new URL(location, url));
          current = redirected(current, answer.status, next.origin === url.origin);
          url = next;
        }
      } catch (error) {
        if (outer.aborted) throw outer.reason;
        if (deadline.signal.aborted) throw deadline.signal.reason;
        throw connectionError(what, error);
      } finally {
        timer.cancel();
        outer.removeEventListener('abort', abort);
      }
    },
    keepOnly(origins) {
      for (const [origin, pool] of held) {
        if (origins.has(origin)) continue;
        held.delete(origin);
        pool.release();
      }
    },
    async close() {
      closed = true;
      for (const pool of held.values()) pool.release();
      held.clear();
    },
  };
}

function parseUrl(text: URL | string): URL {
  const url = URL.canParse(String(text)) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new WindlassError('InvalidTrigger', 'the address is not an http or https URL', {
      hint: 'write it as http://host:port/path',
    });
  return url;
}

/** As Go and browsers do: 303, and 301 and 302 after a POST, ask with GET; another origin gets no credential. */
function redirected(request: HttpRequest, status: number, isSameOrigin: boolean): HttpRequest {
  const { authHeaders, body, method = 'GET', ...rest } = request;
  const keepsBody = status === 307 || status === 308;
  return {
    ...rest,
    method: keepsBody || method === 'GET' ? method : 'GET',
    ...(keepsBody && body !== undefined ? { body } : {}),
    ...(isSameOrigin && authHeaders ? { authHeaders } : {}),
  };
}

async function roundTrip(pool: PoolLease, url: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  signal.throwIfAborted();
  const answer = await dispatchRequest(pool.dispatcher, {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: request.method ?? 'GET',
    headers: { 'user-agent': 'windlass', ...basicFromUrl(url), ...request.headers, ...request.authHeaders },
    body: request.body ?? null,
    signal,
  });
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LARGEST_BODY) {
      answer.body.destroy();
      throw new WindlassError('SourceAnswerInvalid', `${shownUrl(url)} answered more than ${LARGEST_BODY} bytes`);
    }
  }
  return { status: answer.statusCode, headers, body: Buffer.concat(chunks).toString('utf8') };
}

/** Go's client turns `http://user:password@host` into basic authentication. */
function basicFromUrl(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function isReset(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}
