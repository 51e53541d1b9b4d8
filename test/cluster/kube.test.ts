import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG_MAPS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { isForbidden } from '../../src/kube/status.ts';
import { createStore } from '../../src/kube/store.ts';
import { type ControlPlane, startControlPlane } from '../support/cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { describeKubeRuntime } from '../support/kube-suite.ts';

const deps = { clock: systemClock, log: silentLogger };
const namespace = 'default';

type Seen = { metadata: { name: string; uid?: string }; value: string };

let cluster: ControlPlane;
let client: KubeClient;
beforeAll(async () => {
  cluster = await startControlPlane({ nodes: 0 });
  client = createKubeClient(cluster.connection, deps);
});
afterAll(async () => {
  await client?.close();
  await cluster?.stop();
});

describeKubeRuntime(async () => ({ connection: cluster.connection, stop: async () => {} }));

/** A store of the ConfigMaps with this label, and how often it had to list and to open a stream. */
function follow(label: string, { streamSeconds }: { streamSeconds?: number } = {}) {
  let lists = 0;
  let opened = 0;
  const store = createStore<Seen, KubeObject & { data?: Record<string, string> }>({
    ...deps,
    client: {
      list: (...args) => {
        lists++;
        return client.list(...args);
      },
      openWatch: (type, options) => {
        opened++;
        return client.openWatch(type, { ...options, timeoutSeconds: streamSeconds ?? options.timeoutSeconds });
      },
    },
    type: CONFIG_MAPS,
    namespace,
    labelSelector: `follow=${label}`,
    project: ({ metadata, data }) => ({
      metadata: { name: metadata.name, uid: metadata.uid ?? '' },
      value: data?.value ?? '',
    }),
  });
  const changes: string[] = [];
  store.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}=${object.value}`));
  return { store, changes, lists: () => lists, opened: () => opened };
}

const put = (label: string, name: string, value: string) => {
  const metadata = { name: `${label}-${name}`, namespace, labels: { follow: label } };
  return client.patch(
    CONFIG_MAPS,
    metadata.name,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value } },
    { namespace, type: 'apply', force: true },
  );
};

describe('a store', () => {
  it('goes on from where it was when the server ends its stream, without a new list', async () => {
    const { store, changes, opened, lists } = follow('resume', { streamSeconds: 1 });
    await store.synced;
    await put('resume', 'a', '1');
    for (const value of ['2', '3', '4']) {
      const before = opened();
      await eventually(() => opened() > before, 10_000);
      await put('resume', 'a', value);
    }
    await eventually(() => changes.length === 4);
    expect(changes).toEqual(['added resume-a=1', 'changed resume-a=2', 'changed resume-a=3', 'changed resume-a=4']);
    expect(lists()).toBe(1);
    store.stop();
  });

  it('reports the differences alone after the API server was away', async () => {
    const { store, changes } = follow('restart');
    for (const name of ['kept', 'changed', 'deleted']) await put('restart', name, '1');
    await store.synced;
    await eventually(() => changes.length === 3);
    changes.length = 0;
    await cluster.stopApiServer();
    await eventually(() => store.trouble !== undefined, 20_000);
    expect(store.get(namespace, 'restart-kept')?.value).toBe('1');
    await cluster.startApiServer();
    await put('restart', 'changed', '2');
    await client.delete(CONFIG_MAPS, 'restart-deleted', { namespace });
    await eventually(() => changes.length === 2 && store.trouble === undefined, 60_000);
    expect(changes.toSorted()).toEqual(['changed restart-changed=2', 'deleted restart-deleted=1']);
    expect(store.list()).toHaveLength(2);
    store.stop();
  });

  it('keeps what it knows while etcd is away, and says so', async () => {
    const { store, changes } = follow('etcd');
    await put('etcd', 'a', '1');
    await store.synced;
    await cluster.stopEtcd();
    const refused = await client
      .create(CONFIG_MAPS, { metadata: { name: 'lost', namespace } }, { timeoutMs: 3_000 })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'KubernetesUnavailable' });
    expect(store.list()).toHaveLength(1);
    await cluster.startEtcd();
    await put('etcd', 'a', '2');
    await eventually(() => changes.at(-1) === 'changed etcd-a=2', 60_000);
    expect(changes.filter((change) => change.startsWith('deleted'))).toEqual([]);
    store.stop();
  });
});

describe('the authorization of the cluster', () => {
  it('refuses what a user may not do, in words that name it', async () => {
    const reader = createKubeClient(cluster.connectionFor({ name: 'reader', groups: ['guests'] }), deps);
    const refused = await reader.list(CONFIG_MAPS, { namespace }).catch((error: unknown) => error);
    expect(isForbidden(refused)).toBe(true);
    expect(String(refused)).toContain('User "reader" cannot list resource "configmaps"');
    await reader.close();
  });
});
