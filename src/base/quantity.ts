import { WindlassError } from './errors.ts';

/** How a quantity was written, which decides how it is written again. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/**
 * A Kubernetes quantity, exactly: a whole number of nanos (10⁻⁹). Kubernetes rounds anything finer up, away from zero,
 * to one nano, so nothing that it can hold is lost.
 */
export interface Quantity {
  nano: bigint;
  format: QuantityFormat;
}

const NANO = 1_000_000_000n;
/** Kubernetes: a quantity in the binary form is cut off at 2^63-1; decimal ones have no bound. */
const BINARY_MAX = (2n ** 63n - 1n) * NANO;
/** Longer than any double written out in full (309 digits); a bound keeps `1e999999999` from filling the memory. */
const LONGEST = 400;

const DECIMAL_EXPONENT: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const DECIMAL_SUFFIX = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY_SUFFIX = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const TEXT = /^([+-]?)(\d*)(?:\.(\d*))?(?:([numkMGTPE]?|[KMGTPE]i)|[eE]([+-]?\d{1,9}))$/;

/**
 * Parses a Kubernetes quantity (`5`, `1.5Gi`, `300m`, `2e3`).
 * @throws InvalidArgument with the text and how to write one
 */
export function parseQuantity(text: string): Quantity {
  const fail = (why: string) =>
    new WindlassError('InvalidArgument', `cannot read the quantity "${text.slice(0, 60)}": ${why}`, {
      hint: 'write a number with an optional suffix: n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, or an exponent such as e3',
    });
  if (text.length > LONGEST) throw fail(`it is longer than ${LONGEST} characters`);
  const match = TEXT.exec(text);
  const [, sign, whole = '', fraction = '', suffix, exponentText] = match ?? [];
  if (!match) throw fail('it is not a number with a known suffix');
  if (whole === '' && fraction === '') throw fail('it has no digits');

  const digits = BigInt(whole + fraction);
  let format: QuantityFormat = 'DecimalSI';
  let exponent = -fraction.length;
  let amount = digits;
  if (exponentText !== undefined) {
    format = 'DecimalExponent';
    exponent += Number(exponentText);
  } else if (suffix?.endsWith('i')) {
    format = 'BinarySI';
    amount <<= 10n * BigInt(BINARY_SUFFIX.indexOf(suffix));
  } else exponent += DECIMAL_EXPONENT[suffix ?? ''] ?? 0;

  if (exponent > LONGEST) throw fail(`it has more than ${LONGEST} digits`);
  let nano = scaleUp(amount, exponent + 9);
  if (format === 'BinarySI') {
    if (nano > BINARY_MAX) nano = BINARY_MAX;
    // Kubernetes: a binary quantity below one is kept in the decimal form, where it needs no rounding.
    if (nano < NANO) format = 'DecimalSI';
  }
  return { nano: sign === '-' ? -nano : nano, format };
}

/** amount × 10^exponent for an amount ≥ 0, rounded up to a whole number. */
function scaleUp(amount: bigint, exponent: number): bigint {
  if (exponent >= 0) return amount * 10n ** BigInt(exponent);
  // Below 10^-2·LONGEST every amount that the length limit lets through is a fraction of one.
  if (exponent < -2 * LONGEST) return amount === 0n ? 0n : 1n;
  const divisor = 10n ** BigInt(-exponent);
  return (amount + divisor - 1n) / divisor;
}

const read = (quantity: Quantity | string): Quantity =>
  typeof quantity === 'string' ? parseQuantity(quantity) : quantity;

/** The double nearest to the quantity. */
export function quantityToNumber(quantity: Quantity | string): number {
  return Number(`${read(quantity).nano}e-9`);
}

/** The quantity in thousandths, rounded away from zero as Kubernetes' MilliValue rounds. */
export function quantityToMilli(quantity: Quantity | string): bigint {
  return divideAwayFromZero(read(quantity).nano, 1_000_000n);
}

/** The quantity as a whole number, rounded away from zero as Kubernetes' Value rounds. */
export function quantityToInteger(quantity: Quantity | string): bigint {
  return divideAwayFromZero(read(quantity).nano, NANO);
}

function divideAwayFromZero(value: bigint, divisor: bigint): bigint {
  const whole = value / divisor;
  if (value % divisor === 0n) return whole;
  return value < 0n ? whole - 1n : whole + 1n;
}

