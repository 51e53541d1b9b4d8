import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import {
  bits,
  boolean,
  elements,
  explicit,
  implicit,
  integer,
  nothing,
  octets,
  oid,
  sequence,
  set,
  time,
  utf8,
} from './der.ts';

/** PEM texts. */
export interface KeyPair {
  cert: string;
  key: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Clocks of a cluster differ a little. */
const BACKDATE_MS = HOUR;
const AUTHORITY_LIFE_MS = 3650 * DAY;
const SERVING_LIFE_MS = 365 * DAY;
/** KEDA 2.21 renews as long before the end. */
const RENEW_AHEAD_MS = 90 * DAY;

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const RSA_WITH_SHA256 = sequence(oid('1.2.840.113549.1.1.11'), nothing());
const SERVER_AUTH = oid('1.3.6.1.5.5.7.3.1');
const CLIENT_AUTH = oid('1.3.6.1.5.5.7.3.2');

/** An authority of our own, good for ten years. P-256: a handshake costs a fraction of one with RSA. */
export function createAuthority(name: string, now: number): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = distinguishedName(name);
  const cert = issue({
    subject,
    issuer: subject,
    publicKey,
    signer: privateKey,
    from: now - BACKDATE_MS,
    to: now + AUTHORITY_LIFE_MS,
    extensions: [
      extension('2.5.29.19', true, sequence(boolean(true))),
      // keyCertSign and cRLSign
      extension('2.5.29.15', true, bits(Buffer.from([0b0000_0110]), 1)),
      extension('2.5.29.14', false, octets(keyIdentifier(publicKey))),
    ],
  });
  return { cert, key: pemOf(privateKey) };
}

/**
 * A certificate for servers (and for members that speak to each other), good for one year.
 * @param names host names and IP addresses; the first is the common name
 */
export function createServingCertificate(authority: KeyPair, names: readonly string[], now: number): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ca = new X509Certificate(authority.cert);
  const cert = issue({
    subject: distinguishedName(names[0] ?? 'windlass'),
    issuer: subjectOf(ca),
    publicKey,
    signer: createPrivateKey(authority.key),
    from: now - BACKDATE_MS,
    to: Math.min(now + SERVING_LIFE_MS, ca.validToDate.getTime()),
    extensions: [
      extension('2.5.29.19', true, sequence()),
      // digitalSignature
      extension('2.5.29.15', true, bits(Buffer.from([0b1000_0000]), 7)),
      extension('2.5.29.37', false, sequence(SERVER_AUTH, CLIENT_AUTH)),
      extension('2.5.29.17', false, sequence(...names.map(generalName))),
      ...authorityKeyIdentifier(ca),
    ],
  });
  return { cert, key: pemOf(privateKey) };
}

/** The names under which a Service is reached. */
export function serviceNames(service: string, namespace: string, clusterDomain = 'cluster.local'): string[] {
  const base = `${service}.${namespace}`;
  return [`${base}.svc`, service, base, `${base}.svc.${clusterDomain}`];
}

/**
 * Why a serving certificate has to be made anew, or undefined when it is good: near its end, not of this authority,
 * not for all the names, or unreadable.
 */
export function renewalReason(
  pair: KeyPair,
  authority: { cert: string },
  names: readonly string[],
  now: number,
): string | undefined {
  let cert: X509Certificate;
  let ca: X509Certificate;
  try {
    cert = new X509Certificate(pair.cert);
    ca = new X509Certificate(authority.cert);
    if (!cert.checkPrivateKey(createPrivateKey(pair.key))) return 'the key is not the one of the certificate';
  } catch {
    return 'it cannot be read';
  }
  if (!cert.checkIssued(ca) || !cert.verify(ca.publicKey)) return 'another authority has signed it';
  if (endsSoon(cert, now)) return `it ends ${cert.validToDate.toISOString().slice(0, 10)}`;
  if (now < cert.validFromDate.getTime()) return 'it is not valid yet';
  const missing = names.find((name) => !(isIPv4(name) || isIPv6(name) ? cert.checkIP(name) : cert.checkHost(name)));
  return missing === undefined ? undefined : `it is not for ${missing}`;
}

/** Why an authority has to be made anew, or undefined. */
export function authorityRenewalReason(authority: KeyPair, now: number): string | undefined {
  try {
    const cert = new X509Certificate(authority.cert);
    if (!cert.checkPrivateKey(createPrivateKey(authority.key))) return 'the key is not the one of the certificate';
    return cert.ca
      ? endsSoon(cert, now)
        ? `it ends ${cert.validToDate.toISOString().slice(0, 10)}`
        : undefined
      : 'it is no authority';
  } catch {
    return 'it cannot be read';
  }
}

function endsSoon(cert: X509Certificate, now: number): boolean {
  return cert.validToDate.getTime() - now < RENEW_AHEAD_MS;
}

interface Issue {
  subject: Buffer;
  issuer: Uint8Array;
  publicKey: KeyObject;
  signer: KeyObject;
  from: number;
  to: number;
  extensions: Buffer[];
}

function issue({ subject, issuer, publicKey, signer, from, to, extensions }: Issue): string {
  // The authority may be one that KEDA has left behind in its Secret, with an RSA key.
  const algorithm = signer.asymmetricKeyType === 'rsa' ? RSA_WITH_SHA256 : ECDSA_WITH_SHA256;
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    // Random and positive (RFC 5280 §4.1.2.2).
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    issuer,
    sequence(time(from), time(to)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  );
  const certificate = sequence(body, algorithm, bits(sign('sha256', body, signer)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Buffer {
  const attribute = (type: string, text: string) => set(sequence(oid(type), utf8(text)));
  // A common name has at most 64 characters (RFC 5280, ub-common-name); clients look at the alternative names anyway.
  return sequence(attribute('2.5.4.10', 'windlass'), attribute('2.5.4.3', commonName.slice(0, 64)));
}

/** The issuer of a certificate must equal its authority's subject byte for byte, whoever made that. */
function subjectOf(ca: X509Certificate): Uint8Array {
  const body = elements(ca.raw)[0] ?? empty;
  const fields = elements(body);
  // version, serial number, algorithm, issuer, validity, subject
  return fields[5] ?? empty;
}

const empty = new Uint8Array();

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));
}

/** RFC 5280 §4.2.1.2, method 1 over the whole key. */
function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

/** Only when the authority calls its key by the same identifier: a different one would break the chain. */
function authorityKeyIdentifier(ca: X509Certificate): Buffer[] {
  const identifier = keyIdentifier(ca.publicKey);
  return ca.raw.includes(identifier) ? [extension('2.5.29.35', false, sequence(implicit(0, identifier)))] : [];
}

function generalName(name: string): Buffer {
  if (isIPv4(name)) return implicit(7, Buffer.from(name.split('.').map(Number)));
  if (isIPv6(name)) return implicit(7, ipv6Bytes(name));
  return implicit(2, Buffer.from(name));
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = new Array(tail === undefined ? 0 : 8 - left.length - right.length).fill('0');
  const bytes = [...left, ...zeros, ...right].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return Buffer.from(bytes);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
