import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import type { AnyObject } from '../types.ts';
import { openSavedState } from './sqlite.ts';
import { createStore } from './store.ts';

const object = (name: string, fields = {}): AnyObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'n' },
  ...fields,
});

describe('history', () => {
  it('is replayed from a version on, in order with what comes next', () => {
    const store = createStore({ log: silentLogger });
    const first = store.put('maps', 'n/a', object('a'));
    store.put('maps', 'n/b', object('b'));
    store.put('others', 'n/x', object('x'));
    store.remove('maps', 'n/a');
    const seen: string[] = [];
    const stop = store.watch(
      'maps',
      ({ type, object: { metadata } }) => seen.push(`${type} ${metadata.name}`),
      Number(first.metadata.resourceVersion),
    );
    store.put('maps', 'n/b', object('b', { data: {} }));
    stop();
    store.put('maps', 'n/c', object('c'));
    expect(seen).toEqual(['ADDED b', 'DELETED a', 'MODIFIED b']);
  });

  it('that is no longer kept is refused with Expired', () => {
    const store = createStore({ log: silentLogger, historyLength: 2 });
    for (let i = 0; i < 9; i++) store.put('maps', 'n/a', object('a', { data: { i } }));
    expect(() => store.watch('maps', () => {}, 2)).toThrow(/too old resource version: 2/);
    expect(() => store.watch('maps', () => {}, store.revision() - 1)).not.toThrow();
  });

  it('does not suffer from a watcher that fails', () => {
    const store = createStore({ log: silentLogger });
    const seen: string[] = [];
    store.watch('maps', () => {
      throw new Error('broken');
    });
    store.watch('maps', ({ key }) => seen.push(key));
    store.put('maps', 'n/a', object('a'));
    expect(seen).toEqual(['n/a']);
  });
});

describe('saved state', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'windlass-store-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('brings back objects and goes on counting versions', async () => {
    const before = createStore({ log: silentLogger, persistence: await openSavedState(folder) });
    before.put('maps', 'n/a', object('a', { data: { x: '1' } }));
    before.put('maps', 'n/b', object('b'));
    before.remove('maps', 'n/b');
    const revision = before.revision();
    before.close();
    const after = createStore({ log: silentLogger, persistence: await openSavedState(folder) });
    expect(after.get('maps', 'n/a')).toMatchObject({ data: { x: '1' }, metadata: { resourceVersion: '2' } });
    expect(after.get('maps', 'n/b')).toBeUndefined();
    expect(after.revision()).toBe(revision);
    expect(after.put('maps', 'n/c', object('c')).metadata.resourceVersion).toBe(String(revision + 1));
    expect(() => after.watch('maps', () => {}, revision - 1)).toThrow(/too old/);
    after.close();
    expect((await stat(path.join(folder, 'sandbox.db'))).mode & 0o777).toBe(0o600);
  });

  it('belongs to one sandbox at a time', async () => {
    const first = await openSavedState(folder);
    await expect(openSavedState(folder)).rejects.toMatchObject({ code: 'InvalidArgument' });
    first.close();
  });
});
