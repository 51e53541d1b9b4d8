import { createHash, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { createExpiringCache } from './expiring-cache.ts';
import type { AccessRequest, DelegatedAuth, RequestHeaderTrust, User } from './types.ts';

/** Kubernetes' own aggregated servers remember answers for as long (10 s). */
const TTL_MS = 10_000;
const LIMIT = 10_000;
const MASTERS = 'system:masters';

export type Verdict =
  | { kind: 'allowed'; user: User }
  | { kind: 'unauthenticated' }
  | { kind: 'forbidden'; user: User; reason: string };

export interface AccessControl {
  /** Who asks, and whether they may. @throws when the API server cannot be asked about it */
  check(request: IncomingMessage, access: AccessRequest): Promise<Verdict>;
}

/**
 * Delegated authentication (front proxy headers, client certificate, bearer token) and authorization. A user who may
 * read every metric everywhere, which is what the HPA controller may, is asked about once and not once per metric.
 */
export function createAccessControl(auth: DelegatedAuth, clock: Clock): AccessControl {
  const tokens = createExpiringCache<User | undefined>({ clock, ttlMs: TTL_MS, limit: LIMIT });
  const rights = createExpiringCache<{ allowed: boolean; reason: string }>({ clock, ttlMs: TTL_MS, limit: LIMIT });
  const peers = new WeakMap<object, Peer>();

  const peerOf = (request: IncomingMessage): Peer => {
    const { socket } = request;
    let peer = peers.get(socket);
    if (!peer) {
      peer = readPeer(socket as TLSSocket);
      peers.set(socket, peer);
    }
    return peer;
  };

  const identify = async (request: IncomingMessage): Promise<User | undefined> => {
    const { certificate } = peerOf(request);
    if (certificate) {
      const trust = auth.requestHeader();
      if (trust && isFrontProxy(certificate, trust, clock.now())) {
        const user = userFromHeaders(request, trust);
        if (user) return user;
      }
      const ca = auth.clientCa();
      if (ca && isIssuedBy(certificate, ca, clock.now())) return userFromCertificate(certificate);
    }
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const key = createHash('sha256').update(token).digest('base64');
    return tokens.get(key, () => auth.reviewToken(token));
  };

  const ask = (user: User, access: AccessRequest) => {
    const key = JSON.stringify([user.name, user.uid, user.groups, user.extra, { ...access, path: pathOf(access) }]);
    return rights.get(key, () => auth.reviewAccess(user, access));
  };

  return {
    async check(request, access) {
      const user = await identify(request);
      if (!user) return { kind: 'unauthenticated' };
      // Kubernetes: delegated authorization always lets this group pass, so that a broken webhook can be repaired.
      if (user.groups.includes(MASTERS)) return { kind: 'allowed', user };
      if (access.kind === 'resource') {
        const everything = { ...access, resource: '*', namespace: '', path: '' };
        if ((await ask(user, everything)).allowed) return { kind: 'allowed', user };
      }
      const { allowed, reason } = await ask(user, access);
      return allowed ? { kind: 'allowed', user } : { kind: 'forbidden', user, reason };
    },
  };
}

/** A resource is told by its own fields; its path would only make equal questions differ. */
function pathOf(access: AccessRequest): string {
  return access.kind === 'path' ? access.path : '';
}

interface Peer {
  certificate: X509Certificate | undefined;
}

/**
 * The handshake proves that the client has the certificate's key; whose certificate it is gets checked here, since two
 * authorities with different rights may have issued it.
 */
function readPeer(socket: TLSSocket): Peer {
  if (typeof socket.getPeerX509Certificate !== 'function') return { certificate: undefined };
  return { certificate: socket.getPeerX509Certificate() };
}

/** Checked per connection and authority, since a signature costs more than a whole answer. */
const verified = new WeakMap<X509Certificate, Map<string, boolean>>();

function isIssuedBy(certificate: X509Certificate, caPem: string, now: number): boolean {
  if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) return false;
  let known = verified.get(certificate);
  if (!known) {
    known = new Map();
    verified.set(certificate, known);
  }
  let issued = known.get(caPem);
  if (issued === undefined) {
    issued = splitPem(caPem).some((pem) => {
      const ca = new X509Certificate(pem);
      return ca.ca && certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
    });
    known.set(caPem, issued && allowsClientAuth(certificate));
  }
  return known.get(caPem) ?? false;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

function allowsClientAuth(certificate: X509Certificate): boolean {
  // Node calls the extended key usages `keyUsage`; without the extension every use is allowed.
  const usages = certificate.keyUsage as string[] | undefined;
  return !usages || usages.includes(CLIENT_AUTH) || usages.includes(ANY_USAGE);
}

function splitPem(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}

function isFrontProxy(certificate: X509Certificate, trust: RequestHeaderTrust, now: number): boolean {
  if (!isIssuedBy(certificate, trust.clientCa, now)) return false;
  const name = subjectValues(certificate, 'CN')[0] ?? '';
  return trust.allowedNames.length === 0 || trust.allowedNames.includes(name);
}

function userFromHeaders(request: IncomingMessage, trust: RequestHeaderTrust): User | undefined {
  const { headersDistinct } = request;
  const values = (name: string) => headersDistinct[name.toLowerCase()] ?? [];
  const name = trust.usernameHeaders.map((header) => values(header)[0]).find((value) => value);
  if (!name) return undefined;
  const extra: Record<string, string[]> = {};
  for (const prefix of trust.extraHeaderPrefixes.map((text) => text.toLowerCase())) {
    for (const [header, found] of Object.entries(headersDistinct)) {
      if (!header.startsWith(prefix) || !found) continue;
      const key = decodeKey(header.slice(prefix.length));
      extra[key] = [...(extra[key] ?? []), ...found];
    }
  }
  return { name, uid: values('x-remote-uid')[0] ?? '', groups: trust.groupHeaders.flatMap(values), extra };
}

/** Kubernetes: keys of extra fields are percent-encoded in header names. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** Kubernetes: a client certificate's common name is the user, its organizations are the groups. */
function userFromCertificate(certificate: X509Certificate): User {
  const groups = [...subjectValues(certificate, 'O'), 'system:authenticated'];
  return { name: subjectValues(certificate, 'CN')[0] ?? '', uid: '', groups, extra: {} };
}

function subjectValues(certificate: X509Certificate, attribute: string): string[] {
  return certificate.subject
    .split('\n')
    .filter((line) => line.startsWith(`${attribute}=`))
    .map((line) => line.slice(attribute.length + 1));
}
