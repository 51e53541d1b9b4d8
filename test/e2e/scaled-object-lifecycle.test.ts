import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

const HPA = 'keda-hpa-web';
const ready = (ns: TestNamespace) => ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
const hpaOf = (ns: TestNamespace) => ns.get(HORIZONTAL_POD_AUTOSCALERS, HPA);

describe.concurrent('a deleted ScaledObject', () => {
  it('gives the target back its replicas when that is wished, and its HPA goes', async ({ ns, source }) => {
    await ns.apply(
      aDeployment('web', 3),
      aScaler('web', [source.trigger()], { advanced: { restoreToOriginalReplicaCount: true } }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 0, 10_000);
    await ns.delete(SCALED_OBJECTS, 'web');
    await ns.gone(SCALED_OBJECTS, 'web');
    expect(replicas).toEqual([3, 0, 3]);
    await ns.gone(HORIZONTAL_POD_AUTOSCALERS, HPA);
    expect(replicas).toEqual([3, 0, 3]);
    await eventually(async () =>
      expect((await ns.events('web')).map(({ reason }) => reason)).toEqual(
        expect.arrayContaining(['KEDAScalersStopped', 'ScaledObjectDeleted']),
      ),
    );
  });

  it('is gone only when its HPA is, so that nothing is left when the CRDs go next', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 1), aScaler('web', [source.trigger()]));
    await ready(ns);
    await hpaOf(ns);
    await ns.delete(SCALED_OBJECTS, 'web');
    await ns.gone(SCALED_OBJECTS, 'web');
    expect(await ns.find(HORIZONTAL_POD_AUTOSCALERS, HPA)).toBeUndefined();
  });

  it('leaves its HPA behind when that is asked for', async ({ world, ns, source }) => {
    await ns.apply(aDeployment('web', 1), aScaler('web', [source.trigger()]));
    await ready(ns);
    await hpaOf(ns);
    await world.client.delete(SCALED_OBJECTS, 'web', { namespace: ns.name, propagationPolicy: 'Orphan' });
    await ns.gone(SCALED_OBJECTS, 'web', 30_000);
    expect((await hpaOf(ns)).metadata.ownerReferences ?? []).toEqual([]);
  });

  it('leaves the replicas as they are otherwise, and asks its source no more', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 3), aScaler('web', [source.trigger()], { minReplicaCount: 2 }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns);
    await ns.delete(SCALED_OBJECTS, 'web');
    await ns.gone(SCALED_OBJECTS, 'web');
    const asked = source.asked;
    await ns.gone(HORIZONTAL_POD_AUTOSCALERS, HPA);
    expect(source.asked).toBe(asked);
    expect(replicas.at(-1)).toBe(3);
  });

  it('goes also at zero replicas, also without a target, also when it never worked', async ({ ns, source }) => {
    const restore = { advanced: { restoreToOriginalReplicaCount: true } };
    await ns.apply(
      aDeployment('zero', 0),
      aScaler('zero', [source.trigger()], restore),
      aDeployment('lost', 1),
      aScaler('lost', [source.trigger()], restore),
      aScaler('never', [source.trigger()], restore),
      aDeployment('wrong', 1),
      aScaler('wrong', [{ type: 'no-such-thing', metadata: {} }], restore),
    );
    await ns.becomes(SCALED_OBJECTS, 'lost', 'Ready', 'True/ScaledObjectReady');
    await ns.becomes(SCALED_OBJECTS, 'zero', 'Ready', 'True/ScaledObjectReady');
    await ns.becomes(SCALED_OBJECTS, 'never', 'Ready', 'False/ScaledObjectCheckFailed');
    await ns.becomes(SCALED_OBJECTS, 'wrong', 'Ready', 'False/ScaledObjectCheckFailed');
    await ns.delete(DEPLOYMENTS, 'lost');
    for (const name of ['zero', 'lost', 'never', 'wrong']) await ns.delete(SCALED_OBJECTS, name);
    for (const name of ['zero', 'lost', 'never', 'wrong']) await ns.gone(SCALED_OBJECTS, name);
  });

  it('that is made again under its name starts anew', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await ns.delete(SCALED_OBJECTS, 'web');
    await ns.gone(SCALED_OBJECTS, 'web');
    await ns.apply(aScaler('web', [source.trigger()]));
    await ready(ns);
    const object = await ns.get(SCALED_OBJECTS, 'web');
    const owners = async () => (await hpaOf(ns)).metadata.ownerReferences?.map(({ uid }) => uid);
    await eventually(async () => expect(await owners()).toEqual([object.metadata.uid]));
    // Whether the HPA of before was taken over or made anew depends on when the collector of garbage comes by. Either
    // way it must not go with its former owner.
    await source.asks(3);
    expect((await hpaOf(ns)).metadata.deletionTimestamp).toBeUndefined();
    expect(await owners()).toEqual([object.metadata.uid]);
    expect(replicas).toEqual([0, 1]);
  });
});

