/** As much of DER (ITU-T X.690) as a certificate needs. */

export function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
export const set = (...parts: Uint8Array[]) => der(0x31, ...parts);
export const octets = (content: Uint8Array) => der(0x04, content);
export const bits = (content: Uint8Array, unused = 0) => der(0x03, Buffer.from([unused]), content);
export const boolean = (value: boolean) => der(0x01, Buffer.from([value ? 0xff : 0]));
export const nothing = () => der(0x05);
export const utf8 = (text: string) => der(0x0c, Buffer.from(text));
/** `[n]` around whole values. */
export const explicit = (tag: number, ...parts: Uint8Array[]) => der(0xa0 | tag, ...parts);
/** `[n]` in place of a primitive value's own tag. */
export const implicit = (tag: number, content: Uint8Array) => der(0x80 | tag, content);

/** A number that is not negative, big-endian. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const trimmed = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  const padded = (trimmed[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed;
  return der(0x02, padded);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export function time(ms: number): Buffer {
  const date = new Date(ms);
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  const short = date.getUTCFullYear() < 2050;
  return der(short ? 0x17 : 0x18, Buffer.from(short ? digits.slice(2) : digits));
}

/** The values inside a constructed value, each with its own tag and length. */
export function elements(value: Uint8Array): Uint8Array[] {
  const content = value.subarray(headerLength(value));
  const parts: Uint8Array[] = [];
  for (let at = 0; at < content.length; ) {
    const rest = content.subarray(at);
    const length = headerLength(rest) + contentLength(rest);
    parts.push(rest.subarray(0, length));
    at += length;
  }
  return parts;
}

function headerLength(value: Uint8Array): number {
  const first = value[1] ?? 0;
  return first & 0x80 ? 2 + (first & 0x7f) : 2;
}

function contentLength(value: Uint8Array): number {
  const first = value[1] ?? 0;
  if (!(first & 0x80)) return first;
  return value.subarray(2, headerLength(value)).reduce((sum, byte) => sum * 256 + byte, 0);
}
