import { type AnyObject, ApiError } from '../types.ts';
import type { Caller } from './machinery.ts';
import type { Tokens } from './security/tokens.ts';

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

const REASON = 'the sandbox lets every authenticated user do everything';

/**
 * Answers a review: who somebody is, and whether they may do something. RBAC objects are not looked at.
 * @throws ApiError BadRequest for a kind that is no review
 */
export function review(kind: string, object: AnyObject, caller: Caller, tokens: Tokens): AnyObject {
  const spec = fieldsOf(object.spec);
  switch (kind) {
    case 'SelfSubjectAccessReview':
      return { ...object, status: { allowed: true, reason: REASON } };
    case 'SubjectAccessReview':
    case 'LocalSubjectAccessReview': {
      const groups = Array.isArray(spec.groups) ? spec.groups : [];
      if (!spec.user && groups.length === 0) {
        throw new ApiError(
          'Invalid',
          `${kind}.authorization.k8s.io "" is invalid: spec.user: Required value: at least one of user or group must be specified`,
        );
      }
      const anonymous = spec.user === 'system:anonymous' || groups.includes('system:unauthenticated');
      return { ...object, status: anonymous ? { allowed: false } : { allowed: true, reason: REASON } };
    }
    case 'SelfSubjectRulesReview':
      return {
        ...object,
        status: {
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
          nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
          incomplete: false,
        },
      };
    case 'SelfSubjectReview':
      return { ...object, status: { userInfo: userInfo(caller) } };
    case 'TokenReview': {
      const { token, audiences } = spec;
      if (typeof token !== 'string' || token === '') {
        throw new ApiError('BadRequest', 'token is required for TokenReview in authentication');
      }
      return { ...object, status: tokenStatus(tokens, token, Array.isArray(audiences) ? audiences.map(String) : []) };
    }
    default:
      throw new ApiError('BadRequest', `${kind} is not a review that the sandbox answers`);
  }
}

function tokenStatus(tokens: Tokens, token: string, wanted: string[]) {
  const known = tokens.authenticate(token);
  if (!known) return { user: {}, error: 'invalid bearer token' };
  const shared =
    wanted.length === 0 ? known.audiences : known.audiences.filter((audience) => wanted.includes(audience));
  if (shared.length === 0)
    return {
      user: {},
      error: `token audiences ${JSON.stringify(known.audiences)} is invalid for the target audiences ${JSON.stringify(wanted)}`,
    };
  return { authenticated: true, user: userInfo(known.caller), audiences: shared };
}

/** A caller as the API writes it. */
export function userInfo({ name, uid, groups, extra }: Caller) {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}
