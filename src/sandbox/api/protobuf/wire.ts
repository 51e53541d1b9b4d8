/** One field of a message as it comes over the wire. */
export interface WireField {
  number: number;
  /** A number for varints and fixed-width fields, bytes for everything with a length. */
  value: bigint | Buffer;
  fixed: boolean;
}

/** Takes a message apart. @throws RangeError for bytes that are no protobuf */
export function* readFields(message: Buffer): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('the message ends inside a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a number is longer than ten bytes');
  };
  const take = (length: number): Buffer => {
    if (at + length > message.length) throw new RangeError('the message ends inside a field');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = varint();
    const number = Number(key >> 3n);
    switch (Number(key & 7n)) {
      case 0:
        yield { number, value: varint(), fixed: false };
        break;
      case 1:
        yield { number, value: take(8).readBigUInt64LE(), fixed: true };
        break;
      case 2:
        yield { number, value: take(Number(varint())), fixed: false };
        break;
      case 5:
        yield { number, value: BigInt(take(4).readUInt32LE()), fixed: true };
        break;
      default:
        throw new RangeError(`field ${number} is of an unknown wire type`);
    }
  }
}
