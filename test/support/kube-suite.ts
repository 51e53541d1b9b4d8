import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject, ResourceType } from '../../src/base/object.ts';
import { applyIfChanged } from '../../src/kube/apply.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import type { KubeConnection } from '../../src/kube/config.ts';
import { createDiscovery } from '../../src/kube/discovery.ts';
import { createEventRecorder, EVENTS } from '../../src/kube/events.ts';
import { createMembership, LEASES } from '../../src/kube/lease.ts';
import { createNamedWatches } from '../../src/kube/named-watch.ts';
import { getScale, setReplicas } from '../../src/kube/scale.ts';
import { isAlreadyExists, isConflict, isNotFound, statusOf } from '../../src/kube/status.ts';
import { createStore } from '../../src/kube/store.ts';
import { eventually } from './eventually.ts';

const core = (plural: string, kind: string): ResourceType => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
});
const CONFIG_MAPS = core('configmaps', 'ConfigMap');
const SECRETS = core('secrets', 'Secret');
const DEPLOYMENTS: ResourceType = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
};
const HPAS: ResourceType = {
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
  namespaced: true,
};

type ConfigMap = KubeObject & { data?: Record<string, string> };

const namespace = 'default';
const deps = { clock: systemClock, log: silentLogger };

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'busybox' }] },
    },
  },
});

/** A cluster that a suite runs on. */
export interface SuiteCluster {
  connection: KubeConnection;
  stop(): Promise<void>;
}

