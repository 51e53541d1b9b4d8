import { describe, expect, it } from 'vitest';
import { objectVerdict } from './activity.ts';
import type { ExternalTriggerState, TriggerReading } from './trigger-state.ts';

const trigger = (reading: TriggerReading, rest: Partial<ExternalTriggerState> = {}): ExternalTriggerState => ({
  kind: 'external',
  index: 0,
  type: 'external-push',
  metricName: 's0-orders',
  target: 5,
  metricType: 'AverageValue',
  reading,
  failures: 0,
  ...rest,
});
const verdict = (...triggers: ExternalTriggerState[]) =>
  objectVerdict({
    triggers,
    fallback: undefined,
    modifiers: undefined,
    target: { current: 0, readyPods: undefined },
  });

const ERROR: TriggerReading = { kind: 'error', message: 'down' };

describe('a source that said by itself that there is work', () => {
  it.each<[string, TriggerReading]>([
    ['nothing was read yet', { kind: 'pending' }],
    ['it cannot be read', ERROR],
    ['it has no value', { kind: 'no-data', reason: 'empty', active: false }],
    ['the last reading said that there is none', { kind: 'value', value: 0, active: false }],
  ])('is active although %s', (_, reading) => {
    expect(verdict(trigger(reading)).state).not.toBe('active');
    expect(verdict(trigger(reading, { signalled: true }))).toMatchObject({
      state: 'active',
      metrics: [{ activity: 'active', held: false }],
    });
  });
});

describe('a source that has no value but says whether there is work', () => {
  it.each([
    [true, 'active'],
    [false, 'inactive'],
    [undefined, 'hold'],
  ])('active %s: %s', (active, state) => {
    expect(verdict(trigger({ kind: 'no-data', reason: 'empty', active })).state).toBe(state);
  });
});
