import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ScaledObject } from '../../src/api/index.ts';
import { HORIZONTAL_POD_AUTOSCALERS, NAMESPACES, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { type LocalCluster, startLocalCluster } from '../../src/cli/local-cluster.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createDiscovery } from '../../src/kube/discovery.ts';
import { createStore, type Store } from '../../src/kube/store.ts';
import {
  type ClusterFacts,
  createClusterFacts,
  followClaims,
  followForeignAutoscalers,
} from '../../src/servers/admission/index.ts';
import { eventually } from '../support/eventually.ts';

const clock = systemClock;
const log = silentLogger;
const { signal } = new AbortController();

let cluster: LocalCluster;
let client: KubeClient;
let store: Store<ScaledObject>;
let facts: ClusterFacts;
const asked: string[] = [];
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await startLocalCluster({ clock, log, port: 0 });
  undo.push(() => cluster.stop());
  client = createKubeClient(cluster.connection, {
    clock,
    log,
    observe: ({ method, path }) => void asked.push(`${method} ${path.split('/').slice(6).join('/')}`),
  });
  undo.push(() => client.close());
  store = createStore<ScaledObject, KubeObject>({
    client,
    type: SCALED_OBJECTS,
    project: (raw) => raw as ScaledObject,
    clock,
    log,
  });
  undo.push(() => store.stop());
  const foreignAutoscalers = followForeignAutoscalers({ client, namespace: undefined, clock, log });
  undo.push(() => foreignAutoscalers.stop());
  const discovery = createDiscovery(client, clock);
  facts = createClusterFacts({ client, discovery, clock, claims: followClaims(store), foreignAutoscalers });
  await Promise.all([store.synced, foreignAutoscalers.synced]);
});
afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

let namespaces = 0;
let namespace = '';
beforeEach(async () => {
  namespace = `facts-${++namespaces}`;
  await cluster.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
});

const create = (name: string, target = name) =>
  cluster.client.create(SCALED_OBJECTS, {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { name: target },
      triggers: [{ type: 'kubernetes-workload', metadata: { podSelector: 'a=b', value: '1' } }],
    },
  });
const autoscale = (name: string, target: string) =>
  cluster.client.create(HORIZONTAL_POD_AUTOSCALERS, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target }, maxReplicas: 2 },
  });
const claim = (target: string) => ({ target: `apps/v1/Deployment/${target}`, hpaName: `keda-hpa-${target}` });
/** Names of what is found, and the requests that it took. */
async function find(target: string, fresh: boolean) {
  asked.length = 0;
  const found = await facts.scaledObjects(namespace, claim(target), { fresh, signal });
  return { found: found.map(({ metadata }) => metadata.name), requests: [...asked] };
}

describe('who holds a target', () => {
  it('is read live for a new claim in a small namespace', async () => {
    await create('one');
    expect(await find('one', true)).toEqual({ found: ['one'], requests: ['GET scaledobjects'] });
  });

  it('is known without a request for an old claim that nobody else has', async () => {
    await create('one');
    await eventually(() => store.get(namespace, 'one') !== undefined);
    expect(await find('two', false)).toEqual({ found: [], requests: [] });
  });

  it('is read again before it is held against anybody', async () => {
    await create('one');
    await eventually(() => store.get(namespace, 'one') !== undefined);
    expect(await find('one', false)).toEqual({ found: ['one'], requests: ['GET scaledobjects/one'] });
    await cluster.client.delete(SCALED_OBJECTS, 'one', { namespace });
    expect((await find('one', false)).found).toEqual([]);
  });

  it('is not listed in a large namespace', async () => {
    await Promise.all(Array.from({ length: 201 }, (_, i) => create(`w${i}`)));
    await eventually(() => store.list(namespace).length === 201);
    expect(await find('other', true)).toEqual({ found: [], requests: [] });
    expect(await find('w7', true)).toEqual({ found: ['w7'], requests: ['GET scaledobjects/w7'] });

    await autoscale('legacy', 'w8');
    const on = (name: string) => facts.autoscalers(namespace, claim(name).target, { fresh: true, signal });
    await eventually(async () => expect((await on('w8')).map(({ metadata }) => metadata.name)).toEqual(['legacy']));
    asked.length = 0;
    expect(await on('w9')).toEqual([]);
    expect(asked).toEqual([]);
  });
});

describe('HPAs on a target', () => {
  it('are read live for a new claim in a small namespace', async () => {
    await autoscale('legacy', 'web');
    await autoscale('other', 'api');
    const found = await facts.autoscalers(namespace, claim('web').target, { fresh: true, signal });
    expect(found).toMatchObject([{ metadata: { name: 'legacy' }, ownerScaledObjects: [], exempt: false }]);
  });
});

describe('a kind', () => {
  it.each([
    ['apps/v1', 'Deployment', true],
    ['v1', 'Pod', true],
    ['apps/v1', 'Rollout', false],
    ['nowhere.example/v1', 'Fleet', false],
    ['apps/v1/../../../api/v1', 'Pod', false],
    ['', 'Deployment', false],
  ])('%s %s is served: %s', async (apiVersion, kind, expected) => {
    expect(await facts.servesKind(apiVersion, kind, signal)).toBe(expected);
  });
});
