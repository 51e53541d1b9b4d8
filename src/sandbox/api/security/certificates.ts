import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { bits, boolean, integer, octets, oid, sequence, set, tagged, taggedBytes, time, utf8 } from './der.ts';

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  organizations?: string[];
  /** DNS names and IP addresses that a server answers for. */
  hosts?: string[];
  usage: 'ca' | 'server' | 'client';
  /** Who signs; a certificate without issuer signs itself. */
  issuer?: KeyPair;
  now: number;
}

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};

const DAY = 24 * 3600_000;
/** Kubernetes' own CAs live that long; a sandbox that is kept must not stop working after a year. */
const LIFETIME = 3650 * DAY;

/** Makes a P-256 key and an X.509 v3 certificate for it, valid from a day ago (for clocks that differ). */
export function makeCertificate(request: CertificateRequest): KeyPair {
  const { usage, issuer, now } = request;
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = own.publicKey.export({ type: 'spki', format: 'der' });
  const subject = nameOf(request.commonName, request.organizations ?? []);
  const signer = issuer ? createPrivateKey(issuer.key) : own.privateKey;
  const signerId = keyId(issuer ? createPublicKey(signer).export({ type: 'spki', format: 'der' }) : publicKey);
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    issuer ? subjectOf(issuer.cert) : subject,
    sequence(time(now - DAY), time(now + LIFETIME)),
    subject,
    publicKey,
    tagged(3, sequence(...extensions(request, keyId(publicKey), signerId, usage))),
  );
  const signature = sign('sha256', body, signer);
  const certificate = sequence(body, algorithm, bits(signature));
  return {
    cert: pem('CERTIFICATE', certificate),
    key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extensions(
  { hosts = [] }: CertificateRequest,
  subjectKey: Buffer,
  issuerKey: Buffer,
  usage: CertificateRequest['usage'],
): Buffer[] {
  const extension = (id: string, critical: boolean, value: Buffer) =>
    sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));
  const ca = usage === 'ca';
  // digitalSignature + keyCertSign + cRLSign for a CA, digitalSignature alone for the others.
  const keyUsage = ca ? bits(Buffer.from([0b1000_0110]), 1) : bits(Buffer.from([0b1000_0000]), 7);
  const names = hosts.map((host) => (isIP(host) ? taggedBytes(7, ipBytes(host)) : taggedBytes(2, Buffer.from(host))));
  return [
    extension(OID.basicConstraints, true, ca ? sequence(boolean(true)) : sequence()),
    extension(OID.keyUsage, true, keyUsage),
    ...(ca
      ? []
      : [extension(OID.extendedKeyUsage, false, sequence(oid(usage === 'server' ? OID.serverAuth : OID.clientAuth)))]),
    extension(OID.subjectKeyId, false, octets(subjectKey)),
    extension(OID.authorityKeyId, false, sequence(taggedBytes(0, issuerKey))),
    ...(names.length > 0 ? [extension(OID.subjectAltName, false, sequence(...names))] : []),
  ];
}

function nameOf(commonName: string, organizations: string[]): Buffer {
  const attribute = (id: string, text: string) => set(sequence(oid(id), utf8(text)));
  return sequence(
    ...organizations.map((organization) => attribute(OID.organization, organization)),
    attribute(OID.commonName, commonName),
  );
}

/** The length of a DER element at `at`, with its header. */
function elementLength(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return 2 + first;
  const digits = first & 0x7f;
  return 2 + digits + der.readUIntBE(at + 2, digits);
}

const headerLength = (der: Buffer, at: number) => ((der[at + 1] ?? 0) < 0x80 ? 2 : 2 + ((der[at + 1] ?? 0) & 0x7f));

/** The subject of one of our own certificates: the sixth element of its body. */
function subjectOf(cert: string): Buffer {
  const der = Buffer.from(cert.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const body = headerLength(der, 0);
  let at = body + headerLength(der, body);
  for (let skipped = 0; skipped < 5; skipped++) at += elementLength(der, at);
  return der.subarray(at, at + elementLength(der, at));
}

// RFC 5280 4.2.1.2: any method that gives unique ids will do; this one hashes the whole key info.
function keyId(spki: Buffer): Buffer {
  return createHash('sha1').update(spki).digest();
}

function ipBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...left, ...zeros, ...right].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  }
  return bytes;
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
