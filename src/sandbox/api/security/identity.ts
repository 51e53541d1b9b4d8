import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { type KeyPair, makeCertificate } from './certificates.ts';

/** The keys of one cluster; the same after a restart when its state is kept. */
export interface Identity {
  ca: KeyPair;
  serving: KeyPair;
  /** Signs the certificate with which this server shows itself to aggregated APIs. */
  requestHeaderCa: KeyPair;
  requestHeaderClient: KeyPair;
  /** The bearer token of the administrator. */
  adminToken: string;
  /** Signs service account tokens (P-256, PEM). */
  tokenKey: string;
}

export const REQUEST_HEADER_NAME = 'front-proxy-client';

const HOSTS = [
  'localhost',
  '127.0.0.1',
  '::1',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '10.96.0.1',
];

export function makeIdentity(now: number): Identity {
  const ca = makeCertificate({ commonName: 'windlass-sandbox-ca', usage: 'ca', now });
  const requestHeaderCa = makeCertificate({ commonName: 'windlass-sandbox-front-proxy-ca', usage: 'ca', now });
  return {
    ca,
    serving: makeCertificate({ commonName: 'kube-apiserver', hosts: HOSTS, usage: 'server', issuer: ca, now }),
    requestHeaderCa,
    requestHeaderClient: makeCertificate({
      commonName: REQUEST_HEADER_NAME,
      usage: 'client',
      issuer: requestHeaderCa,
      now,
    }),
    adminToken: randomBytes(24).toString('base64url'),
    tokenKey: generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  };
}

/** Reads back what JSON.stringify made of an identity; undefined when it is not one. */
export function parseIdentity(text: string | undefined): Identity | undefined {
  if (text === undefined) return undefined;
  const identity = JSON.parse(text) as Identity;
  createPrivateKey(identity.tokenKey);
  return identity;
}
