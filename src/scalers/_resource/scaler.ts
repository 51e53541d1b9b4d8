import { WindlassError } from '../../base/errors.ts';
import type { Scaler } from '../definition.ts';

/** There is nothing to ask: Kubernetes measures cpu and memory itself, and the HPA reads them there. */
export function createScaler(): Scaler {
  return {
    async read() {
      throw new WindlassError('Internal', 'cpu and memory are measured by Kubernetes and are not read by triggers');
    },
    async close() {},
  };
}
