import { describe, expect, it } from 'vitest';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatInteger,
  formatMetricValue,
  formatQuantity,
  parseQuantity,
  quantityToInteger,
  quantityToMilli,
  quantityToNumber,
} from './quantity.ts';

// Canonical texts and values as apimachinery 0.36.3 computes them.
describe('quantities', () => {
  it.each([
    ['0', '0', 0],
    ['00', '0', 0],
    ['-0', '0', 0],
    ['1000', '1k', 1000],
    ['1500', '1500', 1500],
    ['1.5', '1500m', 1.5],
    ['.5', '500m', 0.5],
    ['5.', '5', 5],
    ['+5', '5', 5],
    ['-1.5', '-1500m', -1.5],
    ['1000m', '1', 1],
    ['0.700', '700m', 0.7],
    ['1u', '1u', 1e-6],
    ['1n', '1n', 1e-9],
    ['0.1n', '1n', 1e-9],
    ['-0.1n', '-1n', -1e-9],
    ['1.1n', '2n', 2e-9],
    ['1.0000000001', '1000000001n', 1.000000001],
    ['1500k', '1500k', 1_500_000],
    ['1M', '1M', 1e6],
    ['1G', '1G', 1e9],
    ['1T', '1T', 1e12],
    ['1P', '1P', 1e15],
    ['1E', '1E', 1e18],
    ['1E3', '1e3', 1000],
    ['1E+3', '1e3', 1000],
    ['1e-3', '1e-3', 0.001],
    ['1e-10', '1e-9', 1e-9],
    ['1e21', '1e21', 1e21],
    ['1e1', '10', 10],
    ['1234e-1', '123400e-3', 123.4],
    ['1.5e3', '1500', 1500],
    ['1Ki', '1Ki', 1024],
    ['1024Ki', '1Mi', 1_048_576],
    ['1023Ki', '1023Ki', 1_047_552],
    ['1.5Ki', '1536', 1536],
    ['1.5Gi', '1536Mi', 1_610_612_736],
    ['0.5Gi', '512Mi', 536_870_912],
    ['0.5Ki', '512', 512],
    ['0.1Ki', '102400m', 102.4],
    ['0.0001Ki', '102400u', 0.1024],
    ['1.1Ki', '1126400m', 1126.4],
    ['-1Ki', '-1Ki', -1024],
    ['16Ei', '9223372036854775807', 2 ** 63],
    ['123456789012345678901234567890', '123456789012345678901234567890', 1.2345678901234568e29],
  ])('%s is %s, as a number %d', (text, canonical, value) => {
    expect(canonicalQuantity(text)).toBe(canonical);
    expect(quantityToNumber(text)).toBe(value);
  });

  it('writes 10^21 in full, where Kubernetes 1.36 loses the suffix and writes 1', () => {
    expect(canonicalQuantity('1000000000000000000000')).toBe('1000E');
  });

  it.each(['', ' 1', '1 ', 'abc', '1.2.3', '--1', '1x', '1mm', '1K', '1ki', '1e', '1e+', '1e1e1', '.', 'm', '1e999'])(
    'refuses "%s" and says how to write one',
    (text) => {
      expect(() => parseQuantity(text)).toThrow(/cannot read the quantity/);
    },
  );

  it('refuses a text of absurd length instead of computing with it', () => {
    expect(() => parseQuantity('9'.repeat(100_000))).toThrow(/longer than/);
    expect(() => parseQuantity('1e999999999')).toThrow(/digits/);
    expect(canonicalQuantity('1e-999999999')).toBe('1e-9');
  });

  it.each([
    ['1.0001', 1001n, 2n],
    ['-1.0001', -1001n, -2n],
    ['300m', 300n, 1n],
    ['2Ki', 2_048_000n, 2048n],
    ['0', 0n, 0n],
  ])('%s in thousandths is %d and whole %d, rounded away from zero', (text, milli, whole) => {
    expect(quantityToMilli(text)).toBe(milli);
    expect(quantityToInteger(text)).toBe(whole);
  });

  it.each([
    [['100m', '0.9'], '1'],
    [['1Gi', '512Mi'], '1536Mi'],
    [['0', '1Ki'], '1Ki'],
    [['1Ki', '1'], '1025'],
    [['5', '-5'], '0'],
  ])('the sum of %j is %s', ([first = '', ...others], sum) => {
    expect(formatQuantity(addQuantities(first, ...others))).toBe(sum);
  });

  it.each([
    ['1Ki', '1024', 0],
    ['1Ki', '1k', 1],
    ['-1', '1m', -1],
    ['0.1', '100m', 0],
  ])('%s compared with %s gives %d', (a, b, order) => {
    expect(compareQuantities(a, b)).toBe(order);
  });
});

