import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';

/** What is known of one external metric of one ScaledObject. */
export type MetricAnswer =
  /** `value` is a Kubernetes quantity; `at` milliseconds since 1970. */
  | { kind: 'value'; metricName: string; value: string; at: number }
  /** An empty list with success: the HPA then reports that there is no metric and holds. */
  | { kind: 'empty' }
  /** Becomes a Status with code 500 and this message. */
  | { kind: 'error'; message: string };

/**
 * Answers one read from memory.
 * @param name the ScaledObject's name from the selector
 * @param metric the metric's name as asked (compare without regard to case)
 */
export type MetricLookup = (namespace: string, name: string, metric: string) => MetricAnswer | Promise<MetricAnswer>;

export interface User {
  name: string;
  uid: string;
  groups: readonly string[];
  extra: Readonly<Record<string, readonly string[]>>;
}

/** What a request wants, in terms of authorization. */
export type AccessRequest =
  | {
      kind: 'resource';
      verb: string;
      group: string;
      version: string;
      resource: string;
      namespace: string;
      path: string;
    }
  | { kind: 'path'; verb: string; path: string };

/** How the API server in front of us proves who asks (ConfigMap extension-apiserver-authentication). */
export interface RequestHeaderTrust {
  /** PEM of the CA that signs the front proxy's client certificate. */
  clientCa: string;
  /** Common names allowed for that certificate; empty allows all. */
  allowedNames: readonly string[];
  usernameHeaders: readonly string[];
  groupHeaders: readonly string[];
  extraHeaderPrefixes: readonly string[];
}

/** Delegated authentication and authorization. */
export interface DelegatedAuth {
  /** The present trust; may change while the server runs, and is the same object until it does. */
  requestHeader(): RequestHeaderTrust | undefined;
  /** PEM of the cluster's client CA, for callers that come with a client certificate of their own. */
  clientCa(): string | undefined;
  /** TokenReview; undefined when the token is not valid. */
  reviewToken(token: string): Promise<User | undefined>;
  /** SubjectAccessReview. */
  reviewAccess(user: User, access: AccessRequest): Promise<{ allowed: boolean; reason: string }>;
}

/** PEM texts. */
export interface ServingCertificate {
  cert: string;
  key: string;
}

export interface MetricsApiOptions {
  lookup: MetricLookup;
  /** `none` is for tests and the sandbox only: everybody may read. */
  auth: DelegatedAuth | 'none';
  tls: ServingCertificate;
  /** Whether metrics can be answered at all; the reason otherwise. Readiness follows it. */
  ready(): true | string;
  log: Logger;
  clock: Clock;
  /** Shown by /version. */
  version?: string;
}

export interface MetricsApi {
  /** @throws PortInUse */
  listen(host: string, port: number): Promise<{ host: string; port: number }>;
  /** New certificate for connections from now on. */
  setTls(tls: ServingCertificate): void;
  /** Stops accepting, lets running requests finish for at most `drainMs`. */
  close(drainMs?: number): Promise<void>;
}
