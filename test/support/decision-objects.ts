import type { ScaledObject } from '../../src/api/index.ts';
import type { ExternalTriggerState, ResourceTriggerState, TriggerReading } from '../../src/decision/trigger-state.ts';

/** The moment of every decision in tests, and times before it. */
export const NOW = Date.parse('2026-01-02T12:00:00Z');
export const secondsAgo = (seconds: number): number => NOW - seconds * 1000;

export interface ObjectOptions {
  spec?: Partial<ScaledObject['spec']>;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  status?: ScaledObject['status'];
  createdSecondsAgo?: number;
}

/** A ScaledObject with one trigger, created a day ago. */
export function scaledObject(options: ObjectOptions = {}): ScaledObject {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: {
      name: 'orders',
      namespace: 'shop',
      uid: 'uid-1',
      generation: 1,
      creationTimestamp: new Date(secondsAgo(options.createdSecondsAgo ?? 86_400)).toISOString(),
      annotations: options.annotations ?? {},
      labels: options.labels ?? {},
    },
    spec: {
      scaleTargetRef: { name: 'worker' },
      triggers: [{ type: 'rabbitmq', metadata: {} }],
      ...options.spec,
    },
    ...(options.status ? { status: options.status } : {}),
  };
}

/** A trigger with target 5 per replica, active above 0. */
export function trigger(reading: TriggerReading, more: Partial<ExternalTriggerState> = {}): ExternalTriggerState {
  const index = more.index ?? 0;
  return {
    kind: 'external',
    index,
    type: 'rabbitmq',
    metricName: `s${index}-rabbitmq-orders`,
    target: 5,
    metricType: 'AverageValue',
    activation: 0,
    reading,
    ageMs: 200,
    failures: reading.kind === 'error' ? 1 : 0,
    ...more,
  };
}

export const value = (amount: number, active?: boolean): TriggerReading =>
  active === undefined ? { kind: 'value', value: amount } : { kind: 'value', value: amount, active };
export const failing: TriggerReading = { kind: 'error', message: 'connection refused' };
export const noData: TriggerReading = { kind: 'no-data', reason: 'the query has no result' };
export const pending: TriggerReading = { kind: 'pending' };
export const cpu: ResourceTriggerState = { kind: 'resource', index: 9, type: 'cpu', resource: 'cpu' };

/** Numbers that look random and are the same in every run. */
export function createRandom(seed: number): {
  next(): number;
  whole(most: number): number;
  pick<T>(items: readonly T[]): T;
} {
  let state = seed >>> 0;
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const whole = (most: number) => Math.floor(next() * (most + 1));
  return { next, whole, pick: (items) => items[whole(items.length - 1)]! };
}
