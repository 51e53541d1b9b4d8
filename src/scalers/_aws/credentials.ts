import { createHash } from 'node:crypto';
import { describeError, WindlassError } from '../../base/errors.ts';
import type { HttpClient } from '../_http/client.ts';
import type { ScalerDeps } from '../definition.ts';
import { type AwsConfig, identityKind } from './fields.ts';
import { type Identity, ownIdentity, webIdentity } from './own-identity.ts';
import type { AwsKeys } from './sign.ts';
import { assumeRole, type Session } from './sts.ts';

/** A session is renewed this long before its end: requests take time, and so do clocks that differ. */
const RENEW_BEFORE_MS = 5 * 60_000;

interface Kept {
  identity: Promise<Identity>;
  /** Clock.monotonic when a new one is to be asked for; infinite while the answer is awaited, and for keys without an end. */
  until: number;
}

/** Equal identities share a session: a thousand triggers must not ask for a thousand. */
const sessions = new Map<string, Kept>();

export interface AwsCredentials {
  keys(signal: AbortSignal): Promise<AwsKeys>;
  /** AWS has refused the keys as expired: the next call gets new ones. Whether there can be any. */
  renew(): boolean;
}

export interface CredentialOptions {
  config: AwsConfig;
  deps: Pick<ScalerDeps, 'clock' | 'env' | 'http' | 'observe' | 'context'>;
  http: HttpClient;
}

/**
 * Keys by which a trigger proves itself (KEDA 2.21, "AWS group"). With a role that pod identity `aws` names, the token
 * of the operator's service account is tried first, then the operator's own identity takes the role on.
 */
export function awsCredentials({ config, deps, http }: CredentialOptions): AwsCredentials {
  const { clock, env, context } = deps;
  const { podIdentity } = context;
  const kind = identityKind(config, podIdentity.provider);
  const region = config.awsRegion;
  if (kind === 'keys') {
    const { awsAccessKeyID = '', awsSecretAccessKey = '', awsSessionToken } = config;
    const keys = {
      accessKeyId: awsAccessKeyID,
      secretAccessKey: awsSecretAccessKey,
      ...(awsSessionToken ? { sessionToken: awsSessionToken } : {}),
    };
    return { keys: async () => keys, renew: () => false };
  }
  const common = { region, deps, http };
  const own = (signal: AbortSignal) => share('own', {}, () => ownIdentity(common, signal), signal);
  const role = kind === 'operator' ? undefined : (podIdentity.roleArn ?? config.awsRoleArn);

  /** The role by way of the operator's own identity. */
  const assumed = async (roleArn: string, externalId: string | undefined, signal: AbortSignal): Promise<Session> => {
    const { keys } = await own(signal);
    return assumeRole({ ...common, role: roleArn }, keys, externalId, signal);
  };
  const ofPodIdentity = async (roleArn: string, signal: AbortSignal): Promise<Session> => {
    let first: unknown;
    if (env.AWS_WEB_IDENTITY_TOKEN_FILE) {
      try {
        return await webIdentity(common, roleArn, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        first = error;
      }
    }
    try {
      return await assumed(roleArn, podIdentity.externalID, signal);
    } catch (error) {
      if (first === undefined || signal.aborted) throw error;
      throw new WindlassError(
        error instanceof WindlassError ? error.code : 'SourceUnavailable',
        `${describeError(error)}; before that: ${describeError(first)}`,
        {
          cause: error,
          hint: 'the role must trust the service account of the operator, or the role that the operator has',
        },
      );
    }
  };

  /** Whoever asks first fetches it, everybody else with an equal identity waits for that. */
  async function share(
    name: string,
    what: object,
    fetch: () => Promise<Identity>,
    signal: AbortSignal,
  ): Promise<Identity> {
    const key = keyOf(name, what);
    const known = sessions.get(key);
    if (known && clock.monotonic() < known.until) {
      try {
        return await known.identity;
      } catch (error) {
        // Another trigger's request that was given up is no answer for this one.
        if (signal.aborted || error instanceof WindlassError) throw error;
      }
    }
    const kept: Kept = { identity: fetch(), until: Number.POSITIVE_INFINITY };
    sessions.set(key, kept);
    try {
      const identity = await kept.identity;
      if (identity.expiresAt !== undefined) {
        const lifetime = identity.expiresAt - clock.now();
        kept.until = clock.monotonic() + Math.max(lifetime - RENEW_BEFORE_MS, lifetime / 2);
      }
      return identity;
    } catch (error) {
      if (sessions.get(key) === kept) sessions.delete(key);
      throw error;
    }
  }
  /** What the identity depends on. A digest, since keys of the environment are among it. */
  function keyOf(name: string, what: object): string {
    const ambient = Object.entries(env).filter(([variable]) => variable.startsWith('AWS_'));
    return createHash('sha256')
      .update(JSON.stringify([name, region, what, ambient]))
      .digest('base64url');
  }

  const mine =
    role === undefined
      ? { name: 'own', what: {} }
      : { name: kind, what: { role, externalId: kind === 'pod-identity' ? podIdentity.externalID : undefined } };
  return {
    async keys(signal) {
      const fetch = () => {
        if (role === undefined) return ownIdentity(common, signal);
        return kind === 'pod-identity' ? ofPodIdentity(role, signal) : assumed(role, undefined, signal);
      };
      return (await share(mine.name, mine.what, fetch, signal)).keys;
    },
    renew() {
      return sessions.delete(keyOf(mine.name, mine.what));
    },
  };
}
