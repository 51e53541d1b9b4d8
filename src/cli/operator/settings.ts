import { readFileSync } from 'node:fs';
import type { AuthSettings } from '../../auth/types.ts';
import { parseDuration } from '../../base/duration.ts';
import { WindlassError } from '../../base/errors.ts';
import { parseSelector } from '../../base/selector.ts';
import type { LabelSelectors } from '../../controllers/context.ts';
import type { HttpSettings } from '../../scalers/definition.ts';
import type { RawMetricsMode } from '../../servers/raw-metrics/index.ts';

/** What the operator reads from its environment; names, defaults and refusals are KEDA 2.21's. */
export interface OperatorSettings {
  /** WATCH_NAMESPACE; undefined for all. */
  namespace: string | readonly string[] | undefined;
  select: LabelSelectors;
  /** POD_NAMESPACE: where the Service of the metrics API is. */
  podNamespace: string;
  auth: AuthSettings;
  http: HttpSettings;
  /** Lowest TLS version that the admission webhooks speak. */
  serviceMinTlsVersion: HttpSettings['minTlsVersion'];
  scaledObjectConcurrency: number;
  scaledJobConcurrency: number;
  /** Seconds that tokens of service accounts are asked for. */
  tokenExpirySeconds: number;
  lease: LeaseSettings;
  /** Whether readings are sent to who follows raw metrics, and which. */
  rawMetrics: { enabled: boolean; mode: RawMetricsMode };
}

/** How replicas know of each other; milliseconds. */
export interface LeaseSettings {
  renewMs: number;
  /** A replica that was not heard of for so long is replaced; it stops writing by itself after half of it. */
  leaseMs: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reconciles of KEDA wait for sources; ours only write to the API server, so more of them run at once. */
const SCALED_OBJECT_CONCURRENCY = 16;
const SCALED_JOB_CONCURRENCY = 8;
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
/** RFC 1123 label, as Kubernetes has it. */
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DEFAULT_TIMEOUT_MS = 3_000;
/** KEDA 2.21: 0 or less means this. */
const LEAST_TIMEOUT_MS = 300;
const TLS_VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

/** @throws InvalidArgument naming the variable that cannot be read */
export function readSettings(env: Env): OperatorSettings {
  const podNamespace = env.POD_NAMESPACE || ownNamespace() || 'keda';
  return {
    namespace: namespaces(env),
    select: {
      scaled: selector(env, 'WATCH_LABEL_SELECTOR'),
      authentication: selector(env, 'WATCH_LABEL_SELECTOR_FOR_TRIGGERAUTH'),
    },
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
    serviceMinTlsVersion: serviceTlsVersion(env),
    scaledObjectConcurrency: wholeNumber(env, 'KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES') ?? SCALED_OBJECT_CONCURRENCY,
    scaledJobConcurrency: wholeNumber(env, 'KEDA_SCALEDJOB_CTRL_MAX_RECONCILES') ?? SCALED_JOB_CONCURRENCY,
    tokenExpirySeconds: tokenExpiry(env),
    lease: leaseSettings(env),
    rawMetrics: { enabled: env.RAW_METRICS_GRPC_PROTOCOL === 'enabled', mode: rawMetricsMode(env) },
  };
}

/** KEDA 2.21 takes `""`, quotes and all, for every namespace; Helm charts write it so. */
function namespaces(env: Env): OperatorSettings['namespace'] {
  const text = (env.WATCH_NAMESPACE ?? '').replace(/^"+|"+$/g, '').trim();
  if (text === '') return undefined;
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  if (!names.every((name) => NAMESPACE.test(name)))
    throw invalid('WATCH_NAMESPACE', text, 'names of namespaces, separated by commas, or nothing for all of them');
  return names.length === 1 ? names[0] : names;
}

function selector(env: Env, name: string): string | undefined {
  const text = env[name];
  if (!text) return undefined;
  try {
    parseSelector(text);
  } catch {
    throw invalid(name, text, 'a label selector, as in team=shop,tier!=test');
  }
  return text;
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

/** KEDA 2.21: without the variable, the version of HTTP clients; with one that names no version, the newest. */
function serviceTlsVersion(env: Env): HttpSettings['minTlsVersion'] {
  const text = env.KEDA_SERVICE_MIN_TLS_VERSION;
  if (text === undefined) return tlsVersion(env);
  return text in TLS_VERSIONS ? TLS_VERSIONS[text as keyof typeof TLS_VERSIONS] : 'TLSv1.3';
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

const LEASE_MS = 5_000;
/** Less would take a slow answer of the API server for a death. */
const SHORTEST_LEASE_MS = 2_000;
/** Half of the lease is for writing, and a renewal may be lost in it. */
const RENEWALS_PER_LEASE = 4;

/**
 * KEDA's settings of the leader election, where they mean something: a lease of ours lasts as long as told, and is renewed
 * at least four times in it. There is no deadline for renewals but half the lease.
 */
function leaseSettings(env: Env): LeaseSettings {
  const prefix = 'KEDA_OPERATOR_LEADER_ELECTION';
  const leaseMs = duration(env, `${prefix}_LEASE_DURATION`, SHORTEST_LEASE_MS) ?? LEASE_MS;
  const asked = duration(env, `${prefix}_RETRY_PERIOD`, 1);
  duration(env, `${prefix}_RENEW_DEADLINE`, 1);
  return { leaseMs, renewMs: Math.min(asked ?? leaseMs, leaseMs / RENEWALS_PER_LEASE) };
}

/** KEDA 2.21: what is no mode counts as `all`. */
function rawMetricsMode(env: Env): RawMetricsMode {
  const text = env.RAW_METRICS_MODE?.toLowerCase();
  return text === 'hpa' || text === 'pollinginterval' ? text : 'all';
}

/** A duration of at least so many milliseconds; undefined when the variable is not set. */
function duration(env: Env, name: string, least: number): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const allowed = `a duration of at least ${least < 1_000 ? `${least}ms` : `${least / 1_000}s`}, as in 15s`;
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch {
    throw invalid(name, text, allowed);
  }
  if (!(ms >= least)) throw invalid(name, text, allowed);
  return ms;
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
