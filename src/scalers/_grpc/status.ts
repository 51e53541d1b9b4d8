import { type ErrorCode, WindlassError } from '../../base/errors.ts';

/** gRPC status codes by number, as the specification calls them. */
const NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type StatusName = (typeof NAMES)[number];

const OWN_PROBLEM: [ErrorCode, string] = [
  'SourceUnavailable',
  'the server has a problem of its own; it is asked again',
];

const MEANING: Partial<Record<StatusName, [ErrorCode, string]>> = {
  INVALID_ARGUMENT: ['InvalidTrigger', "the server does not accept the trigger's metadata: check it"],
  OUT_OF_RANGE: ['InvalidTrigger', "the server does not accept the trigger's metadata: check it"],
  DEADLINE_EXCEEDED: ['SourceTimeout', 'the server took too long; it is asked again'],
  NOT_FOUND: ['SourceNotFound', 'the server does not know what the trigger names: check its metadata'],
  PERMISSION_DENIED: ['CredentialRefused', 'check the credential and what it is allowed to do'],
  UNAUTHENTICATED: ['CredentialRefused', 'check the credential that is shown to the server'],
  RESOURCE_EXHAUSTED: ['SourceThrottled', 'the server asks for fewer requests: raise pollingInterval'],
  UNIMPLEMENTED: ['SourceNotFound', 'the server does not have this method: check the address and what runs there'],
};

/** What the gRPC specification makes of an HTTP status when a proxy or another server answers. */
const OF_HTTP: Record<number, StatusName> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

/** The name of a `grpc-status`; a text that is no known number counts as UNKNOWN. */
export function statusName(text: string): StatusName {
  return NAMES[/^\d+$/.test(text) ? Number(text) : 2] ?? 'UNKNOWN';
}

/** A call that the server ended with a status other than OK; keeps the status for callers who treat one apart. */
export interface GrpcError extends WindlassError {
  readonly grpcStatus: StatusName;
}

export function hasStatus(error: unknown, status: StatusName): error is GrpcError {
  return error instanceof WindlassError && (error as Partial<GrpcError>).grpcStatus === status;
}

/** The error for a status that is not OK. `message` is the server's own text, decoded. */
export function statusError(what: string, status: StatusName, message: string): GrpcError {
  const [code, hint] = MEANING[status] ?? OWN_PROBLEM;
  const text = `${what} answered ${status}${message === '' ? '' : `: ${message}`}`;
  return Object.assign(new WindlassError(code, text, { hint }), { grpcStatus: status });
}

/** The error for an answer that is HTTP but not gRPC. */
export function httpError(what: string, httpStatus: number, contentType: string): WindlassError {
  const hint = 'check scalerAddress: what answers there does not speak gRPC';
  if (httpStatus === 200) {
    const type = contentType === '' ? 'no content type' : `content type ${contentType}`;
    return new WindlassError('SourceAnswerInvalid', `${what} answered with ${type} instead of gRPC`, { hint });
  }
  return statusError(what, OF_HTTP[httpStatus] ?? 'UNKNOWN', `HTTP status ${httpStatus}`);
}

/** A text as `grpc-message`: what is not printable ASCII, and the percent sign, is percent-encoded. */
export function encodeMessage(text: string): string {
  const hex = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  const isPlain = (byte: number) => byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
  return [...Buffer.from(text, 'utf8')].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : hex(byte))).join('');
}

/** `grpc-message` is percent-encoded UTF-8; what is wrongly encoded stays as it is. */
export function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
