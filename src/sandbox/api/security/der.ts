/** The few pieces of ASN.1 DER that a certificate is made of. */

function encode(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length, ...length]), body]);
}

export const sequence = (...items: Uint8Array[]) => encode(0x30, ...items);
export const set = (...items: Uint8Array[]) => encode(0x31, ...items);
export const octets = (content: Uint8Array) => encode(0x04, content);
export const utf8 = (text: string) => encode(0x0c, Buffer.from(text));
export const boolean = (value: boolean) => encode(0x01, Buffer.from([value ? 0xff : 0]));

/** A whole number of any length, given as its big-endian bytes; never negative. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const rest = bytes.subarray(start);
  return encode(0x02, ...((rest[0] ?? 0) >= 0x80 ? [Buffer.from([0]), rest] : [rest]));
}

/** A bit string; `unused` bits at its end do not count. */
export function bits(content: Uint8Array, unused = 0): Buffer {
  return encode(0x03, Buffer.from([unused]), content);
}

/** An object identifier such as `2.5.4.3`. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return encode(0x06, Buffer.from(bytes));
}

/** A moment, as X.509 wants it: two-digit years until 2049, four digits from 2050. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return Number(digits.slice(0, 4)) < 2050
    ? encode(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : encode(0x18, Buffer.from(`${digits}Z`));
}

/** A context-specific tag around whole items (constructed) or plain bytes (primitive). */
export const tagged = (number: number, ...items: Uint8Array[]) => encode(0xa0 | number, ...items);
export const taggedBytes = (number: number, bytes: Uint8Array) => encode(0x80 | number, bytes);
