import { WindlassError } from '../../base/errors.ts';

/** grpc-go takes messages up to this size; more would be a wrong address, and a threat to memory. */
export const LARGEST_MESSAGE = 4 * 1024 * 1024;
const PREFIX = 5;

/** A message as gRPC sends it: not compressed, with its length in front. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(PREFIX + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX);
  return framed;
}

/** Cuts a stream of bytes into messages. */
export interface Deframer {
  /** @throws SourceAnswerInvalid for compressed or very large messages */
  push(chunk: Uint8Array): Uint8Array[];
  /** Whether the bytes so far end with a whole message. */
  readonly isComplete: boolean;
}

export function createDeframer(): Deframer {
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
      const messages: Uint8Array[] = [];
      while (rest.length >= PREFIX) {
        if (rest[0] !== 0) {
          throw new WindlassError('SourceAnswerInvalid', 'the answer is compressed or is not gRPC', {
            hint: 'check scalerAddress; the server may compress only what a client offers to take',
          });
        }
        const size = rest.readUInt32BE(1);
        if (size > LARGEST_MESSAGE)
          throw new WindlassError(
            'SourceAnswerInvalid',
            `a message of the answer has more than ${LARGEST_MESSAGE} bytes`,
          );
        if (rest.length < PREFIX + size) break;
        messages.push(rest.subarray(PREFIX, PREFIX + size));
        rest = rest.subarray(PREFIX + size);
      }
      return messages;
    },
    get isComplete() {
      return rest.length === 0;
    },
  };
}
