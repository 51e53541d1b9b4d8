import { expect, test } from 'vitest';
import { parseFloatText } from './float.ts';

test.each([
  ['1.5', 1.5],
  ['1e3', 1000],
  ['.5', 0.5],
  ['5.', 5],
  ['-2', -2],
  ['+2', 2],
  ['05', 5],
  ['', undefined],
  [' 5', undefined],
  ['5 ', undefined],
  ['five', undefined],
  ['0x10', undefined],
  ['1_000', undefined],
  ['Infinity', undefined],
  ['NaN', undefined],
  ['1e999', undefined],
  ['.', undefined],
])('%j is read as %s', (text, value) => {
  expect(parseFloatText(text)).toBe(value);
});
