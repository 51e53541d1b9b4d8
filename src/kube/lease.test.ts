import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { createLeaseCluster, type Node } from '../../test/support/lease-cluster.ts';
import { silentLogger } from '../base/log.ts';
import { createMembership, type Membership, type MembershipOptions } from './lease.ts';

const UIDS = Array.from({ length: 40 }, (_, i) => `uid-${i * 7919}`);

interface Member {
  node: Node;
  membership: Membership;
  stopped: boolean;
}

/** Members on one clock; `run` moves it in steps of 20 ms and checks at each that no object has two owners. */
function setUp() {
  const clock = createFakeClock();
  const cluster = createLeaseCluster(clock);
  const members: Member[] = [];
  const owners = (uid: string) =>
    members.filter(({ node, membership, stopped }) => !stopped && !node.frozen() && membership.owns(uid));
  const run = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.monotonic() < end) {
      await clock.advance(Math.min(20, end - clock.monotonic()));
      for (const uid of UIDS)
        if (owners(uid).length > 1)
          throw new Error(
            `at ${clock.monotonic()} ms ${uid} belongs to ${owners(uid).map((m) => m.membership.identity)}`,
          );
    }
  };
  return {
    clock,
    cluster,
    run,
    join(identity: string, options: Partial<MembershipOptions> = {}): Member {
      const node = cluster.createNode();
      const membership = createMembership({
        client: node.client,
        namespace: 'keda',
        group: 'windlass',
        identity,
        clock: node.clock,
        log: silentLogger,
        random: () => 0.5,
        ...options,
      });
      const member = { node, membership, stopped: false };
      members.push(member);
      return member;
    },
    async leave(member: Member) {
      member.stopped = true;
      let done = false;
      const stopped = member.membership.stop().then(() => {
        done = true;
      });
      while (!done) await run(10);
      await stopped;
    },
    /** How many of the objects each member owns. */
    shares: () => members.map(({ membership, stopped }) => (stopped ? 0 : UIDS.filter(membership.owns).length)),
    owned: () => UIDS.filter((uid) => owners(uid).length === 1).length,
  };
}

