import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../../../test/support/controllers-cluster.ts';
import type { Pod, ReplicaSet } from '../kinds.ts';
import { DEPLOYMENTS, PODS, REPLICA_SETS } from '../kinds.ts';
import type { Deployment } from './types.ts';

let cluster: TestCluster;
afterEach(() => cluster.stop());

const deployment = (spec: object = {}, image = 'v1') => ({
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
    ...spec,
  },
});
const read = () => cluster.get<Deployment>(DEPLOYMENTS, 'web')!;
const condition = (type: string) => read().status?.conditions?.find((c) => c.type === type);
const change = async (spec: object) => {
  await cluster.api.patch(DEPLOYMENTS, 'web', 'default', { type: 'merge', patch: { spec } });
  await cluster.settle();
};
const setImage = (image: string) => change({ template: { spec: { containers: [{ name: 'c', image }] } } });
const images = () => cluster.pods().map((p) => p.spec.containers[0]?.image);
const sets = () =>
  cluster.api
    .list<ReplicaSet>(REPLICA_SETS)
    .map((s) => `${s.metadata.annotations?.['deployment.kubernetes.io/revision']}:${s.spec.replicas}`)
    .sort();

describe('a Deployment', () => {
  beforeEach(async () => {
    cluster = await startTestCluster({ node: true });
  });

  it('makes its pods through a ReplicaSet and reports them available', async () => {
    await cluster.create(DEPLOYMENTS, deployment());
    expect(images()).toEqual(['v1', 'v1', 'v1']);
    expect(cluster.pods()[0]?.metadata.name).toMatch(/^web-[a-z0-9]{5,10}-[a-z0-9]{5}$/);
    expect(read().status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      observedGeneration: 1,
    });
    expect(condition('Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(condition('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    expect(read().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
  });

  it('replaces a pod that is deleted', async () => {
    await cluster.create(DEPLOYMENTS, deployment());
    const [first] = cluster.pods();
    await cluster.api.delete(PODS, first!.metadata.name, 'default');
    await cluster.settle();
    expect(cluster.pods()).toHaveLength(3);
    expect(cluster.pods().map((p) => p.metadata.uid)).not.toContain(first!.metadata.uid);
  });

  it('scales up and down through its scale subresource, to zero too', async () => {
    await cluster.create(DEPLOYMENTS, deployment());
    for (const replicas of [5, 1, 0, 2]) {
      const patch = { spec: { replicas } };
      await cluster.api.patch(DEPLOYMENTS, 'web', 'default', { type: 'merge', patch }, 'scale');
      await cluster.settle();
      expect(cluster.pods()).toHaveLength(replicas);
      expect(read().status?.replicas ?? 0).toBe(replicas);
    }
  });

  it('rolls a new template out without going below or above its limits', async () => {
    await cluster.create(
      DEPLOYMENTS,
      deployment({ replicas: 4, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }),
    );
    let most = 0;
    let fewest = 9;
    const stop = cluster.api.watch<Pod>(PODS, () => {
      const ready = cluster
        .pods()
        .filter(
          (p) =>
            !p.metadata.deletionTimestamp &&
            p.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
        );
      most = Math.max(most, cluster.pods().filter((p) => !p.metadata.deletionTimestamp).length);
      fewest = Math.min(fewest, ready.length);
    });
    await setImage('v2');
    stop();
    expect(images()).toEqual(['v2', 'v2', 'v2', 'v2']);
    expect([fewest, most]).toEqual([4, 5]);
    expect(sets()).toEqual(['1:0', '2:4']);
    expect(condition('Progressing')?.reason).toBe('NewReplicaSetAvailable');
  });

  it('rolled back takes the old ReplicaSet again, as the newest revision', async () => {
    await cluster.create(DEPLOYMENTS, deployment());
    await setImage('v2');
    await setImage('v1');
    expect(sets()).toEqual(['2:0', '3:3']);
    expect(images()).toEqual(['v1', 'v1', 'v1']);
    expect(read().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('keeps no more old ReplicaSets than its history limit', async () => {
    await cluster.create(DEPLOYMENTS, deployment({ revisionHistoryLimit: 1 }));
    for (const image of ['v2', 'v3', 'v4']) await setImage(image);
    await cluster.settle();
    expect(sets()).toEqual(['3:0', '4:3']);
  });

  it('with Recreate starts new pods only when the old ones are gone', async () => {
    await cluster.create(DEPLOYMENTS, deployment({ strategy: { type: 'Recreate' } }));
    let mixed = false;
    const stop = cluster.api.watch<Pod>(PODS, () => {
      mixed ||= new Set(images()).size > 1;
    });
    await setImage('v2');
    stop();
    expect(mixed).toBe(false);
    expect(images()).toEqual(['v2', 'v2', 'v2']);
  });

  it('paused does not roll out, but scales', async () => {
    await cluster.create(DEPLOYMENTS, deployment({ paused: true }));
    expect(cluster.pods()).toHaveLength(0);
    await change({ paused: false });
    await change({ paused: true });
    await setImage('v2');
    await change({ replicas: 5 });
    expect(images()).toEqual(['v1', 'v1', 'v1', 'v1', 'v1']);
    expect(condition('Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' });
    await change({ paused: false });
    expect(new Set(images())).toEqual(new Set(['v2']));
    expect(condition('Progressing')?.reason).toBe('NewReplicaSetAvailable');
  });

  it('waits minReadySeconds before a pod counts as available', async () => {
    await cluster.create(DEPLOYMENTS, deployment({ minReadySeconds: 10 }));
    expect(read().status).toMatchObject({ readyReplicas: 3, unavailableReplicas: 3 });
    await cluster.settle(10_000);
    expect(read().status).toMatchObject({ availableReplicas: 3 });
  });

  it('deleted in the foreground goes last, and makes no new pods meanwhile', async () => {
    await cluster.create(DEPLOYMENTS, deployment());
    const gone: string[] = [];
    let made = 0;
    const stops = [DEPLOYMENTS, REPLICA_SETS, PODS].map((type) =>
      cluster.api.watch(type, ({ type: change }) => {
        if (change === 'DELETED') gone.push(type.kind);
        if (change === 'ADDED') made++;
      }),
    );
    await cluster.api.delete(DEPLOYMENTS, 'web', 'default', { propagationPolicy: 'Foreground' });
    await cluster.settle();
    for (const stop of stops) stop();
    expect(gone).toEqual(['Pod', 'Pod', 'Pod', 'ReplicaSet', 'Deployment']);
    expect(made).toBe(0);
  });

  it('deleted as an orphan leaves its pods, and one of the same selector takes them over', async () => {
    await cluster.create(DEPLOYMENTS, deployment());
    const before = cluster.pods().map((p) => p.metadata.uid);
    await cluster.api.delete(DEPLOYMENTS, 'web', 'default', { propagationPolicy: 'Orphan' });
    await cluster.settle();
    await cluster.create(DEPLOYMENTS, deployment());
    expect(cluster.pods().map((p) => p.metadata.uid)).toEqual(before);
    expect(sets()).toHaveLength(1);
  });

  it('deleted goes with everything below it', async () => {
    await cluster.create(DEPLOYMENTS, deployment());
    await cluster.api.delete(DEPLOYMENTS, 'web', 'default', { propagationPolicy: 'Background' });
    await cluster.settle();
    expect([cluster.pods().length, sets().length]).toEqual([0, 0]);
  });
});

describe('a ReplicaSet', () => {
  beforeEach(async () => {
    cluster = await startTestCluster();
  });
  const replicaSet = (replicas: number) => ({
    metadata: { name: 'set' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'x' } },
      template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  const scale = async (replicas: number) => {
    await cluster.api.patch(REPLICA_SETS, 'set', 'default', { type: 'merge', patch: { spec: { replicas } } });
    await cluster.settle();
  };
  const alive = () =>
    cluster
      .pods()
      .filter((p) => !p.metadata.deletionTimestamp)
      .map((p) => p.metadata.name);

  it('gives up pods that do not run first, then those not ready, then the cheapest, then the newest', async () => {
    await cluster.create(REPLICA_SETS, replicaSet(5));
    const [pending, notReady, cheap, old, young] = cluster.pods();
    await cluster.run(notReady!, false);
    await cluster.api.patch(PODS, cheap!.metadata.name, 'default', {
      type: 'merge',
      patch: { metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } } },
    });
    await cluster.run(cheap!);
    await cluster.run(old!);
    await cluster.settle(60_000);
    await cluster.run(young!);
    for (const [replicas, gone] of [
      [4, pending],
      [3, notReady],
      [2, cheap],
      [1, young],
    ] as const) {
      await scale(replicas);
      expect(alive()).not.toContain(gone!.metadata.name);
      expect(alive()).toHaveLength(replicas);
    }
  });

  it('adopts matching pods and lets go of one whose labels change', async () => {
    await cluster.create(PODS, {
      metadata: { name: 'stray', labels: { app: 'x' } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await cluster.create(REPLICA_SETS, replicaSet(2));
    expect(alive()).toHaveLength(2);
    expect(alive()).toContain('stray');
    await cluster.api.patch(PODS, 'stray', 'default', { type: 'merge', patch: { metadata: { labels: { app: 'y' } } } });
    await cluster.settle();
    expect(alive()).toHaveLength(3);
    expect(cluster.get<Pod>(PODS, 'stray')?.metadata.ownerReferences).toBeUndefined();
  });

  it('replaces pods that have ended, and keeps those', async () => {
    await cluster.create(REPLICA_SETS, replicaSet(2));
    await cluster.end(cluster.pods()[0]!, 1);
    expect(cluster.pods()).toHaveLength(3);
    expect(cluster.get<ReplicaSet>(REPLICA_SETS, 'set')?.status?.replicas).toBe(2);
  });
});
