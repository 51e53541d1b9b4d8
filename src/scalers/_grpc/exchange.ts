import { type ClientHttp2Session, constants, type IncomingHttpHeaders } from 'node:http2';
import { describeError, WindlassError } from '../../base/errors.ts';
import { createDeframer, frame } from './frames.ts';
import { decodeMessage, httpError, statusError, statusName } from './status.ts';

export interface Exchange {
  /** The call as the subject of a sentence: `IsActive of host:port`. */
  what: string;
  authority: string;
  /** `/package.Service/Method`. */
  method: string;
  request: Uint8Array;
  /** Told to the server, so that it can give up too; the caller aborts the signal when it is over. */
  timeoutMs?: number;
  signal: AbortSignal;
  onMessage(message: Uint8Array): void;
}

/** A call that ended because its connection broke before the server had answered anything. */
export interface Broken extends WindlassError {
  readonly broken: true;
}

export function isBroken(error: unknown): error is Broken {
  return error instanceof WindlassError && (error as Partial<Broken>).broken === true;
}

/**
 * One gRPC call: resolves when the server ends it with OK.
 * @throws the error of the server's status; SourceUnavailable when the connection breaks; the signal's reason
 */
export function exchange(session: ClientHttp2Session, call: Exchange): Promise<void> {
  const { what, signal, onMessage } = call;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stream = open(session, call);
    const messages = createDeframer();
    let head: IncomingHttpHeaders | undefined;
    let tail: IncomingHttpHeaders | undefined;
    let failure: unknown;
    let settled = false;

    const settle = (act: () => void) => {
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const cancel = (reason: unknown) => {
      settle(() => reject(reason));
      if (!stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
    };
    const onAbort = () => cancel(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });

    stream.on('response', (headers) => {
      head = headers;
      // An answer without a body has its status among its first headers.
      if (headers['grpc-status'] !== undefined) tail = headers;
      else if (headers[':status'] !== 200 || !String(headers['content-type']).startsWith('application/grpc'))
        cancel(httpError(what, Number(headers[':status']), String(headers['content-type'] ?? '')));
    });
    stream.on('data', (chunk: Buffer) => {
      if (settled) return;
      try {
        for (const message of messages.push(chunk)) onMessage(message);
      } catch (error) {
        cancel(error);
      }
    });
    stream.on('trailers', (headers) => {
      tail = headers;
    });
    stream.on('error', (error) => {
      failure = error;
    });
    stream.on('close', () =>
      settle(() => {
        const status = tail?.['grpc-status'];
        if (status === undefined) return reject(brokenError(what, head !== undefined, stream.rstCode, failure));
        const name = statusName(String(status));
        if (name !== 'OK') return reject(statusError(what, name, decodeMessage(String(tail?.['grpc-message'] ?? ''))));
        if (!messages.isComplete)
          return reject(new WindlassError('SourceAnswerInvalid', `${what} ended in the middle of a message`));
        resolve();
      }),
    );
    stream.end(frame(call.request));
  });
}

function open(session: ClientHttp2Session, { what, authority, method, timeoutMs }: Exchange) {
  try {
    return session.request({
      ':method': 'POST',
      ':path': method,
      ':authority': authority,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'windlass',
      ...(timeoutMs === undefined ? {} : { 'grpc-timeout': `${timeoutMs}m` }),
    });
  } catch (cause) {
    // The connection went just before the call.
    throw brokenError(what, false, undefined, cause);
  }
}

function brokenError(what: string, answered: boolean, code: number | undefined, cause: unknown): WindlassError {
  const why = cause === undefined ? `the stream was cut with code ${code ?? 0}` : describeError(cause);
  const error = new WindlassError('SourceUnavailable', `${what} broke: ${why}`, {
    cause,
    hint: 'the connection or the server went away; it is asked again',
  });
  return answered ? error : Object.assign(error, { broken: true });
}
