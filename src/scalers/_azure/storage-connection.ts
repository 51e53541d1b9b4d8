import { WindlassError } from '../../base/errors.ts';

export type StorageService = 'blob' | 'queue';

/** How requests to a storage account prove themselves. */
export type StorageCredential =
  | { kind: 'shared-key'; account: string; key: Buffer }
  /** A shared access signature: query parameters without the question mark. */
  | { kind: 'signature'; query: string }
  | { kind: 'token'; account: string; token: (signal: AbortSignal) => Promise<string> };

export interface StorageTarget {
  /** `https://account.queue.core.windows.net`, without a slash at the end. */
  endpoint: string;
  credential: StorageCredential;
}

/** Microsoft prints both in the emulator's documentation: an address, not a secret. */
const EMULATOR_ACCOUNT = 'devstoreaccount1';
const EMULATOR_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const EMULATOR_PORTS: Record<StorageService, number> = { blob: 10000, queue: 10001 };

/**
 * Reads an Azure Storage connection string: account and key, a shared access signature, custom endpoints, or the
 * emulator (`UseDevelopmentStorage=true`).
 * @throws InvalidTrigger saying which part is missing, without showing any
 */
export function parseStorageConnection(text: string, service: StorageService): StorageTarget {
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) parts.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const get = (name: string) => parts.get(name) || undefined;
  const fail = (why: string) =>
    new WindlassError('InvalidTrigger', `the storage connection string cannot be used: ${why}`, {
      hint: 'copy it from the storage account: DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net',
    });

  if (get('UseDevelopmentStorage')?.toLowerCase() === 'true') {
    const host = get('DevelopmentStorageProxyUri') ?? 'http://127.0.0.1';
    if (!URL.canParse(host)) throw fail('DevelopmentStorageProxyUri is not a URL');
    const { protocol, hostname } = new URL(host);
    return {
      endpoint: `${protocol}//${hostname}:${EMULATOR_PORTS[service]}/${EMULATOR_ACCOUNT}`,
      credential: { kind: 'shared-key', account: EMULATOR_ACCOUNT, key: Buffer.from(EMULATOR_KEY, 'base64') },
    };
  }

  const account = get('AccountName');
  const endpoint = get(service === 'queue' ? 'QueueEndpoint' : 'BlobEndpoint') ?? endpointOf(account, service, get);
  if (endpoint === undefined) throw fail('it has neither AccountName nor an endpoint');
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) throw fail('its endpoint is not a URL');
  const base = endpoint.replace(/\/+$/, '');

  const signature = get('SharedAccessSignature')?.replace(/^\?/, '');
  if (signature !== undefined) return { endpoint: base, credential: { kind: 'signature', query: signature } };
  const key = get('AccountKey');
  if (account === undefined) throw fail('AccountName is missing');
  if (key === undefined) throw fail('AccountKey (or SharedAccessSignature) is missing');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) throw fail('AccountKey is not Base64');
  return { endpoint: base, credential: { kind: 'shared-key', account, key: Buffer.from(key, 'base64') } };
}

function endpointOf(
  account: string | undefined,
  service: StorageService,
  get: (name: string) => string | undefined,
): string | undefined {
  if (account === undefined) return undefined;
  const protocol = get('DefaultEndpointsProtocol') ?? 'https';
  return `${protocol}://${account}.${service}.${get('EndpointSuffix') ?? 'core.windows.net'}`;
}
