import { WindlassError } from '../../base/errors.ts';

/** Just enough of proto3 for small messages: text, whole numbers, doubles, booleans, messages and maps of texts. */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

/** A field of bytes: a nested message. */
export function bytesField(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([...varint((number << 3) | BYTES), ...varint(bytes.length)]), bytes]);
}

/** A text; the empty one is proto3's default and takes no space. */
export function textField(number: number, text: string): Uint8Array {
  return text === '' ? new Uint8Array() : bytesField(number, Buffer.from(text, 'utf8'));
}

/** A whole number that is not negative: int64, int32; zero takes no space. */
export function integerField(number: number, value: number): Uint8Array {
  if (value === 0) return new Uint8Array();
  const bytes = varint((number << 3) | VARINT);
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

/** A boolean; false takes no space. */
export const booleanField = (number: number, value: boolean): Uint8Array => integerField(number, value ? 1 : 0);

/** A double; zero takes no space. */
export function doubleField(number: number, value: number): Uint8Array {
  if (value === 0) return new Uint8Array();
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(varint((number << 3) | FIXED64)), bytes]);
}

/** A `map<string, string>`: on the wire a repeated message of key (1) and value (2). */
export function mapField(number: number, map: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(map).map(([key, value]) =>
    bytesField(number, Buffer.concat([textField(1, key), textField(2, value)])),
  );
  return Buffer.concat(entries);
}

/** A field as it stands on the wire; the message's definition says how to read it. */
export type WireField =
  | { number: number; kind: 'varint'; value: bigint }
  | { number: number; kind: 'double'; value: number }
  | { number: number; kind: 'bytes'; value: Uint8Array }
  | { number: number; kind: 'skipped' };

/**
 * The fields of a message in their order. Fields that a newer version of the message brings are given too.
 * @throws SourceAnswerInvalid when the bytes are no message
 */
export function readFields(bytes: Uint8Array): WireField[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: WireField[] = [];
  let at = 0;
  const need = (size: number) => {
    if (size > bytes.length - at) throw malformed();
    at += size;
    return at - size;
  };
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[need(1)] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed();
  };
  while (at < bytes.length) {
    const tag = Number(readVarint());
    const number = Math.floor(tag / 8);
    if (number === 0) throw malformed();
    switch (tag % 8) {
      case VARINT:
        fields.push({ number, kind: 'varint', value: readVarint() });
        break;
      case FIXED64:
        fields.push({ number, kind: 'double', value: view.getFloat64(need(8), true) });
        break;
      case BYTES: {
        const size = Number(readVarint());
        const start = need(size);
        fields.push({ number, kind: 'bytes', value: bytes.subarray(start, start + size) });
        break;
      }
      case FIXED32:
        need(4);
        fields.push({ number, kind: 'skipped' });
        break;
      default:
        throw malformed();
    }
  }
  return fields;
}

/** The last field with this number and kind, as proto3 reads a field that is there twice. */
function last<K extends WireField['kind']>(fields: readonly WireField[], number: number, kind: K) {
  return fields.findLast(
    (field): field is Extract<WireField, { kind: K }> => field.number === number && field.kind === kind,
  );
}

export function textOf(fields: readonly WireField[], number: number): string {
  const found = last(fields, number, 'bytes');
  return found ? Buffer.from(found.value).toString('utf8') : '';
}

/** An int64 as a number; beyond 2^53 the nearest one. */
export function integerOf(fields: readonly WireField[], number: number): number {
  return Number(BigInt.asIntN(64, last(fields, number, 'varint')?.value ?? 0n));
}

export function doubleOf(fields: readonly WireField[], number: number): number {
  return last(fields, number, 'double')?.value ?? 0;
}

export function booleanOf(fields: readonly WireField[], number: number): boolean {
  return (last(fields, number, 'varint')?.value ?? 0n) !== 0n;
}

/** The messages of a repeated field. */
export function messagesOf(fields: readonly WireField[], number: number): WireField[][] {
  return fields.flatMap((field) =>
    field.number === number && field.kind === 'bytes' ? [readFields(field.value)] : [],
  );
}

const malformed = () =>
  new WindlassError('SourceAnswerInvalid', 'the answer is not the protobuf message that was asked for', {
    hint: 'check that the server implements the same version of the service',
  });
