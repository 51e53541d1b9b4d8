import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../test/support/fake-clock.ts';
import { startWatchServer, type WatchServer } from '../../test/support/watch-server.ts';
import { silentLogger } from '../base/log.ts';
import type { KubeObject, ResourceType } from '../base/object.ts';
import { createKubeClient } from './client.ts';
import { createNamedWatches } from './named-watch.ts';
import { createStore, type Store, type Stored, type StoreOptions } from './store.ts';

const CONFIG_MAPS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

interface Kept extends Stored {
  color: string;
}
interface Raw extends KubeObject {
  color?: string;
  size?: number;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function connect(server: WatchServer, clock: FakeClock) {
  const client = createKubeClient(
    { server: server.http.url, namespace: 'shop', source: 'the test', insecureSkipTlsVerify: false, user: {} },
    { log: silentLogger, clock, random: () => 0 },
  );
  cleanups.push(() => client.close());
  return client;
}

async function setUp(
  seed: Record<string, string>,
  options: { pageLimit?: number; failList?: number; store?: Partial<StoreOptions<Kept, Raw>> } = {},
): Promise<{ server: WatchServer; clock: FakeClock; store: Store<Kept>; changes: string[]; troubles: string[] }> {
  const server = await startWatchServer(options);
  cleanups.push(() => server.http.stop());
  for (const [name, color] of Object.entries(seed)) server.put(name, { color });
  server.fail('list', options.failList);
  const clock = createFakeClock();
  const store = createStore<Kept, Raw>({
    client: connect(server, clock),
    type: CONFIG_MAPS,
    clock,
    log: silentLogger,
    random: () => 0,
    project: ({ metadata, color }) => {
      expect(metadata).not.toHaveProperty('managedFields');
      return { metadata: { name: metadata.name, uid: metadata.uid ?? '' }, color: color ?? '' };
    },
    ...options.store,
  });
  cleanups.push(() => store.stop());
  const changes: string[] = [];
  const troubles: string[] = [];
  store.onChange(({ type, object, previous }) =>
    changes.push(
      `${type} ${object.metadata.name} ${type === 'changed' ? `${previous?.color}->${object.color}` : object.color}`,
    ),
  );
  store.onTrouble((error) => troubles.push(error ? 'trouble' : 'well'));
  return { server, clock, store, changes, troubles };
}

describe('a store', () => {
  it('lists by pages, then follows the stream', async () => {
    const { server, store, changes } = await setUp({ a: 'red', b: 'blue', c: 'green' }, { pageLimit: 2 });
    expect(store.isSynced).toBe(false);
    await store.synced;
    expect(changes).toEqual(['added a red', 'added b blue', 'added c green']);
    await eventually(() => server.streams() === 1);
    expect(server.log).toEqual(['list', 'list p2', 'watch 3']);

    server.put('a', { color: 'pink' });
    server.remove('b');
    server.put('d', { color: 'grey' });
    await eventually(() => changes.length === 6);
    expect(changes.slice(3)).toEqual(['changed a red->pink', 'deleted b blue', 'added d grey']);
    expect(store.list().map(({ color }) => color)).toEqual(['pink', 'green', 'grey']);
    expect(store.size).toBe(3);
  });

  it('is not concerned with fields it does not keep', async () => {
    const { server, store, changes } = await setUp({ a: 'red' });
    await store.synced;
    await eventually(() => server.streams() === 1);
    server.put('a', { color: 'red', size: 5 });
    server.put('z', { color: 'last' });
    await eventually(() => changes.length === 2);
    expect(changes).toEqual(['added a red', 'added z last']);
  });

  it('finds objects by index, also after they moved', async () => {
    const { server, store } = await setUp(
      { a: 'red', b: 'red', c: 'blue' },
      { store: { indexes: { color: ({ color }) => [color] } } },
    );
    await store.synced;
    await eventually(() => server.streams() === 1);
    const names = (color: string) => store.byIndex('color', color).map(({ metadata }) => metadata.name);
    expect(names('red')).toEqual(['a', 'b']);
    server.put('a', { color: 'blue' });
    server.remove('b');
    await eventually(() => names('red').length === 0);
    expect(names('blue')).toEqual(['c', 'a']);
    expect(names('none')).toEqual([]);
  });

  it('tells a late handler what is there', async () => {
    const { store } = await setUp({ a: 'red' });
    await store.synced;
    const seen: string[] = [];
    store.onChange(({ type, object }) => seen.push(`${type} ${object.metadata.name}`));
    expect(seen).toEqual(['added a']);
  });

  it('survives a handler that throws', async () => {
    const { server, store, changes } = await setUp({});
    store.onChange(() => {
      throw new Error('a defect');
    });
    await store.synced;
    await eventually(() => server.streams() === 1);
    server.put('a', { color: 'red' });
    server.put('b', { color: 'red' });
    await eventually(() => changes.length === 2);
  });

  it('reopens an ended stream at its last version, without a list and without trouble', async () => {
    const { server, store, changes, clock, troubles } = await setUp({ a: 'red' });
    await store.synced;
    await eventually(() => server.streams() === 1);
    await clock.advance(1_000);
    server.put('b', { color: 'blue' });
    await eventually(() => changes.length === 2);
    server.bookmark();
    server.endStreams();
    await eventually(() => server.streams() === 1);
    expect(server.log).toEqual(['list', 'watch 1', 'watch 2']);
    expect(troubles).toEqual([]);
  });

  it('after 410 lists again and reports only real differences', async () => {
    const { server, store, changes, clock, troubles } = await setUp({ a: 'red', b: 'blue', c: 'green' });
    await store.synced;
    await eventually(() => server.streams() === 1);
    await clock.advance(1_000);
    server.fail('watch', 500);
    server.endStreams();
    await eventually(() => server.log.length === 3);
    server.put('a', { color: 'pink' });
    server.remove('b');
    server.put('d', { color: 'grey' });
    server.remove('c');
    server.put('c', { color: 'green' });
    server.expire();
    server.fail('watch', undefined);
    changes.length = 0;
    await clock.advance(250);
    await eventually(() => server.log.length === 4);
    await clock.advance(500);
    await eventually(() => server.streams() === 1);
    // c is as green as it was, but another object: its uid is a new one.
    expect(changes).toEqual([
      'changed a red->pink',
      'added d grey',
      'deleted c green',
      'added c green',
      'deleted b blue',
    ]);
    expect(server.log.slice(3)).toEqual(['watch 3', 'list', 'watch 9']);
    await clock.advance(1_000);
    expect(troubles).toEqual(['trouble', 'trouble', 'well']);
  });

  it('takes an ERROR event of 410 as a call for a new list, which is no trouble', async () => {
    const { server, store, clock, troubles } = await setUp({ a: 'red' });
    await store.synced;
    await eventually(() => server.streams() === 1);
    server.send({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } });
    await eventually(() => clock.pending() > 0 && server.streams() === 0);
    await clock.advance(250);
    await eventually(() => server.streams() === 1);
    expect(server.log).toEqual(['list', 'watch 1', 'list', 'watch 1']);
    expect(troubles).toEqual([]);
  });

  it('backs off while the server fails, says so once, and starts afresh after it is well', async () => {
    const { server, store, clock, troubles } = await setUp({ a: 'red' });
    await store.synced;
    await eventually(() => server.streams() === 1);
    await clock.advance(1_000);
    server.fail('watch', 500);
    server.endStreams();
    // 500 ms·2ⁿ, halved by a jitter of zero, up to 15 s.
    let sent = 2;
    for (const wait of [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
      await eventually(() => server.log.length === sent + 1);
      await clock.advance(wait - 1);
      expect(server.log).toHaveLength(sent + 1);
      await clock.advance(1);
      sent++;
    }
    expect(troubles).toEqual(['trouble']);
    expect(store.trouble?.message).toContain('told to answer 500');
    server.fail('watch', undefined);
    await clock.advance(15_000);
    await eventually(() => server.streams() === 1);
    expect(troubles).toEqual(['trouble']);
    await clock.advance(1_000);
    expect(troubles).toEqual(['trouble', 'well']);
    server.http.cut();
    await eventually(() => troubles.length === 3);
    await clock.advance(250);
    await eventually(() => server.streams() === 1);
  });

  it('does not spin when the server ends every stream at once', async () => {
    const { server, store, clock, troubles } = await setUp({ a: 'red' });
    await store.synced;
    await eventually(() => server.streams() === 1);
    server.endStreams();
    await eventually(() => troubles.length === 1);
    await clock.advance(249);
    expect(server.log).toHaveLength(2);
    await clock.advance(1);
    await eventually(() => server.log.length === 3);
  });

  it('notices a connection that fell silent: soon where bookmarks come, else after its time is over', async () => {
    const { server, store, clock, changes } = await setUp({ a: 'red' });
    await store.synced;
    await eventually(() => server.streams() === 1);
    // 240 s as asked for and 30 s on top.
    await clock.advance(269_999);
    expect(server.log).toHaveLength(2);
    await clock.advance(1);
    await clock.advance(250);
    await eventually(() => server.log.length === 3 && server.streams() === 1);
    server.bookmark();
    server.put('b', { color: 'blue' });
    await eventually(() => changes.length === 2);
    await clock.advance(149_999);
    expect(server.log).toHaveLength(3);
    await clock.advance(1);
    await clock.advance(250);
    await eventually(() => server.log.length === 4);
  });

  it('waits for a server that refuses at first', async () => {
    const { server, store, clock, troubles } = await setUp({ a: 'red' }, { failList: 403 });
    await eventually(() => troubles.length === 1);
    expect(store.isSynced).toBe(false);
    server.fail('list', undefined);
    await clock.advance(250);
    await store.synced;
    expect(store.list()).toHaveLength(1);
  });

  it('when stopped closes its stream, rejects those who wait and keeps what it knows', async () => {
    const { server, store } = await setUp({ a: 'red' });
    await store.synced;
    await eventually(() => server.streams() === 1);
    store.stop();
    await eventually(() => server.streams() === 0);
    expect(store.list()).toHaveLength(1);

    const unsynced = await setUp({});
    unsynced.server.fail('list', 500);
    const waiting = unsynced.store.synced.catch((error) => error.message);
    unsynced.store.stop();
    expect(await waiting).toMatch('the store of configmaps has been stopped');
  });
});

describe('named watches', () => {
  async function setUpNamed(lingerMs?: number) {
    const server = await startWatchServer();
    cleanups.push(() => server.http.stop());
    const clock = createFakeClock();
    const watches = createNamedWatches({
      client: connect(server, clock),
      clock,
      log: silentLogger,
      lingerMs,
      random: () => 0,
    });
    cleanups.push(() => watches.stop());
    return { server, clock, watches };
  }

  it('share one watch per object and end it with the last user', async () => {
    const { server, watches } = await setUpNamed();
    server.put('a', { data: { key: 'x' } });
    server.put('b');
    const first = watches.watchNamed(CONFIG_MAPS, 'shop', 'a');
    const second = watches.watchNamed(CONFIG_MAPS, 'shop', 'a');
    const missing = watches.watchNamed(CONFIG_MAPS, 'shop', 'c');
    await Promise.all([first.synced, second.synced, missing.synced]);
    expect(first.current).toMatchObject({ metadata: { name: 'a' }, data: { key: 'x' } });
    expect(missing.current).toBeUndefined();
    await eventually(() => server.streams() === 2);
    expect(server.selectors()).toEqual(['metadata.name=a', 'metadata.name=c']);

    first.release();
    first.release();
    expect(watches.size).toBe(2);
    second.release();
    expect(watches.size).toBe(1);
    await eventually(() => server.streams() === 1);
  });

  it('tell of appearance, change and disappearance until let go', async () => {
    const { server, watches } = await setUpNamed();
    server.put('a', { data: 1 });
    const watch = watches.watchNamed<KubeObject & { data: number }>(CONFIG_MAPS, 'shop', 'a');
    const other = watches.watchNamed(CONFIG_MAPS, 'shop', 'a');
    await watch.synced;
    await eventually(() => server.streams() === 1);
    const seen: (number | undefined)[] = [];
    const seenByOther: unknown[] = [];
    watch.onChange((object) => seen.push(object?.data));
    other.onChange((object) => seenByOther.push(object));
    server.put('a', { data: 2 });
    server.remove('a');
    server.put('a', { data: 3 });
    await eventually(() => seen.length === 3);
    expect(seen).toEqual([2, undefined, 3]);
    watch.release();
    server.put('a', { data: 4 });
    await eventually(() => seenByOther.length === 4);
    expect(seen).toHaveLength(3);
  });

  it('linger for users who come back', async () => {
    const { server, clock, watches } = await setUpNamed(1_000);
    const watch = watches.watchNamed(CONFIG_MAPS, 'shop', 'a');
    await watch.synced;
    watch.release();
    await clock.advance(999);
    const again = watches.watchNamed(CONFIG_MAPS, 'shop', 'a');
    await clock.advance(5_000);
    expect(watches.size).toBe(1);
    again.release();
    await clock.advance(1_000);
    expect(watches.size).toBe(0);
    await eventually(() => server.streams() === 0);
    expect(server.log.filter((line) => line === 'list')).toHaveLength(1);
  });
});
