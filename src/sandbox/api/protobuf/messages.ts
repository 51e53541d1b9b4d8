import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/**
 * JSON name, type (a scalar of protobuf or a message), and flags: `r` repeated, `m` map from strings, `i` its fields
 * belong to the message around it, `z` zero values are told from absent ones.
 */
export type Field = [name: string, type: string, flags?: string];

/** What tools/protobuf.ts writes. */
export interface MessageData {
  version: string;
  /** apiVersion to protobuf package. */
  packages: Record<string, string>;
  messages: Record<string, Record<string, Field>>;
}

let loaded: MessageData | undefined;

/** The messages of the built-in groups, unpacked at the first call and shared afterwards; treat as read-only. */
export function messageData(): MessageData {
  if (loaded === undefined) {
    const packed = readFileSync(new URL('./messages.generated.json.br', import.meta.url));
    loaded = JSON.parse(brotliDecompressSync(packed).toString('utf8')) as MessageData;
  }
  return loaded;
}