/** What the client, stores, events and leases do against any API server, the sandbox's and the real one. */
export function describeKubeRuntime(start: () => Promise<SuiteCluster>): void {
  let cluster: SuiteCluster;
  let connection: KubeConnection;
  let client: KubeClient;

  beforeAll(async () => {
    cluster = await start();
    connection = cluster.connection;
    client = createKubeClient(connection, deps);
  });
  afterAll(async () => {
    await client?.close();
    await cluster?.stop();
  });

  describe('the client', () => {
    it('creates, reads, replaces, patches and deletes', async () => {
      const created = await client.create<ConfigMap>(CONFIG_MAPS, configMap('crud', { a: '1' }));
      expect(created.metadata.uid).toBeTruthy();
      const replaced = await client.replace<ConfigMap>(CONFIG_MAPS, { ...created, data: { a: '2' } });
      expect(replaced.data).toEqual({ a: '2' });
      const patched = await client.patch<ConfigMap>(
        CONFIG_MAPS,
        'crud',
        { data: { b: '3' } },
        { namespace, type: 'merge' },
      );
      expect(patched.data).toEqual({ a: '2', b: '3' });
      expect((await client.get<ConfigMap>(CONFIG_MAPS, 'crud', { namespace })).data).toEqual(patched.data);
      await client.delete(CONFIG_MAPS, 'crud', { namespace });
      expect(await client.find(CONFIG_MAPS, 'crud', { namespace })).toBeUndefined();
    });

    it('says what was refused in the server’s own terms', async () => {
      const created = await client.create<ConfigMap>(CONFIG_MAPS, configMap('taken'));
      const again = await client.create(CONFIG_MAPS, configMap('taken')).catch((e) => e);
      expect(isAlreadyExists(again)).toBe(true);
      await client.patch(CONFIG_MAPS, 'taken', { data: { x: 'y' } }, { namespace, type: 'merge' });
      const outdated = await client.replace(CONFIG_MAPS, created).catch((e) => e);
      expect(isConflict(outdated)).toBe(true);
      expect(outdated.code).toBe('KubernetesConflict');
      const missing = await client.get(CONFIG_MAPS, 'missing', { namespace }).catch((e) => e);
      expect(isNotFound(missing)).toBe(true);
      expect(statusOf(missing)?.reason).toBe('NotFound');
      const unknown: ResourceType = {
        group: 'no.example.com',
        version: 'v1',
        plural: 'things',
        kind: 'Thing',
        namespaced: true,
      };
      await expect(client.find(unknown, 'x', { namespace })).rejects.toMatchObject({ code: 'KubernetesRefused' });
    });

    it('is refused with a wrong token and with a certificate authority that is not the server’s', async () => {
      const stranger = createKubeClient({ ...connection, user: { token: 'wrong' } }, deps);
      const refused = await stranger.get(CONFIG_MAPS, 'x', { namespace }).catch((e) => e);
      expect(statusOf(refused)?.code).toBe(401);
      await stranger.close();
      const { ca: _, ...untrusting } = connection;
      const doubter = createKubeClient(untrusting, deps);
      await expect(doubter.get(CONFIG_MAPS, 'x', { namespace })).rejects.toMatchObject({
        code: 'KubernetesUnavailable',
        message: expect.stringMatching(/certificate/),
      });
      await doubter.close();
    });

    it('lists by pages', async () => {
      for (let i = 0; i < 7; i++)
        await client.create(CONFIG_MAPS, {
          ...configMap(`page-${i}`),
          metadata: { name: `page-${i}`, namespace, labels: { pages: 'yes' } },
        });
      const sizes: number[] = [];
      for await (const { items } of client.pages(CONFIG_MAPS, { namespace, labelSelector: 'pages=yes', limit: 3 }))
        sizes.push(items.length);
      expect(sizes).toEqual([3, 3, 1]);
      await client.deleteCollection(CONFIG_MAPS, { namespace, labelSelector: 'pages=yes' });
      expect(await client.listAll(CONFIG_MAPS, { namespace, labelSelector: 'pages=yes' })).toEqual([]);
    });

    it('scales a workload, and not over somebody else’s write', async () => {
      await client.create(DEPLOYMENTS, deployment('scaled'));
      const target = { type: DEPLOYMENTS, namespace, name: 'scaled' };
      // The Deployment controller writes its status meanwhile: then the version is old, and the next try has a newer one.
      const resourceVersion = await eventually(async () => {
        const before = await getScale(client, target);
        expect(before).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
        const { resourceVersion: version } = before.metadata;
        expect((await setReplicas(client, target, 5, { resourceVersion: version })).spec.replicas).toBe(5);
        return version;
      });
      expect(isConflict(await setReplicas(client, target, 1, { resourceVersion }).catch((e) => e))).toBe(true);
      expect((await getScale(client, target)).spec.replicas).toBe(5);
    });

    it('applies an autoscaler once, again when something differs, and never otherwise', async () => {
      const owner = await client.create<ConfigMap>(CONFIG_MAPS, configMap('owner'));
      const wanted = {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: {
          name: 'applied',
          namespace,
          labels: { a: 'b' },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid ?? '', controller: true },
          ],
        },
        spec: {
          minReplicas: 1,
          maxReplicas: 10,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'scaled' },
          metrics: [
            {
              type: 'External',
              external: {
                metric: { name: 's0-x', selector: { matchLabels: { 'scaledobject.keda.sh/name': 'web' } } },
                target: { type: 'AverageValue', averageValue: '1500m' },
              },
            },
          ],
        },
      };
      expect((await applyIfChanged(client, HPAS, wanted)).written).toBe(true);
      const live = await client.get(HPAS, 'applied', { namespace });
      expect((await applyIfChanged(client, HPAS, wanted)).written).toBe(false);
      expect((await applyIfChanged(client, HPAS, wanted, { live })).written).toBe(false);

      const more = { ...wanted, spec: { ...wanted.spec, maxReplicas: 20 } };
      expect((await applyIfChanged(client, HPAS, more)).written).toBe(true);
      expect((await applyIfChanged(client, HPAS, more)).written).toBe(false);

      const { labels: _, ...unlabelled } = wanted.metadata;
      const less = { ...more, metadata: unlabelled };
      expect((await applyIfChanged(client, HPAS, less)).written).toBe(true);
      expect((await client.get(HPAS, 'applied', { namespace })).metadata.labels).toBeUndefined();
      expect((await applyIfChanged(client, HPAS, less)).written).toBe(false);
    });

    it('resolves kinds', async () => {
      const discovery = createDiscovery(client, systemClock);
      expect(await discovery.resolve('apps/v1', 'ReplicaSet')).toMatchObject({ plural: 'replicasets', scalable: true });
      expect(await discovery.resolve('v1', 'Secret')).toEqual({ ...SECRETS, scalable: false });
      expect(await discovery.resolve('batch/v1', 'Job')).toMatchObject({ plural: 'jobs', scalable: false });
      expect(await discovery.resolve('v1', 'Nonsense')).toBeUndefined();
      expect(await discovery.resolve('no.example.com/v1', 'Thing')).toBeUndefined();
    });

    it('creates a token that the server accepts', async () => {
      await client.create(core('serviceaccounts', 'ServiceAccount'), {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'bot', namespace },
      });
      const { token, expirationTimestamp } = await client.createToken('bot', { namespace, expirationSeconds: 600 });
      expect(Date.parse(expirationTimestamp)).toBeGreaterThan(Date.now());
      const review = await client.review(
        {
          group: 'authentication.k8s.io',
          version: 'v1',
          plural: 'tokenreviews',
          kind: 'TokenReview',
          namespaced: false,
        },
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          metadata: { name: '' },
          spec: { token },
        } as KubeObject,
      );
      expect(review).toMatchObject({
        status: { authenticated: true, user: { username: 'system:serviceaccount:default:bot' } },
      });
    });
  });

  describe('stores', () => {
    it('follow what others do, object by object', async () => {
      await client.create(CONFIG_MAPS, configMap('followed', { color: 'red' }));
      const store = createStore<{ metadata: { name: string; uid?: string }; color: string }, ConfigMap>({
        ...deps,
        client,
        type: CONFIG_MAPS,
        namespace,
        fieldSelector: 'metadata.name=followed',
        project: ({ metadata, data }) => ({
          metadata: { name: metadata.name, uid: metadata.uid ?? '' },
          color: data?.color ?? '',
        }),
      });
      const seen: string[] = [];
      store.onChange(({ type, object }) => seen.push(`${type} ${object.color}`));
      await store.synced;
      const patch = { namespace, type: 'merge' } as const;
      await client.patch(CONFIG_MAPS, 'followed', { data: { other: 'x' } }, patch);
      await client.patch(CONFIG_MAPS, 'followed', { data: { color: 'blue' } }, patch);
      await client.delete(CONFIG_MAPS, 'followed', { namespace });
      await eventually(() => seen.length === 3);
      expect(seen).toEqual(['added red', 'changed blue', 'deleted blue']);
      store.stop();
    });

    it('watch a Secret by name, before it exists', async () => {
      const watches = createNamedWatches({ ...deps, client });
      const watch = watches.watchNamed<KubeObject & { data?: Record<string, string> }>(SECRETS, namespace, 'password');
      await watch.synced;
      expect(watch.current).toBeUndefined();
      await client.create(SECRETS, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'password', namespace },
        data: { p: 'eA==' },
      });
      await eventually(() => watch.current?.data?.p === 'eA==');
      watch.release();
      expect(watches.size).toBe(0);
    });
  });

  describe('events', () => {
    it('are accepted and counted in series', async () => {
      const about = await client.create<ConfigMap>(CONFIG_MAPS, configMap('noisy'));
      const recorder = createEventRecorder({ ...deps, client, reportingController: 'keda-operator' });
      const details = {
        type: 'Warning',
        reason: 'KEDAScalerFailed',
        note: `unable to connect: ${'x'.repeat(2_000)}`,
      } as const;
      recorder.record(about, details);
      recorder.record(about, details);
      recorder.record(about, details);
      await recorder.stop();
      const events = await client.listAll<KubeObject & { regarding: { uid: string } }>(EVENTS, { namespace });
      expect(events.filter(({ regarding }) => regarding.uid === about.metadata.uid)).toMatchObject([
        { reason: 'KEDAScalerFailed', reportingController: 'keda-operator', series: { count: 3 } },
      ]);
    });
  });

  describe('membership', () => {
    it('shares objects out and hands them over when a member stops', async () => {
      const times = { renewMs: 500, leaseMs: 4_000 };
      const join = (identity: string) =>
        createMembership({ ...deps, ...times, client, namespace, group: 'windlass', identity });
      const uids = Array.from({ length: 50 }, (_, i) => `uid-${i}`);
      const first = join('a');
      await first.ready;
      expect(uids.every(first.owns)).toBe(true);
      const second = join('b');
      await second.ready;
      await eventually(() => uids.every((uid) => first.owns(uid) !== second.owns(uid)));
      expect(first.members()).toEqual([first.identity, second.identity]);
      await first.stop();
      // Long before the lease of the first would have run out.
      await eventually(() => uids.every(second.owns), 2_000);
      await second.stop();
      expect(await client.listAll(LEASES, { namespace })).toEqual([]);
    });
  });
}
