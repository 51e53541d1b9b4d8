import type { KubeObject, ResourceType } from '../base/object.ts';
import type { SelectorRequirement } from '../base/selector.ts';

/** An object whose fields beyond metadata are free; controllers narrow it to what they read. */
export type AnyObject = KubeObject & { [field: string]: unknown };

export interface ChangeEvent<T extends KubeObject = AnyObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
  /** The object before the change; absent for ADDED. */
  previous?: T;
}

export interface DeleteOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
}

export type Patch =
  | { type: 'json'; patch: unknown[] }
  | { type: 'merge' | 'strategic'; patch: unknown }
  | { type: 'apply'; patch: unknown; fieldManager: string; force?: boolean };

/**
 * The sandbox's API as its own controllers use it: the same path as over HTTP (defaults, validation, conflicts,
 * admission, finalizers), without the network. Objects handed out are frozen; change a `structuredClone`.
 * Failures are ApiError with Kubernetes' reason.
 */
export interface ClusterApi {
  get<T extends KubeObject = AnyObject>(type: ResourceType, name: string, namespace?: string): T | undefined;
  list<T extends KubeObject = AnyObject>(
    type: ResourceType,
    options?: { namespace?: string; labels?: SelectorRequirement[] },
  ): T[];
  create<T extends KubeObject = AnyObject>(type: ResourceType, object: object, namespace?: string): Promise<T>;
  /** Conflict when metadata.resourceVersion is set and not the current one. */
  update<T extends KubeObject = AnyObject>(
    type: ResourceType,
    object: KubeObject,
    subresource?: 'status' | 'scale',
  ): Promise<T>;
  patch<T extends KubeObject = AnyObject>(
    type: ResourceType,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    subresource?: 'status' | 'scale',
  ): Promise<T>;
  delete(type: ResourceType, name: string, namespace?: string, options?: DeleteOptions): Promise<void>;
  /** Calls `handle` for every later change of the type, in order; returns the function that stops it. */
  watch<T extends KubeObject = AnyObject>(type: ResourceType, handle: (event: ChangeEvent<T>) => void): () => void;
  /** The served resource type of a kind, CRDs included. */
  resolve(apiVersion: string, kind: string): ResourceType | undefined;
  /** Every served type, for garbage collection and namespace deletion. */
  types(): ResourceType[];
}

/** metav1.Status reasons the sandbox answers with, and their HTTP code. */
export const STATUS_CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Invalid: 422,
  UnsupportedMediaType: 415,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
} as const;

export type StatusReason = keyof typeof STATUS_CODES;

/** An API failure as Kubernetes words it: becomes a metav1.Status. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: StatusReason;
  readonly details: Record<string, unknown> | undefined;

  constructor(reason: StatusReason, message: string, details?: Record<string, unknown>) {
    super(message);
    this.reason = reason;
    this.details = details;
  }

  get code(): number {
    return STATUS_CODES[this.reason];
  }
}

/** A running part of the sandbox. */
export interface Running {
  stop(): Promise<void>;
}
