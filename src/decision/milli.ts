/**
 * Cut to thousandths, as KEDA 2.21 hands it to the HPA. 0.7 × 3 is 2.0999999999999996 in floating point: without the
 * nudge the result would be 2.099 in place of 2.1. The nudge is far smaller than a thousandth.
 */
export function toMilli(value: number): number {
  return Math.floor(value * 1000 + 1e-6) / 1000;
}
