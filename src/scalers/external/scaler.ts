import { createExternalScaler } from '../_external/scaler.ts';
import type { Scaler, ScalerDeps } from '../definition.ts';
import type { Config } from './definition.ts';

/** Asks a gRPC server of one's own for metrics and activity. */
export function createScaler(config: Config, deps: ScalerDeps): Scaler {
  return createExternalScaler(config, deps, { push: false });
}
