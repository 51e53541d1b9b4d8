import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { WindlassError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { CONTENT_TYPE } from './registry.ts';

export interface TelemetryServerOptions {
  /** Text of the series; leave it out on an address for health only. */
  render?: (() => Iterable<string>) | undefined;
  /** Whether the process works, and whether it can serve; a text says why not. Left out: nothing is served there. */
  health?: { live(): true | string; ready(): true | string } | undefined;
  log: Logger;
}

export interface TelemetryServer {
  /** @throws PortInUse */
  listen(host: string | undefined, port: number): Promise<{ port: number }>;
  close(): Promise<void>;
}

/** Plain HTTP for probes (`/healthz`, `/livez`, `/readyz`) and for Prometheus (`/metrics`). */
export function createTelemetryServer({ render, health, log }: TelemetryServerOptions): TelemetryServer {
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      // A scraper that hangs up in the middle is none of our failures.
      if (!request.socket.destroyed) log.warn('cannot answer a probe or a scrape', { path: request.url, error });
      response.destroy();
    });
  });

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return text(response, 405, 'only GET is served here\n');
    if (health && (path === '/healthz' || path === '/livez')) return state(response, health.live());
    if (health && path === '/readyz') return state(response, health.ready());
    if (render && path === '/metrics') return scrape(request, response, render());
    text(response, 404, `there is nothing at ${path}\n`);
  };

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const onError = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port));
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          server.on('error', (error) => log.error('the server for probes and metrics failed', { error }));
          resolve({ port: (server.address() as AddressInfo).port });
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Reads a bind address as Go programs write it (`:8080`, `127.0.0.1:8080`, `[::1]:8080`); `0` and the empty text switch
 * the server off.
 * @throws InvalidArgument
 */
export function parseBindAddress(
  address: string,
  flag: string,
): { host: string | undefined; port: number } | undefined {
  if (address === '' || address === '0') return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new WindlassError('InvalidArgument', `${flag} is "${address}", which is no address`, {
      hint: 'write it as :8080, 127.0.0.1:8080 or [::1]:8080, or 0 to switch it off',
    });
  }
  return { host: match[1] || match[2] || undefined, port };
}

function listenError(error: NodeJS.ErrnoException, host: string | undefined, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new WindlassError('PortInUse', `port ${port} of ${host ?? 'all addresses'} is in use already`, {
    cause: error,
    hint: 'stop the other program, or choose another port with --metrics-bind-address or --health-probe-bind-address',
  });
}

function state(response: ServerResponse, verdict: true | string) {
  if (verdict === true) text(response, 200, 'ok');
  else text(response, 500, `not ok: ${verdict}\n`);
}

function text(response: ServerResponse, code: number, body: string) {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Family by family, so that a large page is never in memory as a whole. */
async function scrape(request: IncomingMessage, response: ServerResponse, pieces: Iterable<string>) {
  const zipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  response.writeHead(200, { 'content-type': CONTENT_TYPE, ...(zipped ? { 'content-encoding': 'gzip' } : {}) });
  const source = Readable.from(pieces, { objectMode: false });
  if (zipped) await pipeline(source, createGzip({ level: constants.Z_BEST_SPEED }), response);
  else await pipeline(source, response);
}
