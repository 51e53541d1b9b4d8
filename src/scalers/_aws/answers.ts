import { type ErrorCode, WindlassError } from '../../base/errors.ts';
import type { HttpAnswer } from '../_http/client.ts';
import { statusError } from '../_http/errors.ts';

/** Codes of errors that all of AWS' services share, and those of SQS. Read without `Exception` at the end. */
const MEANINGS: readonly [RegExp, ErrorCode, string][] = [
  [
    /^(ExpiredToken|ExpiredTokenId|TokenRefreshRequired)$/,
    'CredentialRefused',
    'the session has ended: give fresh keys, or use pod identity aws, which renews them',
  ],
  [
    /^(RequestExpired|RequestTimeTooSkewed)$/,
    'CredentialRefused',
    "the operator's clock and that of AWS differ: check the clock of its node",
  ],
  [
    /^(AccessDenied|AuthorizationError|UnauthorizedOperation|InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|InvalidSecurity|OptInRequired|InvalidIdentityToken|IDPRejectedClaim|KmsAccessDenied)$/,
    'CredentialRefused',
    'check the keys or the role, and what its policy allows',
  ],
  [
    /^(Throttling|ThrottledException|Throttled|RequestThrottled|RequestLimitExceeded|TooManyRequests|SlowDown|OverLimit|BandwidthLimitExceeded|PriorRequestNotComplete|TransactionInProgress)$/,
    'SourceThrottled',
    'AWS asks for fewer requests: raise pollingInterval',
  ],
  [
    /^(QueueDoesNotExist|NonExistentQueue|AWS\.SimpleQueueService\.NonExistentQueue|ResourceNotFound)$/,
    'SourceNotFound',
    'check the name, the region and the account',
  ],
  [/^InvalidAddress$/, 'SourceNotFound', "write queueURL as the queue's whole URL"],
];

/** The code of an error as AWS gives it: `com.amazonaws.sqs#QueueDoesNotExist` is `QueueDoesNotExist`. */
export function awsErrorCode({ headers, body }: HttpAnswer): string | undefined {
  const header = headers['x-amzn-errortype']?.split(':')[0];
  const code = header ?? /"(?:__type|code)"\s*:\s*"([^"]+)"/.exec(body)?.[1] ?? /<Code>([^<]+)<\/Code>/.exec(body)?.[1];
  return code?.split('#').at(-1);
}

/** Whether AWS refuses a session only because its time is over. */
export function isExpired(answer: HttpAnswer): boolean {
  return (
    answer.status >= 400 && /^(ExpiredToken|ExpiredTokenException|ExpiredTokenId)$/.test(awsErrorCode(answer) ?? '')
  );
}

/**
 * The error for an answer other than 200. The texts that AWS adds are left out: they quote identities and policies.
 * @param what the subject of a sentence, for example `SQS GetQueueAttributes in eu-west-1`
 */
export function awsError(what: string, answer: HttpAnswer, now: number): WindlassError {
  const code = awsErrorCode(answer);
  const plain = statusError({ what, status: answer.status, headers: answer.headers, now, detail: code });
  if (code === undefined) return plain;
  const known = MEANINGS.find(([pattern]) => pattern.test(code.replace(/(?<=.)Exception$/, '')));
  if (known === undefined) return plain;
  const [, errorCode, hint] = known;
  return new WindlassError(errorCode, plain.message, {
    hint,
    ...(plain.retryAfter === undefined ? {} : { retryAfter: plain.retryAfter }),
  });
}