describe('metric values as quantities', () => {
  it.each([
    [0, '0'],
    [0.0625, '62m'],
    [0.1875, '188m'],
    [0.3125, '312m'],
    [3.0625, '3.062'],
    [8.0625, '8.062'],
    [0.5, '500m'],
    [0.0001, '0'],
    [0.0005, '1m'],
    [0.0015, '2m'],
    [0.0004999, '0'],
    [5e-324, '0'],
    [0.9994, '999m'],
    [0.9996, '1'],
    [1.0005, '1'],
    [2.0005, '2.001'],
    [1.2345, '1.234'],
    [1.2355, '1.236'],
    [5.5, '5.500'],
    [100, '100'],
    [1000, '1k'],
    [1000.5, '1000.500'],
    [1_234_567, '1234567'],
    [999_999.9996, '1M'],
    [1e15, '1P'],
    [999_999_999_999_999.5, '999999999999999.500'],
    [1_000_000_000_000_000.5, '1000000000000000500m'],
    [1e20, '100E'],
    [1e21, '1000E'],
    [1.2345e24, '1234500000000000024117248'],
    [Number.NaN, '0'],
    [Number.POSITIVE_INFINITY, '0'],
    [Number.NEGATIVE_INFINITY, '0'],
    [-1, '0'],
    [-0, '0'],
  ])('%d is reported as %s', (value, text) => {
    expect(formatMetricValue(value)).toBe(text);
  });

  it.each([
    [0, '0'],
    [5, '5'],
    [1000, '1k'],
    [-1000, '-1k'],
    [1_200_000, '1200k'],
    [9223372036854775807n, '9223372036854775807'],
  ])('the integer target %d is %s', (value, text) => {
    expect(formatInteger(value)).toBe(text);
  });

  it('has no integer target for a number that is not whole', () => {
    expect(() => formatInteger(1.5)).toThrow(/whole/);
    expect(() => formatInteger(Number.NaN)).toThrow(/whole/);
  });
});

describe('properties of quantities', () => {
  // A fixed seed: a failure can be run again. mulberry32.
  const random = (seed: number) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const suffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'e3', 'e-2', 'E5'];

  it('canonical text keeps the value and is its own canonical text', () => {
    const next = random(1);
    for (let i = 0; i < 5000; i++) {
      const digits = `${Math.floor(next() * 10 ** Math.ceil(next() * 6))}`;
      const fraction = next() < 0.5 ? '' : `.${Math.floor(next() * 10 ** Math.ceil(next() * 6))}`;
      const text = `${next() < 0.3 ? '-' : ''}${digits}${fraction}${suffixes[Math.floor(next() * suffixes.length)]}`;
      const canonical = canonicalQuantity(text);
      expect(canonical, text).not.toMatch(/\./);
      expect(compareQuantities(canonical, text), text).toBe(0);
      expect(canonicalQuantity(canonical), text).toBe(canonical);
    }
  });

  it('a reported value is within half a thousandth of the number, and never a tie resolved to odd', () => {
    const next = random(2);
    for (let i = 0; i < 5000; i++) {
      // Multiples of 1/16384 hit exact ties often; large powers of ten hit the edge of the literal form.
      const value = Math.floor(next() * 2 ** 20) / 2 ** Math.floor(next() * 15) + 10 ** Math.floor(next() * 9);
      const milli = quantityToMilli(formatMetricValue(value));
      const off = Math.abs(Number(milli) - value * 1000);
      expect(off, `${value}`).toBeLessThanOrEqual(0.5);
      if (off === 0.5) expect(milli % 2n, `${value}`).toBe(0n);
    }
  });
});
