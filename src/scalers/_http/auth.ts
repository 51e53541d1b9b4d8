import type { HttpAuthConfig } from './auth-fields.ts';
import type { TlsMaterial } from './tls.ts';

export type HttpAuthMode = 'apiKey' | 'basic' | 'tls' | 'bearer';

export interface RequestAuth {
  authHeaders: Record<string, string>;
  /** Query parameters that carry a credential. */
  query: Record<string, string>;
}

/** What the given modes add to a request; each scaler says which of the modes it reads. */
export function requestAuth(config: HttpAuthConfig, modes: readonly HttpAuthMode[]): RequestAuth {
  const authHeaders: Record<string, string> = {};
  const query: Record<string, string> = {};
  for (const mode of modes) {
    if (!config.authModes?.includes(mode)) continue;
    if (mode === 'bearer') authHeaders.authorization = `Bearer ${config.bearerToken}`;
    if (mode === 'basic') {
      const pair = `${config.username}:${config.password ?? ''}`;
      authHeaders.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    if (mode === 'apiKey' && config.apiKey !== undefined) {
      if (config.method === 'query') query[config.keyParamName ?? 'api_key'] = config.apiKey;
      else authHeaders[config.keyParamName ?? 'X-API-KEY'] = config.apiKey;
    }
  }
  return { authHeaders, query };
}

/** The certificates that a configuration asks for. `ca` is trusted whenever it is given, the pair used in mode `tls`. */
export function tlsMaterial(config: HttpAuthConfig & { unsafeSsl?: boolean | undefined }): TlsMaterial {
  const { ca, cert, key, unsafeSsl } = config;
  return { ca, unsafeSsl, ...(config.authModes?.includes('tls') ? { cert, key } : {}) };
}
