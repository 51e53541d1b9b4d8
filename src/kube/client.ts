import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../base/object.ts';
import type { KubeConnection } from './config.ts';
import { collectionPath, describeRequest, objectPath, requireNamespace } from './paths.ts';
import { createTokenBucket } from './rate-limit.ts';
import { parseAnswer, sendRequest } from './request.ts';
import { isNotFound, statusOf } from './status.ts';
import { createTransport } from './transport.ts';
import { openWatchStream } from './watch-stream.ts';

export interface RequestOptions {
  /** Required for namespaced types, except for lists and watches over all namespaces. */
  namespace?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds for the whole request with its retries; 30 000 unless told otherwise. */
  timeoutMs?: number | undefined;
  /**
   * Called for every try right before its first byte goes out, after any wait for a connection or a turn. What it throws
   * (a WindlassError) ends the request, unsent.
   */
  beforeSend?: (() => void) | undefined;
}

export interface GetOptions extends RequestOptions {
  subresource?: string | undefined;
}

export interface SelectOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

export interface ListOptions extends RequestOptions, SelectOptions {
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
}

export interface KubeList<T> {
  items: T[];
  resourceVersion: string;
  /** The token for the next page; absent on the last one. */
  continue?: string | undefined;
}

export interface WriteOptions extends RequestOptions {
  subresource?: string | undefined;
  /** `windlass` unless told otherwise. */
  fieldManager?: string | undefined;
  dryRun?: boolean | undefined;
}

export interface PatchOptions extends WriteOptions {
  /** `apply` is server-side apply. Custom resources know no `strategic`. */
  type: 'merge' | 'json' | 'apply' | 'strategic';
  /** With `apply`: take fields over from other managers. */
  force?: boolean | undefined;
}

export interface DeleteOptions extends RequestOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
  gracePeriodSeconds?: number | undefined;
  preconditions?: { uid?: string; resourceVersion?: string } | undefined;
  dryRun?: boolean | undefined;
}

/** autoscaling/v1 Scale, which is what every scale subresource answers with. */
export interface Scale extends KubeObject {
  spec: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

export interface WatchOptions extends SelectOptions {
  resourceVersion: string;
  signal?: AbortSignal | undefined;
  /** Seconds after which the server ends the stream. */
  timeoutSeconds: number;
  /** Milliseconds for the server to answer with the stream's head. */
  openTimeoutMs?: number | undefined;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: KubeObject }
  | { type: 'ERROR'; object: unknown };

/** A running watch: iterate it for the events; iteration ends when the server ends the stream and throws when it breaks. */
export interface WatchStream<T> extends AsyncIterable<WatchEvent<T>> {
  /** Ends the iteration with this error (or silently) and closes the connection. Safe to call twice. */
  close(error?: Error): void;
}

export interface RawRequest extends RequestOptions {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root of the API: `/version`, `/apis/apps/v1`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined> | undefined;
  body?: unknown;
  contentType?: string | undefined;
  accept?: string | undefined;
  /** What is tried, for error messages: `get Deployment shop/web`. */
  doing?: string | undefined;
}

export interface RawResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export interface TokenRequestOptions extends RequestOptions {
  namespace: string;
  /** The audiences the token is for; the API server itself when left out. */
  audiences?: string[] | undefined;
  expirationSeconds?: number | undefined;
}

/**
 * Talks to one API server. Every method throws WindlassError: KubernetesUnavailable (no answer, 5xx, 429),
 * KubernetesConflict (somebody else wrote), KubernetesRefused (everything else that the server refuses, not found
 * included); `statusOf`, `isNotFound` and their like in status.ts tell more. An aborted signal throws its reason.
 */
export interface KubeClient {
  readonly server: string;
  /** The namespace of the kubeconfig context or of the service account. */
  readonly defaultNamespace: string;

  get<T = KubeObject>(type: ResourceType, name: string, options?: GetOptions): Promise<T>;
  /** As `get`, but undefined when there is no such object. */
  find<T = KubeObject>(type: ResourceType, name: string, options?: GetOptions): Promise<T | undefined>;
  /** One page. Items carry apiVersion and kind, which the server leaves out in lists. */
  list<T = KubeObject>(type: ResourceType, options?: ListOptions): Promise<KubeList<T>>;
  /** Every page, `limit` (500) objects each. A continue token that expired on the way throws (`isGone`). */
  pages<T = KubeObject>(type: ResourceType, options?: ListOptions): AsyncGenerator<KubeList<T>, void>;
  /** All objects in memory; for lists known to be short. */
  listAll<T = KubeObject>(type: ResourceType, options?: ListOptions): Promise<T[]>;

