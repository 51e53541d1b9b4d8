import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { WindlassError } from '../../base/errors.ts';
import { type TlsMaterial, tlsOptions } from '../_http/tls.ts';
import type { HttpSettings } from '../definition.ts';
import { type GrpcAddress, parseAddress } from './address.ts';
import { type Broken, exchange, isBroken } from './exchange.ts';
import { type Link, openLink } from './link.ts';

/** A way to one gRPC server. Connections are opened when a call needs one, and again after they broke. */
export interface GrpcChannel {
  /**
   * One request, one answer. Ends with SourceTimeout after `timeoutMs`, with the error of the server's status, with
   * SourceUnavailable when the connection breaks, and with the signal's reason when aborted.
   */
  unary(method: string, request: Uint8Array, options: { timeoutMs: number; signal: AbortSignal }): Promise<Uint8Array>;
  /** One request, many answers; resolves when the server ends the stream with OK, else as `unary`. */
  stream(
    method: string,
    request: Uint8Array,
    options: { signal: AbortSignal; onMessage(message: Uint8Array): void },
  ): Promise<void>;
  /** Gives the share back; connections go with the last one. Safe to call twice. */
  close(): void;
}

export interface ChannelOptions {
  address: string;
  /** Absent: plain text. */
  tls: TlsMaterial | undefined;
  http: Pick<HttpSettings, 'minTlsVersion' | 'extraCa'>;
  clock: Clock;
}

/** Everything that goes to one address with one credential. */
interface Hub {
  address: GrpcAddress;
  links: Set<Link>;
  opening: Promise<Link> | undefined;
  users: number;
  /** Aborted with the last user. */
  over: AbortController;
  open(): Promise<Link>;
}

/** A thousand objects of one external scaler need one connection, not a thousand. */
const hubs = new Map<string, Hub>();
/** A call that has no answer by then makes the connection show that it lives. */
const DOUBT_MS = 5_000;

/** Servers that connections are shared for now; for tests that look for leaks. */
export function openChannels(): number {
  return hubs.size;
}

/**
 * A share of the connections to an address with a credential; opens none by itself.
 * @throws InvalidTrigger when the address or the TLS material cannot be used
 */
export function leaseChannel(options: ChannelOptions): GrpcChannel {
  const { clock } = options;
  const { key, hub } = join(options);
  let closed = false;

  const linkFor = (signal: AbortSignal) => {
    if (closed) throw new WindlassError('Internal', 'the channel is closed');
    return takeLink(hub, signal);
  };

  return {
    async unary(method, request, { timeoutMs, signal }) {
      signal.throwIfAborted();
      const limit = new AbortController();
      const abort = () => limit.abort(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const what = `${method.slice(method.lastIndexOf('/') + 1)} of ${hub.address.authority}`;
      const deadline = clock.monotonic() + timeoutMs;
      const timer = clock.after(timeoutMs, () =>
        limit.abort(
          new WindlassError('SourceTimeout', `${what} gave no answer within ${timeoutMs / 1000} s`, {
            hint: 'check the server: it has to answer from what it knows, not from a slow question of its own',
          }),
        ),
      );
      const once = async (): Promise<Uint8Array> => {
        const link = await linkFor(limit.signal);
        const wasUsed = link.carried > 1;
        const doubt = clock.after(DOUBT_MS, () => link.prove());
        const answers: Uint8Array[] = [];
        try {
          await exchange(link.session, {
            what,
            authority: hub.address.authority,
            method,
            request,
            timeoutMs: Math.max(1, Math.round(deadline - clock.monotonic())),
            signal: limit.signal,
            onMessage: (message) => answers.push(message),
          });
        } catch (error) {
          if (isBroken(error)) throw Object.assign(error, { wasUsed });
          throw error;
        } finally {
          link.active--;
          doubt.cancel();
        }
        const [answer] = answers;
        if (answer === undefined || answers.length > 1)
          throw new WindlassError('SourceAnswerInvalid', `${what} gave ${answers.length} messages instead of one`);
        return answer;
      };
      try {
        return await once().catch((error: Broken & { wasUsed?: boolean }) => {
          // A kept connection may be closed by the other side just as it is used again. All calls here only read.
          if (!limit.signal.aborted && isBroken(error) && error.wasUsed) return once();
          throw error;
        });
      } finally {
        timer.cancel();
        signal.removeEventListener('abort', abort);
      }
    },
    async stream(method, request, { signal, onMessage }) {
      signal.throwIfAborted();
      const link = await linkFor(signal);
      const { authority } = hub.address;
      const what = `${method.slice(method.lastIndexOf('/') + 1)} of ${authority}`;
      try {
        await exchange(link.session, { what, authority, method, request, signal, onMessage });
      } finally {
        link.active--;
      }
    },
    close() {
      if (closed) return;
      closed = true;
      if (--hub.users > 0) return;
      if (hubs.get(key) === hub) hubs.delete(key);
      hub.over.abort(new WindlassError('Internal', 'the channel is closed'));
      for (const link of hub.links) link.close();
    },
  };
}

function join({ address: text, tls, http, clock }: ChannelOptions): { key: string; hub: Hub } {
  const address = parseAddress(text);
  const options = tls && tlsOptions(http, tls);
  const key = createHash('sha256')
    .update(JSON.stringify([address, tls ?? null, http.minTlsVersion, http.extraCa]))
    .digest('base64');
  let hub = hubs.get(key);
  if (!hub) {
    const links = new Set<Link>();
    const made: Hub = {
      address,
      links,
      opening: undefined,
      users: 0,
      over: new AbortController(),
      async open() {
        let opened: Link | undefined;
        const link = await openLink({
          address,
          tls: options,
          clock,
          signal: made.over.signal,
          onClose: () => {
            if (opened) links.delete(opened);
          },
        });
        opened = link;
        if (!link.session.destroyed) links.add(link);
        if (made.users === 0) link.close();
        return link;
      },
    };
    hub = made;
    hubs.set(key, hub);
  }
  hub.users++;
  return { key, hub };
}

/**
 * A place for one more call, which the caller gives back by counting `active` down. Opens another connection when all
 * are as busy as the server allows: some allow a hundred streams, and each push trigger holds two.
 */
async function takeLink(hub: Hub, signal: AbortSignal): Promise<Link> {
  for (;;) {
    signal.throwIfAborted();
    for (const link of hub.links) {
      const { session } = link;
      const limit = Math.max(1, session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY);
      if (session.closed || session.destroyed || link.active >= limit) continue;
      link.active++;
      link.carried++;
      return link;
    }
    if (hub.users === 0) throw new WindlassError('Internal', 'the channel is closed');
    if (!hub.opening) {
      const opening = hub.open();
      hub.opening = opening;
      const over = () => {
        if (hub.opening === opening) hub.opening = undefined;
      };
      opening.then(over, over);
    }
    await orAborted(hub.opening, signal);
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
