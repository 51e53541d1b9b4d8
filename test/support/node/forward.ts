import { connect, createServer, type Server, type Socket } from 'node:net';

/** Lets pods reach servers that listen on 127.0.0.1: each gets a port of the machine's address on the cable to the node. */
export interface Forwarder {
  /** The port on `host` that leads to a port of 127.0.0.1. */
  forward(port: number): Promise<number>;
  stop(): Promise<void>;
}

export function createForwarder(host: string): Forwarder {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  return {
    async forward(port) {
      const server = createServer((client) => {
        const upstream = connect(port, '127.0.0.1');
        keep(client);
        keep(upstream);
        client.pipe(upstream).pipe(client);
        client.once('close', () => upstream.destroy());
        upstream.once('close', () => client.destroy());
      });
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, host, resolve);
      });
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
      return address.port;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}
