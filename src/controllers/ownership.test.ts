import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../base/object.ts';
import type { KubeClient, RequestOptions } from '../kube/client.ts';
import type { LeaderLease } from '../kube/leader-lease.ts';
import type { Membership } from '../kube/lease.ts';
import type { ControllerContext } from './context.ts';
import { followOwnership, type Hold, mayTell, ownershipOf, ownsEverything, takeHold } from './ownership.ts';

const web: KubeObject = {
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name: 'web', namespace: 'shop', uid: 'u-web' },
};

/** A membership and a KEDA lease that the test sets, and a client that notes what goes out. */
async function setUp() {
  const handlers = new Set<() => void>();
  const kedaHandlers = new Set<(holder: string | undefined) => void>();
  const world = { owned: new Set(['u-web']), valid: true, keda: undefined as string | undefined, sent: [] as string[] };
  const tell = () => {
    for (const handler of handlers) handler();
  };
  const membership = {
    owns: (uid: string) => world.valid && world.owned.has(uid),
    isValid: () => world.valid,
    hasMetOthers: false,
    onChange: (handler: () => void) => handlers.add(handler),
    ready: Promise.resolve(),
  } as unknown as Membership;
  const keda = {
    get holder() {
      return world.keda;
    },
    synced: Promise.resolve(),
    onChange: (handler: (holder: string | undefined) => void) => kedaHandlers.add(handler),
  } as unknown as LeaderLease;
  const ownership = ownershipOf(membership, keda);
  await ownership.ready;
  let wire: Promise<void> = Promise.resolve();
  /** As the real client: asks when the bytes go out, which may be later. */
  const send = async (what: string, { beforeSend }: RequestOptions) => {
    await wire;
    beforeSend?.();
    world.sent.push(what);
  };
  const client = {
    create: (_type: unknown, _body: unknown, options: RequestOptions) => send('create', options),
    patch: (_type: unknown, name: string, _patch: unknown, options: RequestOptions) => send(`patch ${name}`, options),
    delete: (_type: unknown, name: string, options: RequestOptions) => send(`delete ${name}`, options),
  } as unknown as KubeClient;
  const events: string[] = [];
  const ctx = {
    client,
    ownership,
    targets: {
      scale: (_target: unknown, replicas: number, writer: KubeClient) =>
        writer.patch({} as never, `scale ${replicas}`, {}, { type: 'merge' }),
    },
    events: { record: (_about: unknown, { reason }: { reason: string }) => events.push(reason) },
  } as unknown as ControllerContext;
  return {
    world,
    ownership,
    ctx,
    events,
    change(to: Partial<typeof world>) {
      Object.assign(world, to);
      tell();
    },
    yieldTo(holder: string | undefined) {
      world.keda = holder;
      for (const handler of kedaHandlers) handler(holder);
    },
    /** Holds back what is sent until the returned function is called. */
    congest(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      wire = promise;
      return resolve;
    },
  };
}

describe('a hold on an object', () => {
  it('lets writes, scaling and events through while the object is ours', async () => {
    const { ctx, world, events } = await setUp();
    const { ctx: own } = takeHold(ctx, web);
    await own.client.patch({} as never, 'web', {}, { type: 'merge' });
    await own.client.create({} as never, {});
    await own.targets.scale({} as never, 3);
    own.events.record(web, { type: 'Normal', reason: 'Ready', note: '' });
    expect([world.sent, events]).toEqual([['patch web', 'create', 'patch scale 3'], ['Ready']]);
  });

  it('refuses a write that had to wait until the object was no longer ours', async () => {
    const { ctx, world, change, congest } = await setUp();
    const hold = takeHold(ctx, web);
    const go = congest();
    const writing = hold.ctx.client.patch({} as never, 'web', {}, { type: 'merge' });
    change({ valid: false });
    go();
    await expect(writing).rejects.toMatchObject({
      code: 'NotOwner',
      message: 'nothing is written for ScaledObject shop/web: this replica does not own it any more',
    });
    expect(world.sent).toEqual([]);
  });

  it('stays lost once it is, though the object comes back', async () => {
    const { ctx, world, change, events } = await setUp();
    const hold = takeHold(ctx, web);
    change({ owned: new Set() });
    followOwnership(ctx.ownership, [web], new Map([['shop/web', { hold }]]), () => {});
    change({ owned: new Set(['u-web']) });
    await expect(hold.ctx.targets.scale({} as never, 0)).rejects.toThrow('does not own it');
    hold.ctx.events.record(web, { type: 'Normal', reason: 'Ready', note: '' });
    expect([hold.isLost, world.sent, events]).toEqual([true, [], []]);
  });
});

