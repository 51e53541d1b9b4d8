import { describe, expect, it } from 'vitest';
import { completeRules, limitByDefault, limitByRules, type Memory, recordScale } from './behavior.ts';
import type { ScalingRules } from './types.ts';

const memory = (): Memory => ({ recommendations: [], ups: [], downs: [] });
const S = 1000;

/** Rounds of [second, desired]; the replicas that come out, each taking effect at once. */
function play(
  start: number,
  rounds: [at: number, desired: number][],
  behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules },
  [min, max] = [1, 1000],
) {
  const kept = memory();
  kept.recommendations.push({ at: 0, replicas: start });
  const rules = completeRules(behavior);
  let current = start;
  return rounds.map(([at, desired]) => {
    const bounds = { current, desired, min: min ?? 1, max: max ?? 1000 };
    const { replicas } = behavior ? limitByRules(bounds, rules, kept, at * S) : limitByDefault(bounds, kept, at * S);
    if (replicas !== current && behavior) recordScale(kept, rules, current, replicas, at * S);
    current = replicas;
    return replicas;
  });
}

describe('without behavior', () => {
  it('grows to at most the larger of 4 and twice the replicas per round', () => {
    expect(
      play(1, [
        [0, 100],
        [15, 100],
        [30, 100],
        [45, 100],
      ]),
    ).toEqual([4, 8, 16, 32]);
  });
  it('shrinks to the highest recommendation of the last 300 seconds', () => {
    const shrink = play(10, [
      [15, 10],
      [30, 5],
      [60, 2],
      [300, 2],
      [316, 2],
      [331, 2],
      [361, 2],
    ]);
    expect(shrink).toEqual([10, 10, 10, 10, 5, 2, 2]);
  });
  it('keeps to its bounds and says which one', () => {
    const limit = (current: number, desired: number) =>
      limitByDefault({ current, desired, min: 2, max: 10 }, memory(), 0).limited;
    expect(limit(8, 20)).toMatchObject({ status: true, reason: 'TooManyReplicas' });
    expect(limit(2, 20)).toMatchObject({ status: true, reason: 'ScaleUpLimit' });
    expect(limit(3, 0)).toMatchObject({ status: true, reason: 'TooFewReplicas' });
    expect(limit(3, 4)).toMatchObject({ status: false, reason: 'DesiredWithinRange' });
  });
});

describe('with behavior', () => {
  it('has the documented defaults: 4 pods or 100 % in 15 seconds, whichever is more', () => {
    expect(
      play(
        1,
        [
          [0, 100],
          [15, 100],
          [30, 100],
          [45, 100],
        ],
        {},
      ),
    ).toEqual([5, 10, 20, 40]);
  });
  it('counts a policy from the start of its period', () => {
    const scaleUp: ScalingRules = { policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] };
    expect(
      play(
        1,
        [
          [0, 100],
          [15, 100],
          [30, 100],
          [60, 100],
          [75, 100],
        ],
        { scaleUp },
      ),
    ).toEqual([5, 5, 5, 9, 9]);
  });
  it('takes the smallest change with selectPolicy Min, and none with Disabled', () => {
    const policies: ScalingRules['policies'] = [
      { type: 'Pods', value: 5, periodSeconds: 60 },
      { type: 'Percent', value: 10, periodSeconds: 60 },
    ];
    const down = (selectPolicy: 'Max' | 'Min' | 'Disabled') =>
      play(100, [[0, 1]], { scaleDown: { policies, selectPolicy, stabilizationWindowSeconds: 0 } });
    expect([down('Max'), down('Min'), down('Disabled')]).toEqual([[90], [95], [100]]);
  });
  it('goes down by a tenth a minute, as in the documentation: 80 to 10', () => {
    const scaleDown: ScalingRules = {
      stabilizationWindowSeconds: 0,
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 60 },
        { type: 'Percent', value: 10, periodSeconds: 60 },
      ],
    };
    const rounds = Array.from({ length: 5 }, (_, i): [number, number] => [i * 60, 10]);
    expect(play(80, rounds, { scaleDown })).toEqual([72, 64, 57, 51, 45]);
  });
  it('waits out the window up: the lowest recommendation counts', () => {
    const scaleUp: ScalingRules = { stabilizationWindowSeconds: 60 };
    expect(
      play(
        2,
        [
          [15, 10],
          [30, 8],
          [61, 12],
          [76, 12],
        ],
        { scaleUp },
      ),
    ).toEqual([2, 2, 6, 8]);
  });
  it('waits out the window down, and says what held it back', () => {
    const rules = completeRules({ scaleDown: { stabilizationWindowSeconds: 60 } });
    const kept = memory();
    limitByRules({ current: 5, desired: 5, min: 1, max: 10 }, rules, kept, 0);
    const held = limitByRules({ current: 5, desired: 2, min: 1, max: 10 }, rules, kept, 30 * S);
    expect(held).toMatchObject({ replicas: 5, stabilized: { reason: 'ScaleDownStabilized' } });
    expect(limitByRules({ current: 5, desired: 2, min: 1, max: 10 }, rules, kept, 61 * S).replicas).toBe(2);
  });
  it('names the limit', () => {
    const rules = completeRules({
      scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
    });
    const limit = (current: number, desired: number) =>
      limitByRules({ current, desired, min: 2, max: 10 }, rules, memory(), 0).limited.reason;
    expect([limit(1, 9), limit(8, 30), limit(9, 2), limit(3, 1), limit(5, 6)]).toEqual([
      'ScaleUpLimit',
      'TooManyReplicas',
      'ScaleDownLimit',
      'TooFewReplicas',
      'DesiredWithinRange',
    ]);
  });
});
