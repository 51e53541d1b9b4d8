import { describe, expect, it } from 'vitest';
import { ownerOf } from './rendezvous.ts';

const uids = Array.from(
  { length: 10_000 },
  (_, i) => `0f9c${i.toString(16).padStart(4, '0')}-7a1b-4c6d-9e8f-${i * 7919}`,
);
const count = (members: string[]) => {
  const counts = new Map<string, number>();
  for (const uid of uids) counts.set(ownerOf(uid, members) ?? '', (counts.get(ownerOf(uid, members) ?? '') ?? 0) + 1);
  return members.map((member) => counts.get(member) ?? 0);
};

describe('ownership by rendezvous', () => {
  it('has no owner without members and only one with one', () => {
    expect(ownerOf('u', [])).toBeUndefined();
    expect(count(['a'])).toEqual([10_000]);
  });

  it.each([
    [['a', 'b']],
    [['windlass-7d9f-abcde_1', 'windlass-7d9f-fghij_2', 'windlass-7d9f-klmno_3']],
    [[...'abcdefg']],
  ])('spreads 10 000 objects evenly over %j', (members) => {
    const fair = 10_000 / members.length;
    for (const owned of count(members)) expect(Math.abs(owned - fair)).toBeLessThan(fair * 0.1);
  });

  it('does not depend on the order of the members', () => {
    for (const uid of uids.slice(0, 500)) expect(ownerOf(uid, ['c', 'a', 'b'])).toBe(ownerOf(uid, ['a', 'b', 'c']));
  });

  it('moves only the objects of the member that comes or goes', () => {
    const before = ['a', 'b', 'c'];
    const after = ['a', 'b', 'c', 'd'];
    let moved = 0;
    for (const uid of uids) {
      const [old, now] = [ownerOf(uid, before), ownerOf(uid, after)];
      if (old === now) continue;
      moved++;
      expect(now).toBe('d');
    }
    expect(moved).toBeGreaterThan(2_200);
    expect(moved).toBeLessThan(2_800);
  });
});
