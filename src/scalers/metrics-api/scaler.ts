import { WindlassError } from '../../base/errors.ts';
import { requestAuth, tlsMaterial } from '../_http/auth.ts';
import { createHttpClient } from '../_http/client.ts';
import { shownUrl, statusError } from '../_http/errors.ts';
import type { Reading, Scaler, ScalerDeps } from '../definition.ts';
import type { Config } from './definition.ts';
import { type Format, valueIn } from './response.ts';

/** KEDA 2.21 asks five endpoints at a time. */
const PARALLEL = 5;

/** Reads a number out of what an address, or every endpoint of a Service, answers. */
export function createScaler(config: Config, deps: ScalerDeps): Scaler {
  const http = createHttpClient({ deps, timeoutMs: config.timeout || undefined, tls: tlsMaterial(config) });
  const { authHeaders, query } = requestAuth(config, ['apiKey', 'basic', 'bearer']);
  const base = parseAddress(config.url);

  const readOne = async (address: URL, signal: AbortSignal): Promise<number> => {
    const url = new URL(address);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { status, headers, body } = await http.send({ url, authHeaders }, signal);
    const what = `GET ${shownUrl(url)}`;
    if (status !== 200) throw statusError({ what, status, headers, now: deps.clock.now() });
    return valueIn(body, config.format as Format, config.valueLocation);
  };

  const readEndpoints = async (signal: AbortSignal): Promise<number> => {
    const addresses = await endpointAddresses(base, deps, signal);
    const values: number[] = [];
    const errors: unknown[] = [];
    const queue = addresses.values();
    const work = async () => {
      // The workers share one iterator, so each takes the next address that is left.
      for (const address of queue) {
        try {
          values.push(await readOne(address, signal));
        } catch (error) {
          signal.throwIfAborted();
          errors.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, addresses.length) }, work));
    http.keepOnly(new Set(addresses.map(({ origin }) => origin)));
    if (values.length === 0) throw errors[0];
    if (errors.length > 0)
      deps.log.warn('some endpoints of a Service gave no value', { failed: errors.length, of: addresses.length });
    return aggregate(values, config.aggregationType);
  };

  const read = async (signal: AbortSignal): Promise<Reading> => ({
    value: config.aggregateFromKubeServiceEndpoints ? await readEndpoints(signal) : await readOne(base, signal),
  });

  return {
    read,
    async check(signal) {
      const { value } = await read(signal);
      return { ok: true, message: `${shownUrl(base)} answers ${value} at ${config.valueLocation}` };
    },
    close: () => http.close(),
  };
}

function parseAddress(text: string): URL {
  if (URL.canParse(text) && /^https?:/i.test(text)) return new URL(text);
  throw new WindlassError('InvalidTrigger', 'url is not an http or https address', {
    hint: 'write it as http://host:port/path',
  });
}

/** The addresses of a Service's ready endpoints: the path is kept, the query dropped (KEDA 2.21). */
async function endpointAddresses(url: URL, { cluster }: ScalerDeps, signal: AbortSignal): Promise<URL[]> {
  const [service, namespace] = url.hostname.split('.');
  if (!service || !namespace)
    throw new WindlassError('InvalidTrigger', `the host "${url.hostname}" does not name a Service and its namespace`, {
      hint: 'with aggregateFromKubeServiceEndpoints the host of url is <service>.<namespace>, such as orders.shop.svc',
    });
  const endpoints = await cluster.serviceEndpoints(namespace, service, signal);
  const wanted = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const found = new Map<string, URL>();
  for (const { address, ports } of endpoints) {
    const host = address.includes(':') ? `[${address}]` : address;
    const port = ports.includes(wanted) ? `:${wanted}` : '';
    if (!found.has(address)) found.set(address, new URL(`${url.protocol}//${host}${port}${url.pathname}`));
  }
  if (found.size === 0)
    throw new WindlassError('SourceUnavailable', `Service ${namespace}/${service} has no ready endpoint`, {
      hint: 'check the name, and that its pods are ready',
    });
  return [...found.values()];
}

function aggregate(values: readonly number[], type: string): number {
  const sum = values.reduce((total, value) => total + value, 0);
  if (type === 'sum') return sum;
  if (type === 'max') return values.reduce((a, b) => Math.max(a, b));
  if (type === 'min') return values.reduce((a, b) => Math.min(a, b));
  return sum / values.length;
}