describe('ownership', () => {
  it.each<[string, Partial<Awaited<ReturnType<typeof setUp>>['world']>, boolean, boolean]>([
    ['a valid member whose turn it is', {}, true, true],
    ['a valid member whose turn it is not', { owned: new Set() }, false, true],
    ['a member whose lease has lapsed', { valid: false }, false, false],
  ])('of %s', async (_what, state, owns, isActive) => {
    const { ownership, change } = await setUp();
    change(state);
    expect([ownership.owns('u-web'), ownership.isActive]).toEqual([owns, isActive]);
  });

  it('rests while the KEDA operator leads, and what is owned after that has to be read anew', async () => {
    const { ownership, yieldTo } = await setUp();
    expect(ownership.isShared).toBe(false);
    let changes = 0;
    ownership.onChange(() => changes++);
    yieldTo('keda-operator-1');
    expect([ownership.owns('u-web'), ownership.isActive]).toEqual([false, false]);
    yieldTo(undefined);
    expect([ownership.owns('u-web'), ownership.isShared, changes]).toEqual([true, true, 2]);
  });

  it('ends at once when it is closed, and says when the last write is through', async () => {
    const { ctx, ownership } = await setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    ctx.ownership.track(promise);
    let isClosed = false;
    const closing = ownership.close().then(() => {
      isClosed = true;
    });
    expect(ownership.owns('u-web')).toBe(false);
    await Promise.resolve();
    expect(isClosed).toBe(false);
    resolve();
    await closing;
  });

  it('is of everything for a process that is alone', () => {
    const alone = ownsEverything();
    expect([alone.owns('x'), alone.isActive, alone.isShared]).toEqual([true, true, false]);
  });

  it('queues what came and what went, and nothing else', () => {
    const named = (name: string): KubeObject => ({ ...web, metadata: { ...web.metadata, name, uid: name } });
    const hold = () => {
      const state = { isLost: false };
      return { hold: { ...state, lose: () => (state.isLost = true) } as unknown as Hold, state };
    };
    const [kept, gone] = [hold(), hold()];
    const queued: string[] = [];
    const ours = { ...ownsEverything(), owns: (uid: string) => uid === 'kept' || uid === 'new' };
    const states = new Map([
      ['shop/kept', kept],
      ['shop/gone', gone],
    ]);
    followOwnership(ours, ['kept', 'gone', 'new', 'other'].map(named), states, (key) => queued.push(key));
    expect([queued, kept.state.isLost, gone.state.isLost]).toEqual([['shop/gone', 'shop/new'], false, true]);
  });
});

describe('an event', () => {
  it.each<[string, string, Partial<Awaited<ReturnType<typeof setUp>>['world']>, string]>([
    ['about an object of ours', 'ScaledObject', {}, 'now'],
    ['about an object of others', 'ScaledJob', { owned: new Set() }, 'never'],
    ['while the lease has lapsed', 'ScaledObject', { valid: false }, 'later'],
    ['about something that has no owner', 'Lease', { valid: false }, 'now'],
  ])('%s', async (_what, kind, state, verdict) => {
    const { ownership, change } = await setUp();
    change(state);
    expect(mayTell(ownership, { kind, uid: 'u-web' })).toBe(verdict);
  });
});
