import type { SecureVersion } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ClusterFacts } from './cluster-facts.ts';

/** Why an object is refused: one thing about one field. */
export interface AdmissionProblem {
  /** Value of the label `reason` of the error counter. */
  reason: string;
  /** As formatPath writes it. */
  path: string;
  /** What is wrong and what to do, without the path. */
  message: string;
  value?: unknown;
}

/** What its author should know although the object is accepted. */
export interface AdmissionNote {
  path: string;
  message: string;
}

/** Everything that is to be said about a request at once; it is refused exactly when there are problems. */
export interface Verdict {
  problems: AdmissionProblem[];
  notes: AdmissionNote[];
}

/** A validated ScaledObject or ScaledJob, for the counters. */
export interface Validation {
  kind: 'ScaledObject' | 'ScaledJob';
  namespace: string;
  action: 'create' | 'update';
  /** Why it was refused, one reason each; empty when it was accepted. */
  reasons: readonly string[];
}

export interface AdmissionMetrics {
  validation(validation: Validation): void;
}

/** A certificate and its key (PEM). */
export interface ServingCertificate {
  cert: string;
  key: string;
}

export interface AdmissionServerOptions {
  facts: ClusterFacts;
  tls: ServingCertificate;
  /** Default TLSv1.2. */
  minTlsVersion?: SecureVersion | undefined;
  metrics?: AdmissionMetrics | undefined;
  log: Logger;
  clock: Clock;
}

export interface AdmissionServer {
  /** @throws PortInUse */
  listen(host: string, port: number): Promise<{ host: string; port: number }>;
  /** New certificate for connections from now on. */
  setTls(tls: ServingCertificate): void;
  /** Stops accepting, lets running requests finish for at most `drainMs`. */
  close(drainMs?: number): Promise<void>;
}
