import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import type { RawRequest } from './client.ts';
import { createDiscovery } from './discovery.ts';
import { getScale, setReplicas } from './scale.ts';
import { statusError } from './status.ts';

function setUp() {
  const clock = createFakeClock();
  const paths: string[] = [];
  const resources: Record<string, { name: string; kind: string; namespaced: boolean }[] | undefined> = {
    '/api/v1': [{ name: 'pods', kind: 'Pod', namespaced: true }],
    '/apis/example.com/v1': [
      { name: 'workers', kind: 'Worker', namespaced: true },
      { name: 'workers/scale', kind: 'Scale', namespaced: true },
      { name: 'workers/status', kind: 'Worker', namespaced: true },
      { name: 'zones', kind: 'Zone', namespaced: false },
    ],
  };
  const state = { down: false };
  const discovery = createDiscovery(
    {
      requestJson: async <T>({ path }: RawRequest) => {
        paths.push(path);
        await clock.sleep(1);
        if (state.down) throw statusError('discover', { code: 503, reason: '', message: 'down', details: {} });
        if (!resources[path]) throw statusError('discover', { code: 404, reason: '', message: 'no', details: {} });
        return { resources: resources[path] } as T;
      },
    },
    clock,
  );
  const resolve = async (apiVersion: string, kind: string) => {
    const result = discovery.resolve(apiVersion, kind);
    result.catch(() => {});
    await clock.advance(1);
    return result;
  };
  return { clock, paths, resources, state, discovery, resolve };
}

describe('discovery', () => {
  it('knows the usual workloads without asking', async () => {
    const { paths, resolve } = setUp();
    expect(await resolve('apps/v1', 'Deployment')).toMatchObject({ plural: 'deployments', scalable: true });
    expect(await resolve('apps/v1', 'StatefulSet')).toMatchObject({ plural: 'statefulsets', scalable: true });
    expect(paths).toEqual([]);
  });

  it('asks once per group version and says what can be scaled', async () => {
    const { clock, paths, discovery, resolve } = setUp();
    const both = Promise.all([
      discovery.resolve('example.com/v1', 'Worker'),
      discovery.resolve('example.com/v1', 'Zone'),
    ]);
    await clock.advance(1);
    expect(await both).toEqual([
      { group: 'example.com', version: 'v1', plural: 'workers', kind: 'Worker', namespaced: true, scalable: true },
      { group: 'example.com', version: 'v1', plural: 'zones', kind: 'Zone', namespaced: false, scalable: false },
    ]);
    expect(await resolve('v1', 'Pod')).toMatchObject({ group: '', plural: 'pods', scalable: false });
    expect(paths).toEqual(['/apis/example.com/v1', '/api/v1']);
  });

  it('asks again for what is missing, every ten seconds at most', async () => {
    const { clock, paths, resources, resolve } = setUp();
    expect(await resolve('new.example.com/v1', 'Thing')).toBeUndefined();
    resources['/apis/new.example.com/v1'] = [{ name: 'things', kind: 'Thing', namespaced: true }];
    expect(await resolve('new.example.com/v1', 'Thing')).toBeUndefined();
    expect(paths).toHaveLength(1);
    await clock.advance(10_000);
    expect(await resolve('new.example.com/v1', 'Thing')).toMatchObject({ plural: 'things' });
    expect(paths).toHaveLength(2);
  });

  it('does not take a server in trouble for a kind that is not there', async () => {
    const { state, resolve } = setUp();
    state.down = true;
    await expect(resolve('example.com/v1', 'Worker')).rejects.toMatchObject({ code: 'KubernetesUnavailable' });
    state.down = false;
    expect(await resolve('example.com/v1', 'Worker')).toMatchObject({ plural: 'workers' });
  });
});

describe('scaling', () => {
  const target = {
    type: { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true },
    namespace: 'shop',
    name: 'web',
  };
  const calls: unknown[][] = [];
  const client = {
    get: async (...args: unknown[]) => calls.push(args.slice(1)),
    patch: async (...args: unknown[]) => calls.push(args.slice(1)),
  } as never;

  it('reads and writes the scale subresource, on request only at a given version', async () => {
    await getScale(client, target);
    await setReplicas(client, target, 3);
    await setReplicas(client, target, 0, { resourceVersion: '7' });
    expect(calls).toEqual([
      ['web', { namespace: 'shop', subresource: 'scale' }],
      ['web', { spec: { replicas: 3 } }, { namespace: 'shop', subresource: 'scale', type: 'merge' }],
      [
        'web',
        { metadata: { resourceVersion: '7' }, spec: { replicas: 0 } },
        { namespace: 'shop', subresource: 'scale', type: 'merge' },
      ],
    ]);
  });

  it.each([-1, 1.5, Number.NaN])('never writes %d replicas', async (replicas) => {
    await expect(setReplicas(client, target, replicas)).rejects.toMatchObject({ code: 'Internal' });
  });
});
