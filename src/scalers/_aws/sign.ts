import { sign } from 'aws4';
import type { HttpRequest } from '../_http/client.ts';

export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface SignOptions {
  service: string;
  region: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  keys: AwsKeys;
  /** Wall clock, milliseconds since 1970. */
  now: number;
}

/** A POST with a signature of version 4. It may be sent twice: what is asked for here changes nothing. */
export function signed({ service, region, url, headers, body, keys, now }: SignOptions): HttpRequest {
  const { host, pathname, search } = new URL(url);
  const stamp = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const request = sign(
    {
      service,
      region,
      host,
      method: 'POST',
      path: `${pathname}${search}`,
      headers: { ...headers, 'X-Amz-Date': stamp },
      body,
    },
    keys,
  );
  const secret: Record<string, string> = {};
  // The client sets these two itself.
  for (const [name, value] of Object.entries(request.headers ?? {}))
    if (!/^(host|content-length)$/i.test(name) && value !== undefined) secret[name.toLowerCase()] = String(value);
  return { url, method: 'POST', authHeaders: secret, body, isRepeatable: true };
}
