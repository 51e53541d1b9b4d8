import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { silentLogger } from '../base/log.ts';
import type { KubeObject } from '../base/object.ts';
import { watchLeaderLease } from './leader-lease.ts';
import type { NamedWatches } from './named-watch.ts';

interface Lease {
  holder?: string;
  seconds?: number;
  /** Milliseconds before now; 0 when left out. */
  renewedAgo?: number;
}

/** A Lease that the test sets, on a fake clock. */
function setUp() {
  const clock = createFakeClock();
  const handlers = new Set<(object: KubeObject | undefined) => void>();
  let current: KubeObject | undefined;
  const watches = {
    watchNamed: () => ({
      get current() {
        return current;
      },
      synced: Promise.resolve(),
      trouble: undefined,
      onChange(handler: (object: KubeObject | undefined) => void) {
        handlers.add(handler);
        return () => handlers.delete(handler);
      },
      release() {},
    }),
  } as unknown as NamedWatches;
  const set = (lease: Lease | undefined) => {
    const renewTime = new Date(clock.now() - (lease?.renewedAgo ?? 0)).toISOString();
    current = lease && {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'operator.keda.sh' },
      ...{ spec: { holderIdentity: lease.holder, leaseDurationSeconds: lease.seconds, renewTime } },
    };
    for (const handler of handlers) handler(current);
  };
  const follow = async () => {
    const lease = watchLeaderLease({ watches, namespace: 'keda', name: 'operator.keda.sh', clock, log: silentLogger });
    const seen: (string | undefined)[] = [];
    lease.onChange((holder) => seen.push(holder));
    await lease.synced;
    return { lease, seen };
  };
  return { clock, set, follow, followers: () => handlers.size };
}

describe("a leader's lease", () => {
  it('is held by nobody when there is none', async () => {
    const { follow } = setUp();
    expect((await follow()).lease.holder).toBeUndefined();
  });

  it('is held from the moment it is taken until its holder gives it up', async () => {
    const { set, follow } = setUp();
    const { lease, seen } = await follow();
    set({ holder: 'a', seconds: 15 });
    expect(lease.holder).toBe('a');
    set({ holder: '', seconds: 1 });
    expect(seen).toEqual(['a', undefined]);
  });

  it('is held as long as it is renewed, and its duration longer', async () => {
    const { clock, set, follow } = setUp();
    const { lease, seen } = await follow();
    for (let i = 0; i < 10; i++) {
      set({ holder: 'a', seconds: 15 });
      await clock.advance(10_000);
    }
    expect(lease.holder).toBe('a');
    await clock.advance(4_999);
    expect(lease.holder).toBe('a');
    await clock.advance(1);
    expect(seen).toEqual(['a', undefined]);
  });

  it('counts from when it was first seen, for clocks differ', async () => {
    const { clock, set, follow } = setUp();
    set({ holder: 'a', seconds: 15, renewedAgo: 100_000 });
    const { lease } = await follow();
    expect(lease.holder).toBe('a');
    await clock.advance(15_000);
    expect(lease.holder).toBeUndefined();
  });

  it('of a leader of long ago holds nobody up', async () => {
    const { set, follow } = setUp();
    set({ holder: 'a', seconds: 15, renewedAgo: 3_600_000 });
    expect((await follow()).lease.holder).toBeUndefined();
  });

  it('passes from one holder to the next', async () => {
    const { set, follow } = setUp();
    const { seen } = await follow();
    set({ holder: 'a', seconds: 15 });
    set({ holder: 'b', seconds: 15 });
    set(undefined);
    expect(seen).toEqual(['a', 'b', undefined]);
  });

  it('is followed no longer once that is stopped', async () => {
    const { clock, set, follow, followers } = setUp();
    const { lease, seen } = await follow();
    set({ holder: 'a', seconds: 15 });
    lease.stop();
    await clock.advance(60_000);
    expect([seen, followers()]).toEqual([['a'], 0]);
  });
});
