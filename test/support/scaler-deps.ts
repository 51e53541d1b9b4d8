import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { ClusterReader, PodIdentityProvider, ScalerDeps, TriggerContext } from '../../src/scalers/definition.ts';

/** A context for the first trigger of a ScaledObject `web` in namespace `shop`. */
export function triggerContext(overrides: Partial<TriggerContext> = {}): TriggerContext {
  return {
    triggerIndex: 0,
    namespace: 'shop',
    objectName: 'web',
    objectKind: 'ScaledObject',
    triggerName: undefined,
    metricType: undefined,
    podIdentity: { provider: 'none' },
    asMetricSource: false,
    ...overrides,
  };
}

export const identity = (provider: PodIdentityProvider) => ({ podIdentity: { provider } });

/** A cluster that has nothing and fails when it is asked: for scalers that must not look at it. */
export const noCluster: ClusterReader = {
  watchPods: () => Promise.reject(new Error('this test has no pods')),
  listPods: () => Promise.reject(new Error('this test has no pods')),
  serviceEndpoints: () => Promise.reject(new Error('this test has no services')),
};

/** What a scaler is given, with the real clock and no logs unless overridden. */
export function scalerDeps(overrides: Partial<ScalerDeps> = {}): ScalerDeps {
  return {
    clock: systemClock,
    log: silentLogger,
    http: { timeoutMs: 3_000, keepAlive: true, minTlsVersion: 'TLSv1.2', extraCa: [] },
    cluster: noCluster,
    context: triggerContext(),
    env: {},
    ...overrides,
  };
}
