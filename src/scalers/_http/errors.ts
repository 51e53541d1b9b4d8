import { describeError, type ErrorCode, WindlassError } from '../../base/errors.ts';

/** A URL as it may be shown: without user, password and query, any of which may hold a credential. */
export function shownUrl(url: URL | string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** Milliseconds of a Retry-After header: seconds or a date; undefined when it says nothing. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

export interface BadStatus {
  /** What was asked, as the subject of a sentence: `GET http://host/path`. */
  what: string;
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Wall-clock now, for a Retry-After that is a date. */
  now: number;
  /** The vendor's own error code, if it gave one. */
  detail?: string | undefined;
}

/** The error for an answer whose status is not the one that was hoped for. */
export function statusError({ what, status, headers, now, detail }: BadStatus): WindlassError {
  const [code, hint] = meaning(status);
  const retryAfter = retryAfterMs(headers['retry-after'], now);
  return new WindlassError(code, `${what} answered ${status}${detail === undefined ? '' : ` (${detail})`}`, {
    hint,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

function meaning(status: number): [ErrorCode, string] {
  if (status === 401 || status === 403 || status === 407)
    return ['CredentialRefused', 'check the credential and what it is allowed to read'];
  if (status === 404 || status === 410) return ['SourceNotFound', 'check the address and the names in the trigger'];
  if (status === 429) return ['SourceThrottled', 'the source asks for fewer requests: raise pollingInterval'];
  if (status === 408 || status === 504) return ['SourceTimeout', 'the source took too long; it is asked again'];
  if (status >= 500) return ['SourceUnavailable', 'the source has a problem of its own; it is asked again'];
  return ['SourceAnswerInvalid', 'check the address: this is not an answer that the trigger can use'];
}

const TLS_CODE = /CERT|SELF_SIGNED|UNABLE_TO_|TLS|SSL|EPROTO/;

/** The error for a request that got no answer. `cause` is what undici or Node threw. */
export function connectionError(what: string, cause: unknown): WindlassError {
  if (cause instanceof WindlassError) return cause;
  const code = codeOf(cause);
  if (code.includes('TIMEOUT') || code === 'ETIMEDOUT')
    return new WindlassError('SourceTimeout', `${what} got no answer in time`, {
      cause,
      hint: 'check that the address is reachable from the operator; network policies and firewalls drop silently',
    });
  const hint =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'check the host name; inside a cluster a service is <name>.<namespace>.svc'
      : code === 'ECONNREFUSED'
        ? 'nothing listens at that address and port; check both'
        : TLS_CODE.test(code)
          ? 'give the certificate authority as ca, or set unsafeSsl for a test'
          : 'check that the address is reachable from the operator';
  return new WindlassError('SourceUnavailable', `${what} failed: ${code || describeError(cause)}`, { cause, hint });
}

/** The code of an error or of one of its causes (AggregateError: of the last attempt). */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors.at(-1));
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (cause !== undefined && (code === undefined || String(code).startsWith('UND_')))
    return codeOf(cause) || String(code ?? '');
  return code === undefined ? '' : String(code);
}