describe('membership', () => {
  it('of the first process begins at once', async () => {
    const { run, join, shares, cluster } = setUp();
    const first = join('a');
    expect(first.membership.isValid()).toBe(false);
    await run(100);
    expect(shares()).toEqual([UIDS.length]);
    await first.membership.ready;
    expect(first.membership.members()).toEqual([first.membership.identity]);
    expect([...cluster.objects.values()]).toMatchObject([
      {
        metadata: {
          name: first.membership.identity.replace('a_', 'windlass-a-'),
          labels: { 'windlass.dev/group': 'windlass' },
        },
        spec: { holderIdentity: first.membership.identity, leaseDurationSeconds: 6 },
      },
    ]);
  });

  it('of a second one moves about half of the objects to it, after those who own them know', async () => {
    const { run, join, shares } = setUp();
    join('a');
    await run(1_000);
    const second = join('b');
    await run(100);
    expect(second.membership.isValid()).toBe(false);
    const [first = 0] = shares();
    expect(first).toBeLessThan(UIDS.length);
    await run(3_000);
    expect(second.membership.isValid()).toBe(true);
    const after = shares();
    expect(after[0]).toBe(first);
    expect(after).toEqual([first, UIDS.length - first]);
    expect(after[1]).toBeGreaterThan(10);
  });

  it('of two that start together is granted to both after they had time to see each other', async () => {
    const { run, join, owned } = setUp();
    join('a');
    join('b');
    await run(4_000);
    expect(owned()).toBe(UIDS.length);
  });

  it('tells its user of every change of members and validity', async () => {
    const { clock, run, join, leave } = setUp();
    const { membership } = join('a');
    const seen: string[] = [];
    membership.onChange(() =>
      seen.push(`${Math.round(clock.monotonic() / 100) / 10} ${membership.isValid()} ${membership.members().length}`),
    );
    await run(1_000);
    const second = join('b');
    await run(4_000);
    await leave(second);
    expect(seen).toEqual(['0 false 1', '0 true 1', '1 true 2', '5 true 1']);
  });

  it('of one that stops ends at once: the other has its objects within a moment', async () => {
    const { run, join, leave, shares, cluster } = setUp();
    const first = join('a');
    join('b');
    await run(5_000);
    await leave(first);
    expect(shares()).toEqual([0, UIDS.length]);
    expect(cluster.objects.size).toBe(1);
    expect(first.membership.isValid()).toBe(false);
  });

  it('of one that dies ends when its lease does', async () => {
    const { run, join, owned, shares } = setUp();
    const first = join('a');
    join('b');
    await run(5_000);
    first.node.freeze();
    await run(4_000);
    expect(owned()).toBeLessThan(UIDS.length);
    await run(2_100);
    expect(owned()).toBe(UIDS.length);
    expect(shares()[1]).toBe(UIDS.length);
  });

  it('of one that was frozen is not valid when it wakes up, and comes back later', async () => {
    const { run, join, owned } = setUp();
    const first = join('a');
    const second = join('b');
    await run(5_000);
    first.node.freeze();
    await run(20_000);
    first.node.thaw();
    expect(first.membership.isValid()).toBe(false);
    expect(UIDS.some((uid) => first.membership.owns(uid))).toBe(false);
    await run(2_900);
    expect(first.membership.isValid()).toBe(false);
    await run(2_000);
    expect(first.membership.isValid()).toBe(true);
    expect(second.membership.members()).toHaveLength(2);
    expect(owned()).toBe(UIDS.length);
  });

  it('of one that was frozen for less than its validity goes on', async () => {
    const { run, join, owned } = setUp();
    const first = join('a');
    join('b');
    await run(5_000);
    first.node.freeze();
    await run(1_000);
    first.node.thaw();
    await run(100);
    expect(first.membership.isValid()).toBe(true);
    expect(owned()).toBe(UIDS.length);
  });

  it('lapses in time when the API server is out of reach, and nobody writes while it is for all', async () => {
    const { run, join, owned } = setUp();
    const members = [join('a'), join('b')];
    await run(5_000);
    for (const { node } of members) node.cut = true;
    await run(3_100);
    expect(members.map(({ membership }) => membership.isValid())).toEqual([false, false]);
    await run(10_000);
    expect(owned()).toBe(0);
    for (const { node } of members) node.cut = false;
    await run(10_000);
    expect(owned()).toBe(UIDS.length);
  });

  it('lapses when the watch falls silent though renewals go well, and opens the watch anew', async () => {
    const { run, join, owned } = setUp();
    const first = join('a');
    join('b');
    await run(5_000);
    const seen: boolean[] = [];
    first.membership.onChange(() => seen.push(first.membership.isValid()));
    first.node.watchDelay = 60_000;
    await run(5_000);
    expect(seen).toEqual([false, true]);
    first.node.watchDelay = 5;
    await run(5_000);
    expect(seen.at(-1)).toBe(true);
    expect(owned()).toBe(UIDS.length);
  });

  it('is renewed again after somebody deleted the lease, as that of a new member', async () => {
    const { run, join, cluster, owned } = setUp();
    const first = join('a');
    join('b');
    await run(5_000);
    const name = [...cluster.objects.keys()].find((key) => key.includes('windlass-a')) ?? '';
    const removed = first.node.client.delete({} as never, name);
    await run(100);
    await removed;
    expect(first.membership.isValid()).toBe(false);
    await run(5_000);
    expect(first.membership.isValid()).toBe(true);
    expect(owned()).toBe(UIDS.length);
  });

  it('removes the lease that a dead process left', async () => {
    const { run, join, cluster } = setUp();
    const first = join('a');
    join('b');
    await run(5_000);
    first.node.freeze();
    await run(58_000);
    expect(cluster.objects.size).toBe(2);
    await run(5_000);
    expect(cluster.objects.size).toBe(1);
  });

  it('with a longer lease than the others counts for them as long as it says', async () => {
    const { run, join, owned, shares } = setUp();
    const patient = join('a', { leaseMs: 20_000, renewMs: 4_000 });
    await run(1_000);
    join('b');
    // The patient one may act for ten seconds on what it saw last.
    await run(9_000);
    expect(shares()[1]).toBe(0);
    await run(2_000);
    expect(shares()[1]).toBeGreaterThan(10);
    patient.node.freeze();
    await run(15_000);
    expect(owned()).toBeLessThan(UIDS.length);
    await run(6_000);
    expect(owned()).toBe(UIDS.length);
  });

  it('tells whose turn an object is, and what its owner says of itself', async () => {
    const { run, join } = setUp();
    const a = join('a', { annotations: { 'windlass.dev/peer': '10.0.0.1:9666' } });
    expect(a.membership.hasMetOthers).toBe(false);
    const b = join('b');
    await run(5_000);
    for (const uid of UIDS) {
      const owner = b.membership.ownerOf(uid);
      expect(owner).toBe(a.membership.ownerOf(uid));
      expect(b.membership.owns(uid)).toBe(owner === b.membership.identity);
    }
    expect(b.membership.annotationsOf(a.membership.identity)).toEqual({ 'windlass.dev/peer': '10.0.0.1:9666' });
    expect(a.membership.annotationsOf(b.membership.identity)).toEqual({});
    expect([a.membership.hasMetOthers, b.membership.hasMetOthers]).toEqual([true, true]);
  });

  it('refuses lease times that leave no room for a missed renewal', () => {
    const { cluster } = setUp();
    const { client, clock } = cluster.createNode();
    expect(() =>
      createMembership({
        client,
        clock,
        log: silentLogger,
        namespace: 'keda',
        group: 'g',
        identity: 'a',
        renewMs: 2_000,
        leaseMs: 6_000,
      }),
    ).toThrow('must be at least four times');
  });

  it.each([1, 2, 3, 4])('never gives an object two owners, whatever happens (seed %i)', async (seed) => {
    let state = seed * 2_654_435_761;
    const random = () => {
      state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
      return (state >>> 0) / 2 ** 32;
    };
    const { run, join, leave, owned } = setUp();
    const alive: Member[] = [join('m0')];
    for (let i = 1; i <= 25; i++) {
      await run(Math.floor(random() * 2_500));
      const member = alive[Math.floor(random() * alive.length)];
      const what = random();
      if (what < 0.25 && alive.length < 5) alive.push(join(`m${i}`));
      else if (what < 0.35 && alive.length > 1 && member && !member.node.frozen()) {
        alive.splice(alive.indexOf(member), 1);
        await leave(member);
      } else if (what < 0.65 && member) {
        if (member.node.frozen()) member.node.thaw();
        else member.node.freeze();
      } else if (what < 0.8 && member) member.node.cut = !member.node.cut;
      else if (member) member.node.watchDelay = random() * 4_000;
    }
    for (const { node } of alive) {
      node.thaw();
      node.cut = false;
      node.watchDelay = 5;
    }
    await run(20_000);
    expect(owned()).toBe(UIDS.length);
  });
});
