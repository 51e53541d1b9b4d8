import { describe, expect, it } from 'vitest';
import { failing, trigger, value } from '../../test/support/decision-objects.ts';
import type { Fallback } from '../api/index.ts';
import { fallbackProblem, metricFallback } from './fallback.ts';
import { withLastGood } from './metric-value.ts';

const fallback = (more: Partial<Fallback> = {}): Fallback => ({ failureThreshold: 3, replicas: 6, ...more });
const average = { target: 5, metricType: 'AverageValue' as const };

describe('the fallback stands in after more failed polls than the threshold', () => {
  it.each([
    [0, 0, false],
    [1, 0, true],
    [3, 3, false],
    [4, 3, true],
    [400, 3, true],
  ])('%d failures, threshold %d: %s', (failures, failureThreshold, engaged) => {
    const outcome = metricFallback(
      fallback({ failureThreshold }),
      { ...average, failures },
      { current: 2, readyPods: 2 },
    );
    expect(outcome.engaged).toBe(engaged);
  });

  it('never without a fallback', () => {
    expect(metricFallback(undefined, { ...average, failures: 99 }, { current: 2, readyPods: 2 })).toEqual({
      engaged: false,
    });
  });
});

describe('replicas and metric value of the fallback', () => {
  const failed = { failures: 4 };
  it.each<[string, Partial<Fallback>, number | undefined, number | undefined, number | undefined]>([
    // behavior, its settings, current replicas, replicas asked for, value for a target of 5
    ['static', {}, 2, 6, 30],
    ['static, current unknown', {}, undefined, 6, 30],
    ['static of none', { replicas: 0 }, 2, 0, 0],
    ['currentReplicas', { behavior: 'currentReplicas' }, 2, 2, 10],
    ['currentReplicas of none', { behavior: 'currentReplicas' }, 0, 0, 0],
    ['currentReplicas, unknown', { behavior: 'currentReplicas' }, undefined, undefined, undefined],
    ['currentReplicasIfHigher, lower', { behavior: 'currentReplicasIfHigher' }, 2, 6, 30],
    ['currentReplicasIfHigher, higher', { behavior: 'currentReplicasIfHigher' }, 9, 9, 45],
    ['currentReplicasIfLower, lower', { behavior: 'currentReplicasIfLower' }, 2, 2, 10],
    ['currentReplicasIfLower, higher', { behavior: 'currentReplicasIfLower' }, 9, 6, 30],
  ])('%s', (_name, settings, current, replicas, amount) => {
    const outcome = metricFallback(fallback(settings), { ...average, ...failed }, { current, readyPods: 1 });
    if (replicas === undefined) expect(outcome).toMatchObject({ engaged: true, kind: 'failed' });
    else expect(outcome).toEqual({ engaged: true, kind: 'replicas', replicas, value: amount });
  });

  it.each<[number, number | undefined, number | 'failed']>([
    // replicas 6, target 5: the HPA multiplies by the ready pods
    [5, 2, 15],
    [5, 4, 7.5],
    [5, 7, 4.285],
    [5, 0, 'failed'],
    [5, undefined, 'failed'],
  ])('type Value: target %d with %s ready pods is %s', (target, readyPods, expected) => {
    const outcome = metricFallback(fallback(), { target, metricType: 'Value', ...failed }, { current: 2, readyPods });
    if (expected === 'failed') expect(outcome).toMatchObject({ kind: 'failed' });
    else expect(outcome).toMatchObject({ kind: 'replicas', value: expected });
  });

  it('cuts to thousandths without losing one to floating point', () => {
    const of = (target: number, replicas: number) =>
      metricFallback(
        fallback({ replicas }),
        { target, metricType: 'AverageValue', ...failed },
        { current: 1, readyPods: 1 },
      );
    expect(of(0.7, 3)).toMatchObject({ value: 2.1 });
    expect(of(1.1, 3)).toMatchObject({ value: 3.3 });
    expect(of(0.0004, 3)).toMatchObject({ value: 0.001 });
  });

  it('leaves the value to the formula with behavior scalingModifiers', () => {
    const outcome = metricFallback(
      fallback({ behavior: 'scalingModifiers' }),
      { ...average, ...failed },
      { current: 1, readyPods: 1 },
    );
    expect(outcome).toEqual({ engaged: true, kind: 'nil' });
  });
});

it.each<[string, Partial<Fallback> | undefined, boolean, RegExp | undefined]>([
  ['none', undefined, false, undefined],
  ['a sound one', {}, false, undefined],
  ['zeros', { failureThreshold: 0, replicas: 0 }, false, undefined],
  ['a negative threshold', { failureThreshold: -1 }, false, /failureThreshold/],
  ['negative replicas', { replicas: -1 }, false, /replicas/],
  ['scalingModifiers without a formula', { behavior: 'scalingModifiers' }, false, /formula/],
  ['scalingModifiers with one', { behavior: 'scalingModifiers' }, true, undefined],
])('a fallback can be used or not: %s', (_name, settings, hasFormula, problem) => {
  const found = fallbackProblem(settings && fallback(settings), hasFormula);
  if (problem) expect(found).toMatch(problem);
  else expect(found).toBeUndefined();
});

describe('the last good value stands in for an error', () => {
  const failed = (failures: number, ageMs: number) => [trigger(failing, { failures, lastGood: { value: 8, ageMs } })];
  const kinds = (options: Parameters<typeof withLastGood>[1], failures = 1, ageMs = 50_000) =>
    withLastGood(failed(failures, ageMs), options).map((t) => t.kind === 'external' && t.reading.kind);

  it('while it is young enough', () => {
    expect(kinds({ ttlMs: 60_000, fallback: undefined })).toEqual(['value']);
    expect(kinds({ ttlMs: 60_000, fallback: undefined }, 1, 60_001)).toEqual(['error']);
  });

  it('and until the fallback does', () => {
    expect(kinds({ ttlMs: 60_000, fallback: fallback() }, 3)).toEqual(['value']);
    expect(kinds({ ttlMs: 60_000, fallback: fallback() }, 4)).toEqual(['error']);
  });

  it('for nothing else', () => {
    const triggers = [
      trigger(value(1), { lastGood: { value: 8, ageMs: 1 } }),
      trigger({ kind: 'no-data', reason: 'x' }, { lastGood: { value: 8, ageMs: 1 } }),
    ];
    expect(withLastGood(triggers, { ttlMs: 60_000, fallback: undefined })).toEqual(triggers);
  });
});
