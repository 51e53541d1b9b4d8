import type { IncomingMessage, ServerResponse } from 'node:http';
import { stringify } from 'yaml';
import { statusOf } from '../failures.ts';
import type { Negotiated } from './request.ts';

/** A request on its way through the server. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  query: URLSearchParams;
  accept: Negotiated;
  warnings: string[];
}

/** Sends a value in the encoding that the client takes. */
export function send(
  { response, accept, warnings, query }: Exchange,
  code: number,
  value: unknown,
  type?: string,
  cacheControl = 'no-cache, private',
): void {
  if (response.headersSent || response.destroyed) return;
  const yaml = accept.encoding === 'yaml';
  const pretty = query.get('pretty') === 'true' || query.get('pretty') === '1';
  const body = Buffer.from(yaml ? stringify(value) : JSON.stringify(value, null, pretty ? 2 : undefined));
  for (const text of warnings) response.appendHeader('Warning', `299 - ${JSON.stringify(text)}`);
  response.writeHead(code, {
    'content-type': type ?? (yaml ? 'application/yaml' : 'application/json'),
    'content-length': body.length,
    'cache-control': cacheControl,
  });
  response.end(body);
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length });
  response.end(body);
}

export function sendError(exchange: Exchange, error: unknown): void {
  const { code, body } = statusOf(error);
  if (exchange.response.headersSent) {
    exchange.response.destroy();
    return;
  }
  if (code === 429 || code === 503) exchange.response.setHeader('retry-after', '1');
  send(exchange, code, body);
}
