/**
 * Who has to act on an error, which decides what callers do with it:
 * - `user`: somebody must change an object or a setting; no retry helps before that.
 * - `unavailable`: the other side is down, slow or refuses for now; retry with back-off, fall back.
 * - `no-data`: the source answered that it has no value; neither an error nor a zero: hold.
 * - `internal`: a defect of Windlass itself.
 */
export type ErrorFamily = 'user' | 'unavailable' | 'no-data' | 'internal';

/** Every code that Windlass puts on an error, with the family it belongs to. Explained in docs/reference/errors.md. */
export const ERROR_CODES = {
  InvalidTrigger: 'user',
  InvalidObject: 'user',
  InvalidArgument: 'user',
  AuthenticationNotFound: 'user',
  CredentialNotFound: 'user',
  CredentialRefused: 'user',
  TargetNotFound: 'user',
  TargetNotScalable: 'user',
  SourceNotFound: 'user',
  SourceUnavailable: 'unavailable',
  SourceTimeout: 'unavailable',
  SourceThrottled: 'unavailable',
  SourceAnswerInvalid: 'unavailable',
  KubernetesUnavailable: 'unavailable',
  KubernetesConflict: 'unavailable',
  KubernetesRefused: 'user',
  NotOwner: 'unavailable',
  NoData: 'no-data',
  PortInUse: 'user',
  Internal: 'internal',
} as const satisfies Record<string, ErrorFamily>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface WindlassErrorOptions {
  cause?: unknown;
  /** What to do next, as a sentence for the person who reads it. */
  hint?: string;
  /** Milliseconds after which the other side asked to be tried again (Retry-After). */
  retryAfter?: number;
}

/** The one error class. The message says what failed and where; `hint` says what to do next. Never holds a secret. */
export class WindlassError extends Error {
  override readonly name = 'WindlassError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: WindlassErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryAfter = options.retryAfter;
  }

  get family(): ErrorFamily {
    return ERROR_CODES[this.code];
  }
}

/** True for an error with one of the given codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is WindlassError {
  return error instanceof WindlassError && codes.includes(error.code);
}

/** True when a retry cannot help before somebody changes something. */
export function isTerminal(error: unknown): boolean {
  return error instanceof WindlassError && error.family === 'user';
}

/** The text of anything thrown, with its causes, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message || error.name;
  const cause = error.cause === undefined ? '' : describeError(error.cause);
  return cause === '' || own.includes(cause) ? own : `${own}: ${cause}`;
}