/** A decimal quantity of `milli` thousandths. */
export function quantityOfMilli(milli: bigint): Quantity {
  return { nano: milli * 1_000_000n, format: 'DecimalSI' };
}

/** The text that Kubernetes would write for the quantity after changing it: `1000m` is `1`, `1.5Gi` is `1536Mi`. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0';
  if (format === 'BinarySI' && nano % NANO === 0n) {
    const value = nano / NANO;
    if (value >= 1024n || value <= -1024n) {
      const [mantissa, power] = factorOut(value, 1024n, BINARY_SUFFIX.length - 1);
      return `${mantissa}${BINARY_SUFFIX[power]}`;
    }
  }
  if (format === 'DecimalExponent') {
    const [mantissa, power] = factorOut(nano, 1000n, LONGEST);
    const exponent = 3 * power - 9;
    return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  }
  // Kubernetes 1.36 leaves the suffix out when it would have to be above E and so writes 10^21 as "1"; "1000E" is right.
  const [mantissa, power] = factorOut(nano, 1000n, DECIMAL_SUFFIX.length - 1);
  return `${mantissa}${DECIMAL_SUFFIX[power]}`;
}

/** value = mantissa × base^power with the largest power up to `most`. */
function factorOut(value: bigint, base: bigint, most: number): [mantissa: bigint, power: number] {
  let mantissa = value;
  let power = 0;
  while (power < most && mantissa % base === 0n) {
    mantissa /= base;
    power++;
  }
  return [mantissa, power];
}

/** The canonical text of a quantity's text, so that equal quantities of one form have equal texts. */
export function canonicalQuantity(text: string): string {
  return formatQuantity(parseQuantity(text));
}

/** The sum in the form of the first one that is not zero, as Kubernetes adds. */
export function addQuantities(first: Quantity | string, ...others: (Quantity | string)[]): Quantity {
  return others.reduce<Quantity>((sum, other) => {
    const next = read(other);
    return { nano: sum.nano + next.nano, format: sum.nano === 0n ? next.format : sum.format };
  }, read(first));
}

/** Negative, zero or positive as `a` is smaller than, equal to or larger than `b`; the form does not count. */
export function compareQuantities(a: Quantity | string, b: Quantity | string): number {
  const difference = read(a).nano - read(b).nano;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/**
 * A whole number as a quantity: 1000 is `1k`. For targets that KEDA keeps as integers.
 * @throws Internal for a number that is not whole
 */
export function formatInteger(value: bigint | number): string {
  if (typeof value === 'number' && !Number.isInteger(value))
    throw new WindlassError('Internal', `${value} is not a whole number and cannot be an integer quantity`);
  return formatQuantity({ nano: BigInt(value) * NANO, format: 'DecimalSI' });
}

/**
 * A metric's value as KEDA reports it: three decimals, exact ties to even on the binary value (0.0625 is `62m`), and the
 * text that apimachinery keeps for those three decimals: `5.500`, `1k`, `700m`. NaN, infinite and negative are `0`.
 */
export function formatMetricValue(value: number): string {
  if (!Number.isFinite(value) || value <= 0) return '0';
  const milli = roundToMilli(value);
  const whole = milli / 1000n;
  const fraction = milli % 1000n;
  // apimachinery keeps the text as written only when it has at most 18 digits and no group of zeros to factor out.
  if (whole > 0n && fraction !== 0n && `${milli}`.length <= 18) return `${whole}.${`${fraction}`.padStart(3, '0')}`;
  return formatQuantity(quantityOfMilli(milli));
}

/** value × 1000 for a finite value > 0, rounded to a whole number, exact ties to the even one. */
function roundToMilli(value: number): bigint {
  if (Number.isInteger(value)) return BigInt(value) * 1000n;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const mantissa = (bits & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  // value = mantissa × 2^-shift; a value that is not whole has a shift of at least one.
  const shift = BigInt(1075 - Math.max(biased, 1));
  const thousandths = mantissa * 1000n;
  const floor = thousandths >> shift;
  const rest = thousandths - (floor << shift);
  const half = 1n << (shift - 1n);
  return rest > half || (rest === half && floor % 2n === 1n) ? floor + 1n : floor;
}
