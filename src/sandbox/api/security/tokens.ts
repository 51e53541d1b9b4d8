import { createPrivateKey, createPublicKey, randomUUID, sign, timingSafeEqual, verify } from 'node:crypto';
import type { AnyObject } from '../../types.ts';
import type { Core } from '../core.ts';
import type { Caller } from '../machinery.ts';
import type { Identity } from './identity.ts';

export const ISSUER = 'https://kubernetes.default.svc.cluster.local';

export interface TokenRequest {
  serviceAccount: AnyObject;
  audiences: string[];
  seconds: number;
  /** The object that the token lives and dies with. */
  boundTo?: { kind: string; name: string; uid: string } | undefined;
}

export interface Authentication {
  caller: Caller;
  audiences: string[];
}

export interface Tokens {
  /** Who bears the token; undefined for one that is wrong, expired, or whose service account is gone. */
  authenticate(token: string): Authentication | undefined;
  issue(request: TokenRequest): { token: string; expires: number };
}

interface Claims {
  iss: string;
  sub: string;
  aud: string[];
  exp: number;
  'kubernetes.io': {
    namespace: string;
    serviceaccount: { name: string; uid: string };
    pod?: { name: string; uid: string };
  };
}

/** The administrator's token and JSON Web Tokens (ES256) of service accounts. */
export function createTokens(core: Core, identity: Identity): Tokens {
  const privateKey = createPrivateKey(identity.tokenKey);
  const publicKey = createPublicKey(privateKey);
  const admin = Buffer.from(identity.adminToken);
  // Controllers send the same token with every request: a signature is checked once.
  const known = new Map<string, Claims>();

  const claimsOf = (token: string): Claims | undefined => {
    const cached = known.get(token);
    if (cached) return cached;
    const [header, body, signature, ...more] = token.split('.');
    if (!header || !body || !signature || more.length > 0) return undefined;
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
    const signed = Buffer.from(`${header}.${body}`);
    if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
    if (known.size >= 1000) known.clear();
    known.set(token, claims);
    return claims;
  };

  return {
    authenticate(token) {
      const given = Buffer.from(token);
      if (given.length === admin.length && timingSafeEqual(given, admin)) {
        const caller = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
        return { caller, audiences: [ISSUER] };
      }
      const claims = claimsOf(token);
      if (!claims || claims.iss !== ISSUER || claims.exp * 1000 <= core.clock.now()) return undefined;
      const { namespace, serviceaccount, pod } = claims['kubernetes.io'];
      const account = core.store.get('/serviceaccounts', `${namespace}/${serviceaccount.name}`);
      if (account?.metadata.uid !== serviceaccount.uid) return undefined;
      if (pod && core.store.get('/pods', `${namespace}/${pod.name}`)?.metadata.uid !== pod.uid) return undefined;
      return {
        caller: {
          name: claims.sub,
          uid: serviceaccount.uid,
          groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
        },
        audiences: claims.aud,
      };
    },
    issue({ serviceAccount, audiences, seconds, boundTo }) {
      const { name, namespace = '', uid = '' } = serviceAccount.metadata;
      const now = Math.floor(core.clock.now() / 1000);
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const claims = {
        aud: audiences.length > 0 ? audiences : [ISSUER],
        exp: now + seconds,
        iat: now,
        iss: ISSUER,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace,
          ...(boundTo?.kind === 'Pod' ? { pod: { name: boundTo.name, uid: boundTo.uid } } : {}),
          serviceaccount: { name, uid },
        },
        nbf: now,
        sub: `system:serviceaccount:${namespace}:${name}`,
      };
      const signed = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`;
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return { token: `${signed}.${signature.toString('base64url')}`, expires: claims.exp * 1000 };
    },
  };
}
