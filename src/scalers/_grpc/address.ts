import { WindlassError } from '../../base/errors.ts';

/** Where a gRPC server listens. */
export type GrpcAddress =
  | { kind: 'host'; host: string; port: number; authority: string }
  | { kind: 'socket'; path: string; authority: string };

/** grpc-go: a name without a port means this one, with or without TLS. */
const DEFAULT_PORT = 443;

/**
 * Reads an address as gRPC clients do: `host:port`, `[::1]:port`, `dns:///host:port`, `passthrough:///host:port`,
 * `unix:path`. Names are resolved when a connection is opened.
 * @throws InvalidTrigger when it is none of these
 */
export function parseAddress(text: string): GrpcAddress {
  const socket = /^unix:(?:\/\/)?(.+)$/.exec(text);
  if (socket?.[1]) return { kind: 'socket', path: socket[1], authority: 'localhost' };
  const plain = text.replace(/^(dns|passthrough):(\/\/\/)?/, '');
  const parts = /^(?:\[([^\]]+)\]|([^:/[\]]+))(?::(\d{1,5}))?$/.exec(plain);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3] ?? DEFAULT_PORT);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new WindlassError('InvalidTrigger', `"${text}" is not an address of a gRPC server`, {
      hint: 'write it as host:port, without a scheme such as http:// and without a path',
    });
  }
  return { kind: 'host', host, port, authority: parts?.[3] ? plain : `${plain}:${port}` };
}
