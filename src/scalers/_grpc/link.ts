import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { describeError, WindlassError } from '../../base/errors.ts';
import type { TlsOptions } from '../_http/tls.ts';
import type { GrpcAddress } from './address.ts';

/** One HTTP/2 connection. */
export interface Link {
  session: ClientHttp2Session;
  /** Calls that run on it now. */
  active: number;
  /** Calls that it has carried; what fails on a used one may just have been too late. */
  carried: number;
  /** Makes the other side show that it lives: without an answer to a PING the connection is cut. */
  prove(): void;
  close(): void;
}

export interface LinkOptions {
  address: GrpcAddress;
  /** Absent: plain text. */
  tls: TlsOptions | undefined;
  clock: Clock;
  /** Ends the attempt; a link that is open stays. */
  signal: AbortSignal;
  onClose(): void;
}

const CONNECT_MS = 10_000;
/** The kernel asks a silent peer after this time, then each second; libuv gives up after ten that were not answered. */
const TCP_KEEPALIVE_MS = 10_000;
/** gRPC servers cut clients that ping a silent connection more often than every five minutes. */
const PING_EVERY_MS = 310_000;
const PING_ANSWER_MS = 5_000;

/**
 * Opens a connection and waits for the server's first words, which show that HTTP/2 is spoken there.
 * @throws SourceUnavailable, SourceTimeout
 */
export function openLink(options: LinkOptions): Promise<Link> {
  const { address, tls, clock, signal, onClose } = options;
  return new Promise((resolve, reject) => {
    let opened = false;
    let session: ClientHttp2Session | undefined;
    const socket = openSocket(address, tls);
    const onAbort = () => fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const fail = (cause: unknown) => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      session?.destroy();
      socket.destroy();
      if (!opened) reject(connectError(address, tls !== undefined, cause));
    };
    const timer = clock.after(CONNECT_MS, () => {
      const hint =
        'check that the address is reachable from the operator; network policies and firewalls drop silently';
      fail(
        new WindlassError('SourceTimeout', `${address.authority} gave no HTTP/2 answer within ${CONNECT_MS / 1000} s`, {
          hint,
        }),
      );
    });
    // Also later: of a TLS alert that comes after the handshake (no client certificate) the session hears nothing.
    socket.on('error', fail);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      if (tls && (socket as TLSSocket).alpnProtocol !== 'h2') return fail(new Error('the server offers no HTTP/2'));
      session = connectHttp2(`${tls ? 'https' : 'http'}://${address.authority}`, {
        createConnection: () => socket,
        settings: { enablePush: false },
      });
      let lastError: unknown;
      session.on('error', (error) => {
        lastError = error;
      });
      session.once('remoteSettings', () => {
        if (session === undefined || session.destroyed) return;
        opened = true;
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        resolve(linkOf(session, clock));
      });
      session.once('close', () => {
        if (opened) onClose();
        else fail(lastError ?? new Error('the server closed the connection'));
      });
    });
  });
}

function openSocket(address: GrpcAddress, tls: TlsOptions | undefined): Socket {
  if (address.kind === 'socket') return connectTcp({ path: address.path });
  const { host, port } = address;
  const target = { host, port, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS, noDelay: true };
  if (!tls) return connectTcp(target);
  return connectTls({ ...target, ...tls, ALPNProtocols: ['h2'], ...(isName(host) ? { servername: host } : {}) });
}

const isName = (host: string) => !/^[\d.]+$/.test(host) && !host.includes(':');

function linkOf(session: ClientHttp2Session, clock: Clock): Link {
  let asking = false;
  const prove = () => {
    if (asking || session.destroyed) return;
    asking = true;
    const limit = clock.after(PING_ANSWER_MS, () => session.destroy(new Error('the server does not answer')));
    try {
      session.ping((error) => {
        asking = false;
        limit.cancel();
        if (error) session.destroy();
      });
    } catch {
      limit.cancel();
      session.destroy();
    }
  };
  const link: Link = {
    session,
    active: 0,
    carried: 0,
    prove,
    close() {
      session.destroy();
    },
  };
  const keep = () => {
    timer = clock.after(PING_EVERY_MS, () => {
      if (link.active > 0) prove();
      keep();
    });
  };
  let timer = clock.after(0, () => {});
  keep();
  session.once('close', () => timer.cancel());
  return link;
}

function connectError(address: GrpcAddress, isTls: boolean, cause: unknown): WindlassError {
  if (cause instanceof WindlassError) return cause;
  const { code } = (cause ?? {}) as { code?: unknown };
  const why = typeof code === 'string' ? code : describeError(cause);
  return new WindlassError('SourceUnavailable', `connecting to ${address.authority} failed: ${why}`, {
    cause,
    hint: connectHint(why, isTls),
  });
}

function connectHint(why: string, isTls: boolean): string {
  if (/ENOTFOUND|EAI_AGAIN/.test(why))
    return 'check the host name; inside a cluster a service is <name>.<namespace>.svc';
  if (/ECONNREFUSED|ENOENT/.test(why)) return 'nothing listens at that address; check it, and that the server runs';
  if (/CERTIFICATE_REQUIRED|ALERT_BAD_CERTIFICATE/.test(why))
    return 'the server wants a client certificate that it trusts: give tlsClientCert and tlsClientKey';
  if (/WRONG_VERSION|EPROTO|no HTTP\/2|closed the connection|ECONNRESET|HTTP2/.test(why))
    return isTls
      ? 'check that the server speaks gRPC with TLS at that port'
      : 'check that the server speaks gRPC without TLS at that port; otherwise set enableTLS';
  if (/CERT|SELF_SIGNED|UNABLE_TO|TLS|SSL/.test(why))
    return 'give the certificate authority as caCert, or set unsafeSsl for a test';
  return 'check that the address is reachable from the operator';
}
