import { CONFIG_MAPS } from '../../api/resources.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeObject, ResourceType } from '../../base/object.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { NamedWatches } from '../../kube/named-watch.ts';
import type { AccessRequest, DelegatedAuth, RequestHeaderTrust, User } from './types.ts';

const TOKEN_REVIEWS: ResourceType = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
};
const SUBJECT_ACCESS_REVIEWS: ResourceType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

interface TrustMap extends KubeObject {
  data?: Record<string, string>;
}
interface TokenReview extends KubeObject {
  status?: {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
}
interface AccessReview extends KubeObject {
  status?: { allowed?: boolean; denied?: boolean; reason?: string; evaluationError?: string };
}

/** Longest wait for the API server's verdict; an HPA waits for its metric meanwhile. */
const REVIEW_TIMEOUT_MS = 5_000;

/**
 * Delegates to the API server: TokenReview, SubjectAccessReview, and the trust in its front proxy, which is published
 * in ConfigMap kube-system/extension-apiserver-authentication and followed from there.
 */
export function createDelegatedAuth(options: {
  client: KubeClient;
  watches: NamedWatches;
  log: Logger;
}): DelegatedAuth & {
  /** Resolves once it is known whether the ConfigMap exists. */
  synced: Promise<void>;
  close(): void;
} {
  const { client, watches, log } = options;
  const watch = watches.watchNamed<TrustMap>(CONFIG_MAPS, 'kube-system', 'extension-apiserver-authentication');
  let trust: RequestHeaderTrust | undefined;
  let clientCa: string | undefined;

  const adopt = (map: TrustMap | undefined) => {
    const data = map?.data ?? {};
    clientCa = data['client-ca-file'];
    trust = readTrust(data, log);
  };
  watch.onChange(adopt);
  const synced = watch.synced.then(() => {
    adopt(watch.current);
    if (!trust) log.warn('the API server publishes no front proxy; metrics can be read with a token only');
  });
  // Somebody may wait for it; a stop before the first list is no error.
  synced.catch(() => {});

  return {
    synced,
    requestHeader: () => trust,
    clientCa: () => clientCa,
    async reviewToken(token) {
      const review = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: { name: '' },
        spec: { token },
      };
      const { status } = await client.review<TokenReview>(TOKEN_REVIEWS, review, { timeoutMs: REVIEW_TIMEOUT_MS });
      const { username = '', uid = '', groups = [], extra = {} } = status?.user ?? {};
      return status?.authenticated && username !== '' ? { name: username, uid, groups, extra } : undefined;
    },
    async reviewAccess(user, access) {
      const { status } = await client.review<AccessReview>(SUBJECT_ACCESS_REVIEWS, accessReview(user, access), {
        timeoutMs: REVIEW_TIMEOUT_MS,
      });
      const reason = status?.reason || status?.evaluationError || '';
      return { allowed: status?.allowed === true && status.denied !== true, reason };
    },
    close: () => watch.release(),
  };
}

function accessReview(user: User, access: AccessRequest): AccessReview & { spec: object } {
  const { name, uid, groups, extra } = user;
  const attributes =
    access.kind === 'path'
      ? { nonResourceAttributes: { path: access.path, verb: access.verb } }
      : {
          resourceAttributes: {
            verb: access.verb,
            group: access.group,
            version: access.version,
            resource: access.resource,
            ...(access.namespace === '' ? {} : { namespace: access.namespace }),
          },
        };
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: { name: '' },
    spec: { user: name, uid, groups, extra, ...attributes },
  };
}

function readTrust(data: Record<string, string>, log: Logger): RequestHeaderTrust | undefined {
  const clientCa = data['requestheader-client-ca-file'];
  if (!clientCa) return undefined;
  const list = (key: string): string[] => {
    const text = data[key];
    if (!text) return [];
    try {
      const parsed: unknown = JSON.parse(text);
      if (Array.isArray(parsed) && parsed.every((entry) => typeof entry === 'string')) return parsed;
    } catch {
      // Reported below like any other text that is no list.
    }
    log.warn('cannot read a field of the ConfigMap that names the front proxy', { field: key });
    return [];
  };
  return {
    clientCa,
    allowedNames: list('requestheader-allowed-names'),
    usernameHeaders: list('requestheader-username-headers'),
    groupHeaders: list('requestheader-group-headers'),
    extraHeaderPrefixes: list('requestheader-extra-headers-prefix'),
  };
}
