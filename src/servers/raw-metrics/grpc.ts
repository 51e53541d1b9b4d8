import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { describeError } from '../../base/errors.ts';
import { createDeframer, frame } from '../../scalers/_grpc/frames.ts';
import { encodeMessage } from '../../scalers/_grpc/status.ts';

/** A call that is being answered. */
export interface Call {
  /** @returns false when nothing more should be written until `onDrain` */
  write(message: Uint8Array): boolean;
  onDrain(handler: () => void): void;
  /** The other side is gone, or the call has ended. */
  onClose(handler: () => void): void;
  /** Ends it well, or with a status and what went wrong. */
  end(failure?: { status: number; message: string }): void;
}

/** Answers one method; gets the one message of the request. What it throws at once is a message that it cannot read. */
export type Method = (request: Uint8Array, call: Call) => void | Promise<void>;

/** Status codes of the gRPC specification. */
export const STATUS = { UNKNOWN: 2, INVALID_ARGUMENT: 3, UNIMPLEMENTED: 12 } as const;

/**
 * Answers calls by their path, `/<package>.<service>/<method>`. Requests are one message each, as unary calls and
 * server streams have it.
 */
export function createGrpcHandler(
  methods: Readonly<Record<string, Method>>,
): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  return (request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    if (!/^application\/grpc($|[+;])/.test(request.headers['content-type'] ?? '')) {
      response.writeHead(415).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/grpc', 'grpc-accept-encoding': 'identity' });
    const call = callOf(response);
    const method = Object.hasOwn(methods, request.url) ? methods[request.url] : undefined;
    if (!method) return call.end({ status: STATUS.UNIMPLEMENTED, message: `there is no method ${request.url}` });
    const deframer = createDeframer();
    const messages: Uint8Array[] = [];
    const fail = (error: unknown) => call.end({ status: STATUS.UNKNOWN, message: describeError(error) });
    request.on('data', (chunk: Buffer) => {
      try {
        messages.push(...deframer.push(chunk));
      } catch {
        call.end({ status: STATUS.UNIMPLEMENTED, message: 'the request is compressed, too large or not gRPC' });
      }
    });
    request.on('end', () => {
      const [message] = messages;
      if (response.writableEnded) return;
      if (!message || messages.length > 1 || !deframer.isComplete)
        return call.end({ status: STATUS.INVALID_ARGUMENT, message: 'the request is not one message' });
      try {
        Promise.resolve(method(message, call)).catch(fail);
      } catch {
        call.end({ status: STATUS.INVALID_ARGUMENT, message: `the request is not the message of ${request.url}` });
      }
    });
  };
}

function callOf(response: Http2ServerResponse): Call {
  return {
    write: (message) => response.writableEnded || response.destroyed || response.write(frame(message)),
    onDrain: (handler) => void response.on('drain', handler),
    onClose: (handler) => void response.on('close', handler),
    end(failure) {
      if (response.writableEnded || response.destroyed) return;
      response.addTrailers({
        'grpc-status': String(failure?.status ?? 0),
        ...(failure ? { 'grpc-message': encodeMessage(failure.message) } : {}),
      });
      response.end();
    },
  };
}
