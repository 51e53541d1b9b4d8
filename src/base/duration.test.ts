import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration, parseKedaDuration, parseNanoseconds } from './duration.ts';

// Values and texts as Go 1.26 computes them.
describe('Go durations', () => {
  it.each([
    ['1h2m3.5s', 3_723_500, '1h2m3.5s'],
    ['1.5h', 5_400_000, '1h30m0s'],
    ['60m', 3_600_000, '1h0m0s'],
    ['100ms', 100, '100ms'],
    ['1us', 0.001, '1µs'],
    ['1µs', 0.001, '1µs'],
    ['1μs', 0.001, '1µs'],
    ['1500us', 1.5, '1.5ms'],
    ['1ns', 1e-6, '1ns'],
    ['1.5ns', 1e-6, '1ns'],
    ['0.1ns', 0, '0s'],
    ['0', 0, '0s'],
    ['0s', 0, '0s'],
    ['-0', 0, '0s'],
    ['-1s', -1000, '-1s'],
    ['+5s', 5000, '5s'],
    ['.5s', 500, '500ms'],
    ['5.s', 5000, '5s'],
    ['0.5m', 30_000, '30s'],
    ['1m1m', 120_000, '2m0s'],
    ['1.000001s', 1000.001, '1.000001s'],
    ['1.23456789012345678s', 1234.56789, '1.23456789s'],
    ['-90m', -5_400_000, '-1h30m0s'],
  ])('%s is %d ms and is written %s', (text, ms, written) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 9);
    expect(formatDuration(parseDuration(text))).toBe(written);
  });

  it('keeps the longest durations of Go exactly', () => {
    expect(parseNanoseconds('2562047h47m16.854775807s')).toBe(2n ** 63n - 1n);
    expect(parseNanoseconds('-2562047h47m16.854775808s')).toBe(-(2n ** 63n));
  });

  it.each(['', '1', 's', '.s', '1d', '1 s', '1h 2m', '1e3s', '2562048h', '-', '+', '--1s', '1.2.3s', 'constructor'])(
    'refuses "%s" and names the units',
    (text) => {
      expect(() => parseDuration(text)).toThrow(/cannot read the duration/);
    },
  );
});

describe('durations in triggers', () => {
  it.each([
    ['30', 30],
    ['0', 0],
    ['+5', 5],
    ['30s', 30_000],
    ['1m30s', 90_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseKedaDuration(text)).toBe(ms);
  });

  it.each([
    ['-1', /negative/],
    ['-1s', /negative/],
    ['1.5', /unit/],
    ['ten', /cannot read/],
    ['99999999999999999999', /too long/],
  ])('refuses %s', (text, message) => {
    expect(() => parseKedaDuration(text)).toThrow(message);
  });
});
