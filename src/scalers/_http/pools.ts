import { createHash } from 'node:crypto';
import { createPool, type Dispatcher } from '../../base/connection-pool.ts';
import type { HttpSettings } from '../definition.ts';
import { proxyFor } from './proxy.ts';
import { type TlsMaterial, tlsOptions } from './tls.ts';

/** A share of a connection pool. */
export interface PoolLease {
  dispatcher: Dispatcher;
  /** Gives the share back; the pool goes with its last one. Safe to call twice. */
  release(): void;
}

export interface PoolOptions {
  settings: HttpSettings;
  env: Readonly<Record<string, string | undefined>>;
  tls: TlsMaterial;
}

/** Enough for many triggers on one host, few enough that a hanging host cannot use up file descriptors. */
const CONNECTIONS = 64;

/** Ten thousand triggers on one Prometheus need one pool, hence one set of connections, not ten thousand. */
const pools = new Map<string, { dispatcher: Promise<Dispatcher>; users: number }>();

/**
 * A share of the pool for a URL's origin. Equal origins with equal TLS material share one.
 * @throws InvalidTrigger when the TLS material is unusable
 */
export async function leasePool(url: URL, options: PoolOptions): Promise<PoolLease> {
  const proxy = proxyFor(url, options.env);
  const key = createHash('sha256')
    .update(JSON.stringify([url.origin, proxy, options.settings, url.protocol === 'https:' ? options.tls : null]))
    .digest('base64');
  const entry = pools.get(key) ?? { dispatcher: open(url, proxy, options), users: 0 };
  pools.set(key, entry);
  entry.users++;
  let released = false;
  const release = () => {
    if (released) return;
    released = true;
    if (--entry.users > 0) return;
    if (pools.get(key) === entry) pools.delete(key);
    entry.dispatcher.then(
      (dispatcher) => dispatcher.destroy(),
      () => {},
    );
  };
  try {
    return { dispatcher: await entry.dispatcher, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Pools that are open now; for tests that look for leaks. */
export function openPools(): number {
  return pools.size;
}

async function open(url: URL, proxy: string | undefined, { settings, tls }: PoolOptions): Promise<Dispatcher> {
  const connect = url.protocol === 'https:' ? tlsOptions(settings, tls) : {};
  // KEDA_HTTP_DISABLE_KEEP_ALIVE: undici opens a connection per request when nothing may be pipelined.
  const pipelining = settings.keepAlive ? 1 : 0;
  if (proxy === undefined)
    return createPool(url.origin, {
      connections: CONNECTIONS,
      pipelining,
      connect: { timeout: settings.timeoutMs, ...connect },
    });
  const { ProxyAgent } = await import('undici');
  return new ProxyAgent({
    uri: proxy,
    connections: CONNECTIONS,
    pipelining,
    requestTls: { timeout: settings.timeoutMs, ...connect },
  });
}
