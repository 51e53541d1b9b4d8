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
  /**
   * Who asks, and whether they may; at once when both are known.
   * @throws when the API server cannot be asked about it
   */
  check(request: IncomingMessage, access: AccessRequest): Verdict | Promise<Verdict>;
}

/** A user with a text that is equal for equal users. */
interface Identity {
  user: User;
  key: string;
}

/** What was found out about a connection. */
interface Peer {
  certificate: X509Certificate | undefined;
  /** The last user that came over it: the front proxy's connections carry one user most of the time. */
  last: { trust: RequestHeaderTrust; headers: string; identity: Identity; until: number } | undefined;
}

interface Right {
  allowed: boolean;
  reason: string;
}

/**
 * Delegated authentication (front proxy headers, client certificate, bearer token) and authorization. A user who may
 * read every metric everywhere, which is what the HPA controller may, is asked about once and not once per metric.
 */
export function createAccessControl(auth: DelegatedAuth, clock: Clock): AccessControl {
  const tokens = createExpiringCache<User | undefined>({ clock, ttlMs: TTL_MS, limit: LIMIT });
  const rights = createExpiringCache<Right>({ clock, ttlMs: TTL_MS, limit: LIMIT });
  const peers = new WeakMap<object, Peer>();

  const peerOf = ({ socket }: IncomingMessage): Peer => {
    let peer = peers.get(socket);
    if (!peer) {
      peer = { certificate: (socket as TLSSocket).getPeerX509Certificate?.(), last: undefined };
      peers.set(socket, peer);
    }
    return peer;
  };

  const identify = (request: IncomingMessage): Identity | undefined | Promise<Identity | undefined> => {
    const peer = peerOf(request);
    if (peer.certificate) {
      const found = fromFrontProxy(request, peer, peer.certificate) ?? fromCertificate(peer.certificate);
      if (found) return found;
    }
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const key = createHash('sha256').update(token).digest('base64');
    return Promise.resolve(tokens.get(key, () => auth.reviewToken(token))).then((user) => user && identityOf(user));
  };

  const fromFrontProxy = (request: IncomingMessage, peer: Peer, certificate: X509Certificate) => {
    const trust = auth.requestHeader();
    if (!trust) return undefined;
    const now = clock.now();
    const headers = userHeaders(request, trust);
    const { last } = peer;
    if (last && last.trust === trust && last.headers === headers && now < last.until) return last.identity;
    if (!isFrontProxy(certificate, trust, now)) return undefined;
    const user = userFromHeaders(request, trust);
    if (!user) return undefined;
    const identity = identityOf(user);
    peer.last = { trust, headers, identity, until: certificate.validToDate.getTime() };
    return identity;
  };

  const fromCertificate = (certificate: X509Certificate) => {
    const ca = auth.clientCa();
    return ca && isIssuedBy(certificate, ca, clock.now()) ? identityOf(userFromCertificate(certificate)) : undefined;
  };

  const ask = ({ user, key }: Identity, access: AccessRequest) => {
    const { kind, verb } = access;
    const what = kind === 'path' ? access.path : `${access.namespace}\n${access.resource}`;
    return rights.get(`${kind}\n${verb}\n${what}\n${key}`, () => auth.reviewAccess(user, access));
  };

  const verdict = ({ user }: Identity, { allowed, reason }: Right): Verdict =>
    allowed ? { kind: 'allowed', user } : { kind: 'forbidden', user, reason };

  const judge = (identity: Identity | undefined, access: AccessRequest): Verdict | Promise<Verdict> => {
    if (!identity) return { kind: 'unauthenticated' };
    const { user } = identity;
    // Kubernetes: delegated authorization always lets this group pass, so that a broken webhook can be repaired.
    if (user.groups.includes(MASTERS)) return { kind: 'allowed', user };
    const exactly = () => then(ask(identity, access), (right) => verdict(identity, right));
    if (access.kind === 'path') return exactly();
    const everything: AccessRequest = { ...access, resource: '*', namespace: '', path: '' };
    return then(ask(identity, everything), (right) => (right.allowed ? verdict(identity, right) : exactly()));
  };

  return {
    check: (request, access) => then(identify(request), (identity) => judge(identity, access)),
  };
}

/** Goes on at once with a value that is there: the usual request should not wait for a turn of the event loop. */
function then<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function identityOf(user: User): Identity {
  return { user, key: JSON.stringify([user.name, user.uid, user.groups, user.extra]) };
}

/** The headers that say who the user is, as one text. */
function userHeaders(request: IncomingMessage, trust: RequestHeaderTrust): string {
  const { rawHeaders } = request;
  let text = '';
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    if (isUserHeader(name, trust)) text += `${name}:${rawHeaders[i + 1]}\n`;
  }
  return text;
}

const UID_HEADER = 'x-remote-uid';

function isUserHeader(name: string, trust: RequestHeaderTrust): boolean {
  const same = (header: string) => header.length === name.length && header.toLowerCase() === name;
  return (
    name === UID_HEADER ||
    trust.usernameHeaders.some(same) ||
    trust.groupHeaders.some(same) ||
    trust.extraHeaderPrefixes.some((prefix) => name.startsWith(prefix.toLowerCase()))
  );
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
  return { name, uid: values(UID_HEADER)[0] ?? '', groups: trust.groupHeaders.flatMap(values), extra };
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
