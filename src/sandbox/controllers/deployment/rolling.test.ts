import { describe, expect, it } from 'vitest';
import { sameTemplate, templateHash } from './hash.ts';
import { nextSizeOfNew, nextSizesOfOld, proportionalSizes, rolloutLimits } from './rolling.ts';

describe('the limits of a rolling update', () => {
  it.each([
    // replicas, maxSurge, maxUnavailable -> surge, unavailable
    [10, '25%', '25%', 3, 2],
    [3, '25%', '25%', 1, 0],
    [1, '25%', '25%', 1, 0],
    [4, 0, '10%', 0, 1],
    [5, 2, 9, 2, 5],
    [3, undefined, undefined, 1, 0],
  ])(
    '%i replicas with surge %s and unavailable %s: %i above, %i below',
    (replicas, maxSurge, maxUnavailable, surge, unavailable) => {
      const rolling = {
        ...(maxSurge === undefined ? {} : { maxSurge }),
        ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
      };
      expect(rolloutLimits(rolling, replicas)).toEqual({ surge, unavailable });
    },
  );
});

const set = (replicas: number, available = replicas) => ({ replicas, available });

describe('a step of a rolling update', () => {
  it.each([
    // Kubernetes documentation: 10 replicas at 25 %: at most 13 in all, at least 8 available.
    ['starts with the surge', 10, { surge: 3, unavailable: 2 }, set(0), [set(10)], 3, [8]],
    [
      'does nothing while the new ones are not available',
      10,
      { surge: 3, unavailable: 2 },
      set(5, 0),
      [set(8)],
      5,
      [8],
    ],
    ['goes on as they become available', 10, { surge: 3, unavailable: 2 }, set(5), [set(8)], 5, [3]],
    ['ends with no old one', 10, { surge: 3, unavailable: 2 }, set(10), [set(3)], 10, [0]],
    ['takes those that are not available first', 3, { surge: 1, unavailable: 0 }, set(1, 0), [set(3, 1)], 1, [3]],
    ['frees broken old ones at once', 3, { surge: 1, unavailable: 1 }, set(1), [set(2, 0), set(1)], 1, [0, 1]],
  ])('%s', (_name, replicas, limits, current, old, up, down) => {
    expect(nextSizeOfNew(replicas, limits, current, old)).toBe(up);
    expect(nextSizesOfOld(replicas, limits, { ...current, replicas: Math.max(up, current.replicas) }, old)).toEqual(
      down,
    );
  });
});

describe('scaling in the middle of a rollout', () => {
  it.each([
    // Kubernetes documentation: 10 replicas with surge 3 at 8 old and 5 new; scaled to 15 the 5 more are 3 and 2.
    [[8, 5], 18, 13, [11, 7]],
    [[8, 5], 13, 13, [8, 5]],
    [[5, 5], 6, 10, [3, 3]],
    [[5, 1], 0, 6, [0, 0]],
  ])('%j to %i (from %i) is %j', (sizes, limit, before, expected) => {
    expect(proportionalSizes(sizes, limit, before)).toEqual(expected);
  });
});

describe('templates', () => {
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  it('are the same whatever the order of their keys and the hash label', () => {
    const hashed = { spec: template.spec, metadata: { labels: { 'pod-template-hash': 'abc', app: 'x' } } };
    expect(sameTemplate(template, hashed)).toBe(true);
    expect(sameTemplate(template, { ...template, spec: { containers: [{ name: 'c', image: 'j' }] } })).toBe(false);
  });
  it('have a hash that is a label value and differs after a collision', () => {
    expect(templateHash(template)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(templateHash(template, 1)).not.toBe(templateHash(template));
  });
});
