import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import path from 'node:path';

/**
 * Stands in for kube-proxy towards the API server: what that dials for aggregated APIs and webhooks comes here as HTTP
 * CONNECT (Kubernetes: EgressSelectorConfiguration, `cluster`), and goes on to a port of this machine when its address
 * has a route or is on this machine already. Everything else is refused: addresses of Services and pods mean nothing
 * here, and on the network around us they may be somebody else's.
 */
export interface ServiceProxy {
  /** The configuration for --egress-selector-config-file. */
  configFile: string;
  /** Leads `host:port`, as the API server dials it, to a port of 127.0.0.1. */
  route(address: string, port: number): void;
  stop(): Promise<void>;
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost']);

export async function startServiceProxy(folder: string): Promise<ServiceProxy> {
  const routes = new Map<string, number>();
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connection', keep);
  server.on('connect', (request, client: Socket, head: Buffer) => {
    const address = request.url ?? '';
    const { hostname, port } = new URL(`tcp://${address}`);
    const target = routes.get(address) ?? (LOOPBACK.has(hostname) ? Number(port) : undefined);
    if (target === undefined) {
      client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    keep(upstream);
    upstream.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    upstream.once('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    client.once('close', () => upstream.destroy());
  });
  // A socket file, for without TLS Kubernetes 1.36 takes nothing else: an http:// address makes it panic (getTLSConfig).
  const udsName = path.join(folder, 'services.sock');
  await new Promise<void>((resolve) => server.listen(udsName, resolve));
  const configFile = path.join(folder, 'egress.yaml');
  const connection = { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName } } };
  const config = {
    apiVersion: 'apiserver.k8s.io/v1beta1',
    kind: 'EgressSelectorConfiguration',
    egressSelections: [{ name: 'cluster', connection }],
  };
  await writeFile(configFile, JSON.stringify(config));
  return {
    configFile,
    route: (address, target) => routes.set(address, target),
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
