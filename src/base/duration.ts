import { WindlassError } from './errors.ts';

const NANOSECONDS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  // Both code points are in use: U+00B5 (micro sign) and U+03BC (Greek mu).
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
/** Go keeps a duration in 63 bits of nanoseconds: about 292 years. */
const LONGEST = 2n ** 63n - 1n;
const HINT = 'write it as 30s, 5m, 1h30m or 250ms; the units are ns, us, ms, s, m and h';

/**
 * Milliseconds (with a fraction below one) of a Go duration such as `1h2m3.5s`.
 * @throws InvalidArgument with the text and how to write one
 */
export function parseDuration(text: string): number {
  return Number(parseNanoseconds(text)) / 1e6;
}

/** Nanoseconds of a Go duration, exactly; fractions below one nanosecond are cut off as Go cuts them. */
export function parseNanoseconds(text: string): bigint {
  const fail = (why: string) =>
    new WindlassError('InvalidArgument', `cannot read the duration "${text.slice(0, 60)}": ${why}`, { hint: HINT });
  const sign = /^[+-]/.test(text) ? text[0] : '';
  const rest = text.slice(sign === '' ? 0 : 1);
  if (rest === '0') return 0n;
  if (rest === '') throw fail('it is empty');
  let total = 0n;
  const part = /(\d*)(?:\.(\d*))?([^\d.]*)/y;
  while (part.lastIndex < rest.length) {
    const [, whole = '', fraction = '', unit = ''] = part.exec(rest) ?? [];
    if (whole === '' && fraction === '') throw fail('a number is missing');
    if (unit === '') throw fail('a unit is missing');
    const scale = Object.hasOwn(NANOSECONDS, unit) ? NANOSECONDS[unit] : undefined;
    if (scale === undefined) throw fail(`"${unit}" is not a unit`);
    // Digits past the 15th of a fraction are below a nanosecond even for hours (3.6e12 ns).
    const decimals = fraction.slice(0, 15);
    total += BigInt(whole || '0') * scale + (BigInt(decimals || '0') * scale) / 10n ** BigInt(decimals.length);
    if (total > LONGEST + (sign === '-' ? 1n : 0n)) throw fail('it is longer than 292 years');
  }
  return sign === '-' ? -total : total;
}

/** A duration in milliseconds as Go writes it: `1h2m3.5s`, `250ms`, `1.5µs`, `0s`. */
export function formatDuration(ms: number): string {
  const total = BigInt(Math.round(ms * 1e6));
  if (total === 0n) return '0s';
  const sign = total < 0n ? '-' : '';
  const ns = total < 0n ? -total : total;
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${decimal(ns, 3)}µs`;
  if (ns < 1_000_000_000n) return `${sign}${decimal(ns, 6)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = `${decimal(ns % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return `${sign}${hours === 0n ? '' : `${hours}h`}${minutes % 60n}m${seconds}`;
}

/** value / 10^places without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = `${value}`.padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -places) : `${digits.slice(0, -places)}.${fraction}`;
}

/**
 * Milliseconds of a duration as KEDA reads one in a trigger: a Go duration, or a plain whole number of milliseconds.
 * @throws InvalidArgument for anything else and for a negative one
 */
export function parseKedaDuration(text: string): number {
  const ms = /^[+-]?\d+$/.test(text) ? Number(text) : parseDuration(text);
  if (ms < 0)
    throw new WindlassError('InvalidArgument', `the duration "${text}" is negative`, {
      hint: `${HINT}; a plain number is milliseconds`,
    });
  if (!Number.isSafeInteger(Math.trunc(ms)))
    throw new WindlassError('InvalidArgument', `the duration "${text}" is too long`, { hint: HINT });
  return ms;
}
