import { readFile } from 'node:fs/promises';
import { describeError, WindlassError } from '../../base/errors.ts';
import type { HttpClient } from '../_http/client.ts';
import { statusError } from '../_http/errors.ts';
import type { PodIdentity, ScalerDeps } from '../definition.ts';

/** A token a minute before its end may not reach the service in time. */
const RENEW_BEFORE_MS = 5 * 60_000;

interface CachedToken {
  text: Promise<string>;
  /** Clock.monotonic when a new one is to be asked for; infinite while the answer is awaited. */
  until: number;
}

/** Equal identities share a token: a thousand triggers must not ask for a thousand. */
const tokens = new Map<string, CachedToken>();

export interface IdentityOptions {
  /** `https://storage.azure.com/.default` and the like. */
  scope: string;
  podIdentity: PodIdentity;
  /** Of the trigger's cloud. */
  defaultAuthority: string;
  deps: Pick<ScalerDeps, 'clock' | 'env'>;
  http: HttpClient;
}

/**
 * Gives access tokens by Microsoft Entra Workload ID: the service account's token, which the kubelet keeps fresh in a
 * file, is exchanged for one of the service. Reads AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID, AZURE_TENANT_ID and
 * AZURE_AUTHORITY_HOST; the pod identity's own ids go before.
 */
export function workloadIdentity({ scope, podIdentity, defaultAuthority, deps, http }: IdentityOptions) {
  const { clock, env } = deps;
  const client = podIdentity.identityId || env.AZURE_CLIENT_ID;
  const tenant = podIdentity.identityTenantId || env.AZURE_TENANT_ID;
  const authority = podIdentity.identityAuthorityHost || env.AZURE_AUTHORITY_HOST || defaultAuthority;
  const file = env.AZURE_FEDERATED_TOKEN_FILE;

  const ask = async (entry: CachedToken, signal: AbortSignal): Promise<string> => {
    if (!client || !tenant || !file)
      throw new WindlassError('CredentialNotFound', 'the operator has no Azure workload identity', {
        hint: 'label its pod azure.workload.identity/use=true and annotate its service account, so that AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE are set',
      });
    const assertion = await readFile(file, 'utf8').catch((cause) => {
      throw new WindlassError('CredentialNotFound', `cannot read AZURE_FEDERATED_TOKEN_FILE: ${describeError(cause)}`, {
        cause,
      });
    });
    const answer = await http.send(
      {
        url: `${authority.replace(/\/+$/, '')}/${tenant}/oauth2/v2.0/token`,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: client,
          scope,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion.trim(),
        }).toString(),
      },
      signal,
    );
    const body = parse(answer.body);
    if (answer.status === 400 || answer.status === 401)
      // AADSTS codes say what is wrong ("AADSTS70021: no matching federated identity"); the text names ids, not secrets.
      throw new WindlassError(
        'CredentialRefused',
        `Microsoft Entra refuses the workload identity: ${body.error ?? answer.status}`,
        {
          hint: `check the federated credential of client ${client} in tenant ${tenant}`,
        },
      );
    if (answer.status !== 200)
      throw statusError({
        what: 'the token request',
        status: answer.status,
        headers: answer.headers,
        now: clock.now(),
      });
    if (body.token === undefined || !(body.expiresIn > 0))
      throw new WindlassError('SourceAnswerInvalid', 'Microsoft Entra answered without a token');
    const lifetime = body.expiresIn * 1000;
    entry.until = clock.monotonic() + Math.max(lifetime - RENEW_BEFORE_MS, lifetime / 2);
    return body.token;
  };

  return async (signal: AbortSignal): Promise<string> => {
    const key = JSON.stringify([authority, tenant, client, scope, file]);
    const known = tokens.get(key);
    if (known && clock.monotonic() < known.until) {
      try {
        return await known.text;
      } catch (error) {
        // Another trigger's request that was given up is no answer for this one.
        if (signal.aborted || error instanceof WindlassError) throw error;
      }
    }
    const entry: CachedToken = { text: Promise.resolve(''), until: Number.POSITIVE_INFINITY };
    entry.text = ask(entry, signal);
    tokens.set(key, entry);
    try {
      return await entry.text;
    } catch (error) {
      if (tokens.get(key) === entry) tokens.delete(key);
      throw error;
    }
  };
}

function parse(text: string): { token: string | undefined; expiresIn: number; error: string | undefined } {
  try {
    const body = JSON.parse(text);
    const description =
      typeof body.error_description === 'string' ? body.error_description.split(/\r?\n/)[0] : undefined;
    return {
      token: typeof body.access_token === 'string' ? body.access_token : undefined,
      expiresIn: Number(body.expires_in),
      error: description ?? (typeof body.error === 'string' ? body.error : undefined),
    };
  } catch {
    return { token: undefined, expiresIn: 0, error: undefined };
  }
}
