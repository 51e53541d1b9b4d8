import { expect, it } from 'vitest';
import { servedQuantity } from './metric-value.ts';

it.each([
  [5, '5'],
  [0.0625, '62m'],
  [1000, '1k'],
  [9e15, '9P'],
  // Kubernetes' MilliValue gives 0 for 10P, 1E and 1e19, and 9000000000000000000 for 9P.
  [1e16, '9P'],
  [1e19, '9P'],
  [1e30, '9P'],
  [-5, '0'],
])('the HPA is answered with a number that it can read: %d is %s', (value, quantity) => {
  expect(servedQuantity(value)).toBe(quantity);
});