  create<T = KubeObject>(type: ResourceType, object: object, options?: WriteOptions): Promise<T>;
  /** PUT; KubernetesConflict when metadata.resourceVersion is set and outdated. Name and namespace are the object's. */
  replace<T extends KubeObject = KubeObject>(type: ResourceType, object: T, options?: WriteOptions): Promise<T>;
  patch<T = KubeObject>(type: ResourceType, name: string, patch: unknown, options: PatchOptions): Promise<T>;
  delete(type: ResourceType, name: string, options?: DeleteOptions): Promise<void>;
  deleteCollection(type: ResourceType, options?: DeleteOptions & SelectOptions): Promise<void>;

  /** A token of a service account, bounded in time (TokenRequest). */
  createToken(
    serviceAccount: string,
    options: TokenRequestOptions,
  ): Promise<{ token: string; expirationTimestamp: string }>;
  /** Creates an object that exists only as its answer: TokenReview, SubjectAccessReview, SelfSubjectReview, … */
  review<T extends KubeObject>(type: ResourceType, object: T, options?: RequestOptions): Promise<T>;

  openWatch<T = KubeObject>(type: ResourceType, options: WatchOptions): Promise<WatchStream<T>>;
  /** Any path. Statuses of 400 and above throw. */
  request(request: RawRequest): Promise<RawResponse>;
  /** As `request`, with the answer's JSON. */
  requestJson<T>(request: RawRequest): Promise<T>;
  /** Closes all connections; running requests and watches end with an error. */
  close(): Promise<void>;
}

export interface ClientOptions {
  log: Logger;
  clock: Clock;
  userAgent?: string | undefined;
  /** Requests per second and at once (--kube-api-qps, --kube-api-burst); unlimited when left out. */
  rateLimit?: { qps: number; burst: number } | undefined;
  /** Called for every answer (status 0: none came), for metrics. */
  observe?: ((request: { method: string; path: string; status: number; ms: number }) => void) | undefined;
  random?: (() => number) | undefined;
}

/** The name under which all our writes are recorded in managedFields. */
export const FIELD_MANAGER = 'windlass';

const PAGE = 500;
const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** Creates a client; the first request opens the first connection. */
export function createKubeClient(connection: KubeConnection, options: ClientOptions): KubeClient {
  const { clock, log, userAgent = 'windlass', random = Math.random, observe, rateLimit } = options;
  const transport = createTransport(connection, { clock, log, userAgent });
  const limiter = rateLimit && createTokenBucket({ perSecond: rateLimit.qps, burst: rateLimit.burst, clock });
  const request = (raw: RawRequest) => sendRequest(raw, { transport, clock, log, limiter, random, observe });
  const requestJson = async <T>(raw: RawRequest): Promise<T> =>
    parseAnswer<T>(await request(raw), raw.doing ?? `${raw.method} ${raw.path}`);

  const common = ({ signal, timeoutMs, beforeSend }: RequestOptions) => ({ signal, timeoutMs, beforeSend });
  const writeQuery = ({ fieldManager = FIELD_MANAGER, dryRun }: WriteOptions) => ({
    fieldManager,
    dryRun: dryRun ? 'All' : undefined,
  });
  const deleteBody = ({ propagationPolicy, gracePeriodSeconds, preconditions, dryRun }: DeleteOptions) => ({
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy,
    gracePeriodSeconds,
    preconditions,
    dryRun: dryRun ? ['All'] : undefined,
  });

  const client: KubeClient = {
    server: connection.server,
    defaultNamespace: connection.namespace,
    request,
    requestJson,

    get: (type, name, o = {}) =>
      requestJson({
        ...common(o),
        method: 'GET',
        path: objectPath(type, name, o.namespace, o.subresource),
        doing: describeRequest('get', type, name, o.namespace),
      }),
    async find(type, name, o) {
      try {
        return await client.get(type, name, o);
      } catch (error) {
        if (isMissingObject(error)) return undefined;
        throw error;
      }
    },
    async list<T>(type: ResourceType, o: ListOptions = {}) {
      const { items, metadata } = await requestJson<{
        items: T[] | null;
        metadata?: { resourceVersion?: string; continue?: string };
      }>({
        ...common(o),
        method: 'GET',
        path: collectionPath(type, o.namespace),
        query: {
          labelSelector: o.labelSelector,
          fieldSelector: o.fieldSelector,
          limit: o.limit,
          continue: o.continue,
          resourceVersion: o.resourceVersion,
          resourceVersionMatch: o.resourceVersionMatch,
        },
        doing: describeRequest('list', type, undefined, o.namespace),
      });
      const typed = { apiVersion: apiVersionOf(type), kind: type.kind };
      return {
        items: (items ?? []).map((item): T => ({ ...typed, ...item })),
        resourceVersion: metadata?.resourceVersion ?? '',
        continue: metadata?.continue || undefined,
      };
    },
    async *pages<T>(type: ResourceType, o: ListOptions = {}) {
      let token = o.continue;
      do {
        const page: KubeList<T> = await client.list<T>(type, { ...o, limit: o.limit ?? PAGE, continue: token });
        yield page;
        token = page.continue;
      } while (token !== undefined);
    },
    async listAll<T>(type: ResourceType, o?: ListOptions) {
      const all: T[] = [];
      for await (const { items } of client.pages<T>(type, o)) all.push(...items);
      return all;
    },

    create: async (type, object, o = {}) => {
      const { metadata } = object as Partial<KubeObject>;
      const namespace = type.namespaced ? (o.namespace ?? metadata?.namespace) : undefined;
      requireNamespace(type, namespace);
      const path = o.subresource
        ? objectPath(type, metadata?.name ?? '', namespace, o.subresource)
        : collectionPath(type, namespace);
      const doing = describeRequest('create', type, metadata?.name ?? metadata?.generateName, namespace);
      return requestJson({ ...common(o), method: 'POST', path, query: writeQuery(o), body: object, doing });
    },
    replace: async (type, object, o = {}) => {
      const { name } = object.metadata;
      const namespace = o.namespace ?? object.metadata.namespace;
      const doing = describeRequest('replace', type, name, namespace);
      const path = objectPath(type, name, namespace, o.subresource);
      return requestJson({ ...common(o), method: 'PUT', path, query: writeQuery(o), body: object, doing });
    },
    patch: async (type, name, patch, o) =>
      requestJson({
        ...common(o),
        method: 'PATCH',
        path: objectPath(type, name, o.namespace, o.subresource),
        query: { ...writeQuery(o), force: o.type === 'apply' ? o.force : undefined },
        body: patch,
        contentType: PATCH_TYPES[o.type],
        doing: describeRequest(o.type === 'apply' ? 'apply' : 'patch', type, name, o.namespace),
      }),
    async delete(type, name, o = {}) {
      const path = objectPath(type, name, o.namespace);
      const doing = describeRequest('delete', type, name, o.namespace);
      await request({ ...common(o), method: 'DELETE', path, body: deleteBody(o), doing });
    },
    async deleteCollection(type, o = {}) {
      requireNamespace(type, o.namespace);
      await request({
        ...common(o),
        method: 'DELETE',
        path: collectionPath(type, o.namespace),
        query: { labelSelector: o.labelSelector, fieldSelector: o.fieldSelector },
        body: deleteBody(o),
        doing: describeRequest('delete', type, undefined, o.namespace),
      });
    },

    async createToken(serviceAccount, o) {
      const answer = await requestJson<{ status: { token: string; expirationTimestamp: string } }>({
        ...common(o),
        method: 'POST',
        path: objectPath(SERVICE_ACCOUNTS, serviceAccount, o.namespace, 'token'),
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences: o.audiences ?? [], expirationSeconds: o.expirationSeconds },
        },
        doing: describeRequest('create a token of', SERVICE_ACCOUNTS, serviceAccount, o.namespace),
      });
      return answer.status;
    },
    review: (type, object, o = {}) => client.create(type, object, o),
    openWatch: (type, o) => openWatchStream(type, o, { transport, clock }),
    close: () => transport.close(),
  };
  return client;
}

const SERVICE_ACCOUNTS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};

/** A 404 for the object; one for its type (a CRD that is not installed) has no reason or says so. */
function isMissingObject(error: unknown): boolean {
  if (!isNotFound(error)) return false;
  const status = statusOf(error);
  return status?.reason === 'NotFound' && !status.message.includes('could not find the requested resource');
}
