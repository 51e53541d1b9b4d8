import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface ReceivedRequest {
  method: string;
  /** Path and query as sent. */
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface TestHttpServer {
  url: string;
  /** Everything received so far, in order. */
  requests: ReceivedRequest[];
  /** Open connections. */
  connections(): number;
  /** Cuts every open connection without a word. */
  cut(): void;
  stop(): Promise<void>;
}

export interface HttpServerOptions {
  /** Another address of this machine, such as 127.0.0.2; default 127.0.0.1. */
  host?: string;
  /** Default: a free one. */
  port?: number;
  /** Speak HTTPS with this certificate and key. */
  tls?: ServerOptions;
}

/** A real HTTP server on a free port whose answers the test writes. A handler that throws answers 500 with the text. */
export async function startHttpServer(
  handle: (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>,
  { host = '127.0.0.1', port = 0, tls }: HttpServerOptions = {},
): Promise<TestHttpServer> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const listener: RequestListener = async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    requests.push(request);
    try {
      await handle(request, response);
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  };
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => sockets.size,
    cut,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}

/** Answers with JSON. */
export function answerJson(response: ServerResponse, body: unknown, status = 200, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
