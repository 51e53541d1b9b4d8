import { describe, expect, it } from 'vitest';
import {
  booleanField,
  booleanOf,
  bytesField,
  doubleField,
  doubleOf,
  integerField,
  integerOf,
  mapField,
  messagesOf,
  readFields,
  textField,
  textOf,
} from './protobuf.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('messages as protobuf writes them', () => {
  // By hand from the encoding specification; that a real server takes them is shown in ../external/scaler.test.ts.
  it.each<[string, Uint8Array, string]>([
    ['a text', textField(1, 'web'), '0a 03 77 65 62'],
    ['a whole number of 35 bits', integerField(1, 2 ** 34 + 1), '08 81 80 80 80 40'],
    ['a small one, and zero, which is left out', Buffer.concat([integerField(1, 127), integerField(2, 0)]), '08 7f'],
    ['booleans', Buffer.concat([booleanField(4, true), booleanField(5, false)]), '20 01'],
    ['doubles', Buffer.concat([doubleField(3, 2.5), doubleField(4, 0)]), '19 00 00 00 00 00 00 04 40'],
    ['an empty text, which is left out', textField(1, ''), ''],
    ['a map', mapField(3, { a: 'b', c: '' }), '1a 06 0a 01 61 12 01 62 1a 03 0a 01 63'],
    ['a long field, whose length takes two bytes', bytesField(2, new Uint8Array(200)), `12 c8 01 ${'00'.repeat(200)}`],
  ])('%s', (_, written, hex) => {
    expect(Buffer.from(written).toString('hex')).toBe(hex.replaceAll(' ', ''));
  });

  it('are read, whatever a newer version adds', () => {
    // 1: "a", 2: -1, 3: 2.5, 4: true, 9 (fixed32, unknown), 5: { 1: "x" } twice
    const fields = readFields(
      bytes('0a0161 10ffffffffffffffffff01 19 0000000000000440 2001 4d 01020304 2a03 0a0178 2a03 0a0179'),
    );
    expect(textOf(fields, 1)).toBe('a');
    expect(integerOf(fields, 2)).toBe(-1);
    expect(doubleOf(fields, 3)).toBe(2.5);
    expect(booleanOf(fields, 4)).toBe(true);
    expect(messagesOf(fields, 5).map((each) => textOf(each, 1))).toEqual(['x', 'y']);
    expect([textOf(fields, 7), integerOf(fields, 7), doubleOf(fields, 7), booleanOf(fields, 7)]).toEqual([
      '',
      0,
      0,
      false,
    ]);
  });

  it.each([
    ['a length beyond the end', '0a 05 61'],
    ['a number that does not end', '10 ff ff'],
    ['a number that is too long', `10 ${'ff'.repeat(11)}`],
    ['field number 0', '00 00'],
    ['a kind of field that does not exist', '0f'],
    ['a double that is cut off', '19 00 00'],
    ['text', Buffer.from('<html>').toString('hex')],
  ])('%s is refused', (_, hex) => {
    expect(() => readFields(bytes(hex))).toThrow(expect.objectContaining({ code: 'SourceAnswerInvalid' }));
  });
});
