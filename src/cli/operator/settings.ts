import { readFileSync } from 'node:fs';
import type { AuthSettings } from '../../auth/types.ts';
import { parseDuration } from '../../base/duration.ts';
import { WindlassError } from '../../base/errors.ts';
import type { HttpSettings } from '../../scalers/definition.ts';

/** What the operator reads from its environment; names, defaults and refusals are KEDA 2.21's. */
export interface OperatorSettings {
  /** WATCH_NAMESPACE; undefined for all. */
  namespace: string | undefined;
  /** POD_NAMESPACE: where the Service of the metrics API is. */
  podNamespace: string;
  auth: AuthSettings;
  http: HttpSettings;
  scaledObjectConcurrency: number;
  scaledJobConcurrency: number;
  /** Seconds that tokens of service accounts are asked for. */
  tokenExpirySeconds: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reconciles of KEDA wait for sources; ours only write to the API server, so more of them run at once. */
const SCALED_OBJECT_CONCURRENCY = 16;
const SCALED_JOB_CONCURRENCY = 8;
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
const DEFAULT_TIMEOUT_MS = 3_000;
/** KEDA 2.21: 0 or less means this. */
const LEAST_TIMEOUT_MS = 300;
const TLS_VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

/** @throws InvalidArgument naming the variable that cannot be read */
export function readSettings(env: Env): OperatorSettings {
  const podNamespace = env.POD_NAMESPACE || ownNamespace() || 'keda';
  const watched = (env.WATCH_NAMESPACE ?? '').replace(/^"+|"+$/g, '').trim();
  if (watched.includes(',')) {
    throw invalid('WATCH_NAMESPACE', watched, 'one namespace, or nothing for all of them');
  }
  return {
    namespace: watched || undefined,
    podNamespace,
    auth: {
      clusterObjectNamespace: env.KEDA_CLUSTER_OBJECT_NAMESPACE || podNamespace,
      restrictSecretAccess: env.KEDA_RESTRICT_SECRET_ACCESS?.toLowerCase() === 'true',
    },
    http: {
      timeoutMs: timeout(env),
      keepAlive: env.KEDA_HTTP_DISABLE_KEEP_ALIVE?.toLowerCase() !== 'true',
      minTlsVersion: tlsVersion(env),
      extraCa: [],
    },
    scaledObjectConcurrency: wholeNumber(env, 'KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES') ?? SCALED_OBJECT_CONCURRENCY,
    scaledJobConcurrency: wholeNumber(env, 'KEDA_SCALEDJOB_CTRL_MAX_RECONCILES') ?? SCALED_JOB_CONCURRENCY,
    tokenExpirySeconds: tokenExpiry(env),
  };
}

function timeout(env: Env): number {
  const text = env.KEDA_HTTP_DEFAULT_TIMEOUT;
  if (!text) return DEFAULT_TIMEOUT_MS;
  if (!/^-?\d+$/.test(text)) throw invalid('KEDA_HTTP_DEFAULT_TIMEOUT', text, 'a whole number of milliseconds');
  return Number(text) > 0 ? Number(text) : LEAST_TIMEOUT_MS;
}

function tlsVersion(env: Env): HttpSettings['minTlsVersion'] {
  const text = env.KEDA_HTTP_MIN_TLS_VERSION;
  return (text && text in TLS_VERSIONS ? TLS_VERSIONS[text as keyof typeof TLS_VERSIONS] : undefined) ?? 'TLSv1.2';
}

function wholeNumber(env: Env, name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text)) throw invalid(name, text, 'a whole number from 1 to 9999');
  return Number(text);
}

function tokenExpiry(env: Env): number {
  const name = 'KEDA_BOUND_SERVICE_ACCOUNT_TOKEN_EXPIRY';
  const text = env[name];
  if (!text) return 3_600;
  const allowed = 'a duration from 1h to 6h';
  let seconds: number;
  try {
    seconds = parseDuration(text) / 1_000;
  } catch {
    throw invalid(name, text, allowed);
  }
  if (seconds < 3_600 || seconds > 21_600) throw invalid(name, text, allowed);
  return seconds;
}

function invalid(name: string, value: string, allowed: string): WindlassError {
  return new WindlassError('InvalidArgument', `the environment variable ${name} is "${value}"`, {
    hint: `give it ${allowed}`,
  });
}

function ownNamespace(): string | undefined {
  try {
    return readFileSync(NAMESPACE_FILE, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
