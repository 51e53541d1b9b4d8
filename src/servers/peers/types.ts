import type { MetricAnswer } from '../metrics-api/types.ts';

/** PEM texts by which replicas know each other. */
export interface PeerCredentials {
  /** The authority that signs the certificates of all replicas. */
  ca: string;
  cert: string;
  key: string;
  /** The host name in every replica's certificate; their addresses come and go with their pods. */
  name: string;
}

/** What one replica answers another: a metric, or that the ScaledObject runs elsewhere. */
export type PeerAnswer =
  | { kind: 'answer'; answer: MetricAnswer /** Milliseconds since the value was read. */; ageMs: number }
  | { kind: 'elsewhere' };
