import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../../test/support/controllers-cluster.ts';
import type { KubeObject } from '../../base/object.ts';
import { CONFIG_MAPS, NAMESPACES } from './kinds.ts';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startTestCluster();
});
afterEach(() => cluster.stop());

const ref = (owner: KubeObject, extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  ...extra,
});
const make = (name: string, owners: object[] = [], finalizers: string[] = []) =>
  cluster.create<KubeObject>(CONFIG_MAPS, { metadata: { name, ownerReferences: owners, finalizers } });
const names = () =>
  cluster.api
    .list(CONFIG_MAPS, { namespace: 'default' })
    .map((o) => o.metadata.name)
    .sort();
const remove = async (name: string, propagationPolicy: 'Background' | 'Foreground' | 'Orphan') => {
  await cluster.api.delete(CONFIG_MAPS, name, 'default', { propagationPolicy });
  await cluster.settle();
};
const unfinalize = async (name: string) => {
  await cluster.api.patch(CONFIG_MAPS, name, 'default', { type: 'merge', patch: { metadata: { finalizers: null } } });
  await cluster.settle();
};

describe('garbage collection', () => {
  it('in the background takes the owner first and everything below it after', async () => {
    const owner = await make('owner');
    const child = await make('child', [ref(owner)]);
    await make('grandchild', [ref(child)]);
    await make('other');
    await remove('owner', 'Background');
    expect(names()).toEqual(['other']);
  });

  it('collects an object whose owner never was, or is another one of that name', async () => {
    const owner = await make('owner');
    await make('absent-owner', [{ ...ref(owner), name: 'nobody' }]);
    await make('other-uid', [{ ...ref(owner), uid: '00000000-0000-0000-0000-000000000000' }]);
    expect(names()).toEqual(['owner']);
  });

  it('keeps an object that has another owner left, and takes the lost one off', async () => {
    const first = await make('first');
    const second = await make('second');
    await make('child', [ref(first), ref(second)]);
    await remove('first', 'Background');
    expect(names()).toEqual(['child', 'second']);
    expect(cluster.get(CONFIG_MAPS, 'child')?.metadata.ownerReferences?.map((o) => o.name)).toEqual(['second']);
  });

  it('in the foreground keeps the owner until the dependents that block it are gone', async () => {
    const owner = await make('owner');
    await make('child', [ref(owner, { blockOwnerDeletion: true })], ['example.com/hold']);
    await make('free', [ref(owner)], ['example.com/hold']);
    await remove('owner', 'Foreground');
    expect(names()).toEqual(['child', 'free', 'owner']);
    await unfinalize('child');
    expect(names()).toEqual(['free']);
    await unfinalize('free');
    expect(names()).toEqual([]);
  });

  it('in the foreground goes down more than one level', async () => {
    const owner = await make('owner');
    const child = await make('child', [ref(owner, { blockOwnerDeletion: true })]);
    await make('grandchild', [ref(child, { blockOwnerDeletion: true })], ['example.com/hold']);
    await remove('owner', 'Foreground');
    expect(names()).toEqual(['child', 'grandchild', 'owner']);
    await unfinalize('grandchild');
    expect(names()).toEqual([]);
  });

  it('orphans dependents when asked to: they lose the reference and stay', async () => {
    const owner = await make('owner');
    await make('child', [ref(owner)]);
    await remove('owner', 'Orphan');
    expect(names()).toEqual(['child']);
    expect(cluster.get(CONFIG_MAPS, 'child')?.metadata.ownerReferences).toBeUndefined();
  });

  it('leaves alone what is owned by a kind that is not served', async () => {
    await make('child', [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'u' }]);
    expect(names()).toEqual(['child']);
  });
});

describe('a deleted namespace', () => {
  it('is emptied, waits for finalizers, and then goes', async () => {
    await cluster.api.create(NAMESPACES, { metadata: { name: 'team' } });
    await cluster.api.create(CONFIG_MAPS, { metadata: { name: 'a' } }, 'team');
    await cluster.api.create(CONFIG_MAPS, { metadata: { name: 'b', finalizers: ['example.com/hold'] } }, 'team');
    await cluster.api.delete(NAMESPACES, 'team');
    await cluster.settle();
    expect(cluster.api.list(CONFIG_MAPS, { namespace: 'team' }).map((o) => o.metadata.name)).toEqual(['b']);
    expect(cluster.api.get(NAMESPACES, 'team')).toMatchObject({ status: { phase: 'Terminating' } });
    await cluster.api.patch(CONFIG_MAPS, 'b', 'team', { type: 'merge', patch: { metadata: { finalizers: null } } });
    await cluster.settle();
    expect(cluster.api.get(NAMESPACES, 'team')).toBeUndefined();
  });
});
