import { createHmac } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { HttpAnswer, HttpClient } from '../_http/client.ts';
import { shownUrl, statusError } from '../_http/errors.ts';
import type { StorageTarget } from './storage-connection.ts';

/** Bearer tokens need 2017-11-09 or later; this one is also known to every Azurite since 3.16. */
const API_VERSION = '2021-12-02';

/**
 * Reads from Azure Storage's REST interface: two calls do not need an SDK that costs 39 MB of resident memory.
 * Resolves with the answer when its status is 200.
 * @throws CredentialRefused, SourceNotFound, SourceThrottled and their kin, naming Azure's own error code
 */
export async function storageGet(
  http: HttpClient,
  clock: Clock,
  { endpoint, credential }: StorageTarget,
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const url = new URL(`${endpoint}/${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const headers: Record<string, string> = {
    'x-ms-date': new Date(clock.now()).toUTCString(),
    'x-ms-version': API_VERSION,
  };
  let authorization: string | undefined;
  if (credential.kind === 'signature')
    for (const [k, v] of new URLSearchParams(credential.query)) url.searchParams.set(k, v);
  if (credential.kind === 'shared-key')
    authorization = `SharedKey ${credential.account}:${sign(credential.key, textToSign(credential.account, url, headers))}`;
  if (credential.kind === 'token') authorization = `Bearer ${await credential.token(signal)}`;
  const answer = await http.send({ url, headers, authHeaders: authorization ? { authorization } : {} }, signal);
  if (answer.status === 200) return answer;
  throw statusError({
    what: `GET ${shownUrl(url)}`,
    status: answer.status,
    headers: answer.headers,
    now: clock.now(),
    detail: answer.headers['x-ms-error-code'],
  });
}

function sign(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('base64');
}

/** Azure's "Shared Key" for a GET without a body: eleven standard headers, all empty, then ours and the resource. */
function textToSign(account: string, url: URL, headers: Readonly<Record<string, string>>): string {
  const own = Object.keys(headers).sort();
  const names = [...new Set(url.searchParams.keys())].sort();
  return [
    'GET',
    ...Array.from({ length: 11 }, () => ''),
    ...own.map((name) => `${name}:${headers[name]}`),
    `/${account}${url.pathname}`,
    ...names.map((name) => `${name.toLowerCase()}:${url.searchParams.getAll(name).sort().join(',')}`),
  ].join('\n');
}
