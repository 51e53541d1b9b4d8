import type { KubeObject, ResourceType } from '../base/object.ts';

export interface RequestOptions {
  /** Required for namespaced types, except for lists and watches over all namespaces. */
  namespace?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds for the whole request with its retries; 30 000 unless told otherwise. */
  timeoutMs?: number | undefined;
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