describe.concurrent('a target', () => {
  it('that comes after its ScaledObject is taken up at once', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aScaler('web', [source.trigger()]));
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/ScaledObjectCheckFailed');
    expect(await ns.find(HORIZONTAL_POD_AUTOSCALERS, HPA)).toBeUndefined();
    await ns.apply(aDeployment('web', 0));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await ready(ns);
    await hpaOf(ns);
  });

  it('that goes and comes back is scaled again', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await ns.delete(DEPLOYMENTS, 'web');
    await eventually(async () => expect(await ns.condition(SCALED_OBJECTS, 'web', 'Ready')).toMatch(/^False/));
    await ns.apply(aDeployment('web', 0));
    await eventually(() => replicas.at(-1) === 1);
    await ready(ns);
  });

  it('that changes its name leaves the former one alone', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aDeployment('next', 0), aScaler('web', [source.trigger()]));
    const former = ns.replicasOf(DEPLOYMENTS, 'web');
    const next = ns.replicasOf(DEPLOYMENTS, 'next');
    await eventually(() => former.at(-1) === 1);
    await ns.patch(SCALED_OBJECTS, 'web', { spec: { scaleTargetRef: { name: 'next' } } });
    await eventually(() => next.at(-1) === 1);
    await eventually(async () => expect((await hpaOf(ns)).spec.scaleTargetRef.name).toBe('next'));
    source.answer = 0;
    await eventually(() => next.at(-1) === 0, 10_000);
    expect(former).toEqual([0, 1]);
  });

  it('of a kind that the cluster does not serve is named, and so is one without /scale', async ({ ns, source }) => {
    await ns.apply(
      aScaler('web', [source.trigger()], { scaleTargetRef: { apiVersion: 'x.io/v1', kind: 'Thing', name: 'web' } }),
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' } },
      aScaler('map', [source.trigger()], { scaleTargetRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'map' } }),
    );
    for (const [name, text] of [
      ['web', 'Thing of x.io/v1'],
      ['map', 'no /scale'],
    ] as const) {
      await ns.becomes(SCALED_OBJECTS, name, 'Ready', 'False/ScaledObjectCheckFailed');
      const { status } = await ns.get(SCALED_OBJECTS, name);
      expect(JSON.stringify(status.conditions)).toContain(text);
    }
  });
});

describe.concurrent('an HPA', () => {
  it('that somebody deletes comes back', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 1), aScaler('web', [source.trigger()], { minReplicaCount: 1 }));
    await ready(ns);
    const { uid } = (await hpaOf(ns)).metadata;
    await ns.delete(HORIZONTAL_POD_AUTOSCALERS, HPA);
    await eventually(async () => expect((await hpaOf(ns)).metadata.uid).not.toBe(uid));
  });

  it('that somebody edits is mended; what nobody of us sets stays', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 1), aScaler('web', [source.trigger()], { minReplicaCount: 1 }));
    await ready(ns);
    await ns.patch(HORIZONTAL_POD_AUTOSCALERS, HPA, {
      metadata: { annotations: { note: 'mine' } },
      spec: { maxReplicas: 3 },
    });
    await eventually(async () => expect((await hpaOf(ns)).spec.maxReplicas).toBe(100));
    expect((await hpaOf(ns)).metadata.annotations).toMatchObject({ note: 'mine' });
    await ns.patch(HORIZONTAL_POD_AUTOSCALERS, HPA, {
      metadata: { labels: { 'app.kubernetes.io/managed-by': null } },
    });
    await eventually(async () =>
      expect((await hpaOf(ns)).metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'keda-operator' }),
    );
  });

  it('follows its ScaledObject: bounds, labels, another name', async ({ ns, source }) => {
    await ns.apply(
      aDeployment('web', 1),
      aScaler('web', [source.trigger()], { minReplicaCount: 1 }, { labels: { team: 'a' } }),
    );
    await ready(ns);
    await ns.patch(SCALED_OBJECTS, 'web', {
      metadata: { labels: { team: 'b' } },
      spec: { minReplicaCount: 2, maxReplicaCount: 9 },
    });
    await eventually(async () => {
      const hpa = await hpaOf(ns);
      expect(hpa.spec).toMatchObject({ minReplicas: 2, maxReplicas: 9 });
      expect(hpa.metadata.labels).toMatchObject({ team: 'b' });
    });
    await ns.patch(SCALED_OBJECTS, 'web', { spec: { advanced: { horizontalPodAutoscalerConfig: { name: 'other' } } } });
    await ns.gone(HORIZONTAL_POD_AUTOSCALERS, HPA);
    await eventually(() => ns.get(HORIZONTAL_POD_AUTOSCALERS, 'other'));
    await eventually(async () => expect((await ns.get(SCALED_OBJECTS, 'web')).status.hpaName).toBe('other'));
    await eventually(async () => expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=0`));
  });
});

describe.concurrent("the ScaledObject's own marks", () => {
  it('come back when somebody takes them off', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 1), aScaler('web', [source.trigger()], { minReplicaCount: 1 }));
    await ready(ns);
    await ns.patch(SCALED_OBJECTS, 'web', {
      metadata: { finalizers: ['example.com/mine'], labels: { 'scaledobject.keda.sh/name': 'wrong' } },
    });
    await eventually(async () => {
      const { metadata } = await ns.get(SCALED_OBJECTS, 'web');
      expect(metadata.labels).toMatchObject({ 'scaledobject.keda.sh/name': 'web' });
      expect(metadata.finalizers).toEqual(['example.com/mine', 'finalizer.keda.sh']);
    });
    await ns.patch(SCALED_OBJECTS, 'web', { metadata: { finalizers: ['finalizer.keda.sh'] } });
  });
});
