import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describeError, WindlassError } from '../../base/errors.ts';
import { isExempt, judge } from './judge.ts';
import { WEBHOOKS, type WebhookPath } from './paths.ts';
import { type AdmissionRequest, answerReview, answerUndecodable, readReview } from './review.ts';
import type { AdmissionServer, AdmissionServerOptions, Verdict } from './types.ts';

/** An object of etcd's largest size, its old state and the envelope; controller-runtime draws the line here too. */
const LARGEST_BODY = 7 * 1024 * 1024;
const KEEP_ALIVE_MS = 120_000;
const DRAIN_MS = 5_000;
/** What Kubernetes waits for a webhook unless the configuration says otherwise. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** Left for the way back: an answer in time with a note is worth more than a late one. */
const MARGIN_MS = 1_000;

/** Serves the validating webhooks of all kinds over HTTPS. Never writes anything. */
export function createAdmissionServer(options: AdmissionServerOptions): AdmissionServer {
  const { facts, log, clock, metrics, minTlsVersion: minVersion = 'TLSv1.2' } = options;
  const paths = new Map(WEBHOOKS.map((webhook) => [webhook.path, webhook]));

  const server = createServer(
    { ...options.tls, minVersion, keepAliveTimeout: KEEP_ALIVE_MS },
    (request: IncomingMessage, response: ServerResponse) => {
      handle(request, response).catch((error: unknown) => {
        log.error('an admission request failed', { path: request.url, error });
        if (!response.headersSent) sendText(response, 500, describeError(error));
        else response.destroy();
      });
    },
  );
  server.on('tlsClientError', (error) => log.debug('a TLS handshake failed', { error }));

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'https://localhost');
    if (url.pathname === '/healthz' || url.pathname === '/readyz') return sendText(response, 200, 'ok');
    const webhook = paths.get(url.pathname);
    if (webhook === undefined) return sendText(response, 404, `there is no webhook at ${url.pathname}`);
    if (request.method !== 'POST') return sendText(response, 405, 'send an AdmissionReview with POST');
    const body = await readBody(request);
    if (body === undefined) return sendText(response, 413, `the body is larger than ${LARGEST_BODY} bytes`);
    const review = readReview(body, webhook.kind);
    if ('undecodable' in review) {
      log.warn('an admission request cannot be read', { path: url.pathname, reason: review.undecodable });
      // Without a uid the API server cannot use the answer, so that the status has to tell it.
      return sendJson(response, review.uid === '' ? 400 : 200, answerUndecodable(review));
    }
    sendJson(response, 200, answerReview(review.uid, await decide(webhook, review, timeoutOf(url))));
  };

  const decide = async (webhook: WebhookPath, review: AdmissionRequest, timeoutMs: number): Promise<Verdict> => {
    const { kind } = webhook;
    const isScaled = kind === 'ScaledObject' || kind === 'ScaledJob';
    if (isExempt(review)) return { problems: [], notes: [] };
    const deadline = new AbortController();
    const timer = clock.after(Math.max(timeoutMs - MARGIN_MS, timeoutMs / 2), () =>
      deadline.abort(new WindlassError('KubernetesUnavailable', 'the API server did not answer in time')),
    );
    try {
      const verdict = await judge(kind, review, facts, deadline.signal);
      const { problems } = verdict;
      if (isScaled) {
        const reasons = [...new Set(problems.map(({ reason }) => reason))];
        const action = review.operation === 'CREATE' ? 'create' : 'update';
        metrics?.validation({ kind, namespace: review.namespace, action, reasons });
      }
      if (problems.length > 0) {
        const { namespace, name, operation, dryRun } = review;
        const fields = problems.map(({ path }) => path);
        log.info('an object was refused', { kind, namespace, name, operation, dryRun, fields });
      }
      return verdict;
    } finally {
      timer.cancel();
    }
  };

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const onError = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port));
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          server.on('error', (error) => log.error('the admission server failed', { error }));
          resolve({ host, port: (server.address() as AddressInfo).port });
        });
      }),
    setTls: (tls) => server.setSecureContext({ ...tls, minVersion }),
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

/** The API server says how long it waits: `?timeout=10s`. */
function timeoutOf(url: URL): number {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(url.searchParams.get('timeout') ?? '')?.[1];
  return seconds === undefined ? DEFAULT_TIMEOUT_MS : Math.min(Number(seconds) * 1_000, 30_000);
}

/** The whole body as text; undefined when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read on without keeping it, so that the answer arrives instead of a broken connection.
    if (size <= LARGEST_BODY) chunks.push(chunk);
    else if (size > 4 * LARGEST_BODY) throw new Error('the body does not end');
    else chunks.length = 0;
  }
  return size > LARGEST_BODY ? undefined : Buffer.concat(chunks).toString('utf8');
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new WindlassError('PortInUse', `${host}:${port} is in use already; the webhooks cannot listen there`, {
    cause: error,
    hint: 'stop the other program or choose another port with --webhooks-port',
  });
}

function sendJson(response: ServerResponse, code: number, answer: object): void {
  const body = JSON.stringify(answer);
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
