import { describeError, type ErrorCode, WindlassError } from '../base/errors.ts';

/** A metav1.Status as the API server answers with it. */
export interface Status {
  code: number;
  /** Empty when the server gave none. */
  reason: string;
  message: string;
  details: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

// Beside the error instead of on it: there is one error class, and most readers of errors know nothing of Kubernetes.
const statuses = new WeakMap<WindlassError, Status>();

/** The Status that the API server answered with, or undefined when it did not answer or the error is another one. */
export function statusOf(error: unknown): Status | undefined {
  return error instanceof WindlassError ? statuses.get(error) : undefined;
}

/** The object (or the path) is not there. */
export const isNotFound = (error: unknown): boolean => statusOf(error)?.code === 404;
/** A create of a name that is taken. */
export const isAlreadyExists = (error: unknown): boolean => statusOf(error)?.reason === 'AlreadyExists';
/** The object changed since it was read, or another field manager owns a field. */
export const isConflict = (error: unknown): boolean =>
  statusOf(error)?.code === 409 && statusOf(error)?.reason !== 'AlreadyExists';
/** The resource version or continue token is too old: list again. */
export const isGone = (error: unknown): boolean => statusOf(error)?.code === 410;
/** The credential may not do this. */
export const isForbidden = (error: unknown): boolean => statusOf(error)?.code === 403;
/**
 * The server has not reached that resource version. After a restore of an older etcd it never will, so list again.
 */
export const isAheadOfServer = (error: unknown): boolean =>
  statusOf(error)?.details.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') === true;

/** Reads a Status out of an answer's body; makes one up from the code when the body is none (proxies answer in HTML). */
export function parseStatus(code: number, body: string): Status {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'kind' in parsed && parsed.kind === 'Status')
      return toStatus(parsed as Partial<Status>, code);
  } catch {
    // Not JSON: fall through to the plain text.
  }
  const text = body.replace(/\s+/g, ' ').trim().slice(0, 200);
  return { code, reason: '', message: text === '' ? `HTTP ${code} without a message` : text, details: {} };
}

/** A Status object, as ERROR events of a watch carry one, with every field present. */
export function toStatus(object: Partial<Status>, code = 500): Status {
  return {
    code: object.code ?? code,
    reason: object.reason ?? '',
    message: object.message ?? '',
    details: object.details ?? {},
  };
}

const HINTS: Record<number, string> = {
  401: 'check the credential in the kubeconfig or the service account',
  403: 'give the service account this right in a ClusterRole or Role',
};

/** Statuses where the same request can succeed later without anybody changing anything. */
const PASSING = new Set([408, 410, 425, 429]);

function codeOf(status: Status): ErrorCode {
  if (status.code >= 500 || PASSING.has(status.code)) return 'KubernetesUnavailable';
  if (status.code === 409 && status.reason !== 'AlreadyExists') return 'KubernetesConflict';
  return 'KubernetesRefused';
}

/** The error for a Status; `doing` says what was tried, as in `get Deployment shop/web`. */
export function statusError(doing: string, status: Status, retryAfter?: number): WindlassError {
  const wait = retryAfter ?? (status.details.retryAfterSeconds ?? 0) * 1000;
  const hint = HINTS[status.code];
  const error = new WindlassError(codeOf(status), `cannot ${doing}: ${status.message || `HTTP ${status.code}`}`, {
    ...(wait > 0 ? { retryAfter: wait } : {}),
    ...(hint === undefined ? {} : { hint }),
  });
  statuses.set(error, status);
  return error;
}

/** The error for a request that got no answer. */
export function connectionError(doing: string, cause: unknown): WindlassError {
  return new WindlassError('KubernetesUnavailable', `cannot ${doing}: ${describeError(cause)}`, {
    cause,
    hint: 'check that the API server runs and can be reached from here',
  });
}
