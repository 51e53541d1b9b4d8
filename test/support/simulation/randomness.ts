import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Makes UIDs and everything else that is drawn follow a seed, so that a story can be told again: which operator owns an
 * object, for example, goes by its UID. Returns what undoes it.
 */
export function followSeed(next: () => number): () => void {
  const { randomUUID, randomBytes } = crypto;
  const { random } = Math;
  const bytes = (size: number) => Buffer.from(Array.from({ length: size }, () => Math.floor(next() * 256)));
  Math.random = next;
  crypto.randomBytes = bytes as unknown as typeof randomBytes;
  crypto.randomUUID = () => {
    const hex = bytes(16).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
      '-',
    ) as ReturnType<typeof randomUUID>;
  };
  syncBuiltinESMExports();
  return () => {
    Math.random = random;
    Object.assign(crypto, { randomUUID, randomBytes });
    syncBuiltinESMExports();
  };
}
