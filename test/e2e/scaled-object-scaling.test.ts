import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS, STATEFUL_SETS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

const QUICK_DOWN = {
  horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
};
const ready = (ns: TestNamespace, name = 'web') => ns.becomes(SCALED_OBJECTS, name, 'Ready', 'True/ScaledObjectReady');

describe.concurrent('a ScaledObject', () => {
  it('takes a Deployment from 0 to 1 at the first read that shows work, to N by its HPA, and back to 0', async ({
    ns,
    source,
  }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], { advanced: QUICK_DOWN }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns);
    await source.asks(2);
    expect(replicas).toEqual([0]);
    expect(await ns.condition(SCALED_OBJECTS, 'web', 'Active')).toBe('False/ScalerNotActive');

    const askedBefore = source.asked;
    source.answer = 35;
    await eventually(() => replicas.includes(1));
    expect(source.asked - askedBefore).toBe(1);
    await eventually(() => replicas.at(-1) === 4, 15_000);
    expect(replicas.slice(0, 2)).toEqual([0, 1]);
    await ns.becomes(SCALED_OBJECTS, 'web', 'Active', 'True/ScalerActive');
    expect((await ns.get(SCALED_OBJECTS, 'web')).status).toMatchObject({
      lastActiveTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      triggersActivity: { [METRIC]: { isActive: true } },
    });

    source.answer = 0;
    await eventually(() => replicas.at(-1) === 0, 15_000);
    await eventually(async () => {
      const reasons = (await ns.events('web')).map(({ reason }) => reason);
      expect(reasons).toEqual(expect.arrayContaining(['KEDAScaleTargetActivated', 'KEDAScaleTargetDeactivated']));
    });
    await ns.becomes(SCALED_OBJECTS, 'web', 'Active', 'False/ScalerNotActive');
  });

  it("gets an HPA with KEDA's name, labels, owner, selector and metric, which the API server can read", async ({
    ns,
    source,
  }) => {
    source.answer = 25;
    await ns.apply(
      aDeployment('web', 1),
      aScaler('web', [source.trigger()], { maxReplicaCount: 7 }, { labels: { team: 'shop' } }),
    );
    await ready(ns);
    const object = await ns.get(SCALED_OBJECTS, 'web');
    const hpa = await ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
    expect(hpa.metadata.labels).toMatchObject({
      'app.kubernetes.io/managed-by': 'keda-operator',
      'app.kubernetes.io/name': 'keda-hpa-web',
      'app.kubernetes.io/part-of': 'web',
      team: 'shop',
    });
    expect(hpa.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        name: 'web',
        uid: object.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(hpa.spec).toMatchObject({
      minReplicas: 1,
      maxReplicas: 7,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      metrics: [
        {
          type: 'External',
          external: {
            metric: { name: METRIC, selector: { matchLabels: { 'scaledobject.keda.sh/name': 'web' } } },
            target: { type: 'AverageValue', averageValue: '10' },
          },
        },
      ],
    });
    expect(object.status).toMatchObject({
      hpaName: 'keda-hpa-web',
      externalMetricNames: [METRIC],
      scaleTargetKind: 'apps/v1.Deployment',
      scaleTargetGVKR: { group: 'apps', version: 'v1', kind: 'Deployment', resource: 'deployments' },
      originalReplicaCount: 1,
      triggersTypes: 'metrics-api',
    });
    expect(object.metadata.labels).toMatchObject({ 'scaledobject.keda.sh/name': 'web' });
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=25`);
    expect(await ns.externalMetric('other', METRIC)).toContain('other');
    await ns.becomes(SCALED_OBJECTS, 'web', 'HPAActive', 'True/HPAActive');
  });

  it('rests at idleReplicaCount and works at minReplicaCount', async ({ ns, source }) => {
    await ns.apply(
      aDeployment('web', 5),
      aScaler('web', [source.trigger()], { idleReplicaCount: 0, minReplicaCount: 2, advanced: QUICK_DOWN }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 0, 10_000);
    source.answer = 5;
    await eventually(() => replicas.at(-1) === 2);
    source.answer = 0;
    await eventually(() => replicas.at(-1) === 0, 10_000);
  });

  it('rests at idle replicas above zero, where the HPA leaves it', async ({ ns, source, world }) => {
    source.answer = 5;
    const spec = { idleReplicaCount: 1, minReplicaCount: 3, cooldownPeriod: 0, advanced: QUICK_DOWN };
    await ns.apply(aDeployment('web', 3), aScaler('web', [source.trigger()], spec));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    const hpa = () => ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
    await ready(ns);
    expect((await hpa()).spec.minReplicas).toBe(3);
    source.answer = 0;
    await eventually(() => replicas.at(-1) === 1, 10_000);
    await eventually(async () => expect((await hpa()).spec.minReplicas).toBe(1));
    const writes = () => world.writes.filter((write) => write.includes(`/namespaces/${ns.name}/`)).length;
    await source.asks(2);
    const before = writes();
    // Rounds of the HPA, too: one a second.
    await source.asks(4);
    expect(replicas.at(-1)).toBe(1);
    expect(writes()).toBe(before);
    source.answer = 45;
    await eventually(() => replicas.at(-1) === 5, 20_000);
    expect((await hpa()).spec.minReplicas).toBe(3);
  });

  it('keeps minReplicaCount without any work', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], { minReplicaCount: 2 }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 2);
    await source.asks(3);
    expect(replicas).toEqual([0, 2]);
  });

  it('starts only above the activation threshold', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger({ metadata: { activationTargetValue: '5' } })]),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns);
    await source.asks(2);
    expect(replicas).toEqual([0]);
    source.answer = 6;
    await eventually(() => replicas.at(-1) === 1);
  });

  it('waits for its cooldown, and only then rests, without a poll in between', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger()], { pollingInterval: 30, cooldownPeriod: 2 }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await ns.patch(SCALED_OBJECTS, 'web', { spec: { pollingInterval: 1 } });
    source.answer = 0;
    const asked = source.asked;
    await eventually(() => source.asked > asked);
    const since = performance.now();
    await ns.patch(SCALED_OBJECTS, 'web', { spec: { pollingInterval: 30 } });
    await ns.becomes(SCALED_OBJECTS, 'web', 'Active', 'False/ScalerCooldown');
    await eventually(() => replicas.at(-1) === 0, 10_000);
    expect(performance.now() - since).toBeGreaterThan(1_000);
    expect(performance.now() - since).toBeLessThan(10_000);
  });

  it('scales a StatefulSet', async ({ ns, source }) => {
    source.answer = 20;
    const { spec } = aDeployment('db', 0) as { spec: object };
    await ns.apply(
      { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db' }, spec: { ...spec, serviceName: 'db' } },
      aScaler('db', [source.trigger()], { scaleTargetRef: { kind: 'StatefulSet', name: 'db' } }),
    );
    const replicas = ns.replicasOf(STATEFUL_SETS, 'db');
    await eventually(() => replicas.at(-1) === 2, 15_000);
  });
});
