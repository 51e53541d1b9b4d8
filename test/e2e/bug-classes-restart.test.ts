import { describe, expect } from 'vitest';
import {
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  NAMESPACES,
  SCALED_JOBS,
  SCALED_OBJECTS,
} from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

/** The classes of mistakes that need an operator that stops and starts again: one test after the other. */
const it = worldTest();

const ready = (ns: TestNamespace, name: string) =>
  ns.becomes(SCALED_OBJECTS, name, 'Ready', 'True/ScaledObjectReady', 20_000);
const aJob = (trigger: object) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledJob',
  metadata: { name: 'work' },
  spec: {
    pollingInterval: 1,
    jobTargetRef: {
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'example.com/simulated:1' }] } },
    },
    triggers: [trigger],
  },
});

describe('it never happens that a restart', () => {
  it('scales something or deletes a Job by itself', async ({ world, ns, source }) => {
    const broken = await startMetricSource(5);
    source.answer = 5;
    await ns.apply(
      ...['busy', 'cooling', 'failing', 'paused'].map((name) => aDeployment(name, 3)),
      aDeployment('asleep', 0),
      aScaler('busy', [source.trigger()], { minReplicaCount: 3 }),
      aScaler('failing', [broken.trigger()], { cooldownPeriod: 0 }),
      aScaler('paused', [source.trigger()], {}, { annotations: { 'autoscaling.keda.sh/paused-replicas': '2' } }),
      aScaler('asleep', [source.trigger({ metadata: { activationTargetValue: '99' } })]),
      aScaler('cooling', [source.trigger({ metadata: { activationTargetValue: '99' } })], {
        initialCooldownPeriod: 600,
      }),
      aJob(source.trigger({ metadata: { targetValue: '1' } })),
    );
    const names = ['busy', 'cooling', 'failing', 'paused', 'asleep'];
    await Promise.all(names.map((name) => ready(ns, name)));
    await ns.becomes(SCALED_JOBS, 'work', 'Active', 'True/ScalerActive', 20_000);
    await ns.becomes(SCALED_OBJECTS, 'cooling', 'Active', 'False/ScalerCooldown', 20_000);
    await eventually(async () => expect(await ns.list(JOBS)).toHaveLength(5), 20_000);
    await eventually(async () => expect((await ns.get(DEPLOYMENTS, 'paused')).spec.replicas).toBe(2));
    broken.answer = { status: 500 };
    await ns.becomes(SCALED_OBJECTS, 'failing', 'Ready', 'False/TriggerError', 20_000);
    const replicas = Object.fromEntries(names.map((name) => [name, ns.replicasOf(DEPLOYMENTS, name)]));
    const before = structuredClone(replicas);
    const jobs = async () => (await ns.list(JOBS)).map(({ metadata }) => metadata.uid).sort();
    const jobsBefore = await jobs();
    for (let i = 0; i < 3; i++) {
      await world.startOperator();
      await source.asks(i);
    }
    await source.asks(2);
    await broken.asks(1);
    expect(replicas).toEqual(before);
    expect(await jobs()).toEqual(jobsBefore);
    await broken.stop();
  });

  it.for([
    ['begins', {}, { 'autoscaling.keda.sh/paused': 'true' }, 3],
    [
      'changes its number',
      { 'autoscaling.keda.sh/paused-replicas': '1' },
      { 'autoscaling.keda.sh/paused-replicas': '2' },
      2,
    ],
    ['ends', { 'autoscaling.keda.sh/paused-replicas': '2' }, { 'autoscaling.keda.sh/paused-replicas': null }, 1],
  ] as const)(
    'misses a pause that %s while nobody was there',
    async ([, first, then, expected], { world, ns, source }) => {
      source.answer = 5;
      await ns.apply(aDeployment('web', 3));
      await ns.apply(
        aScaler(
          'web',
          [source.trigger()],
          { minReplicaCount: expected === 3 ? 3 : 1, ...noWindow },
          { annotations: first },
        ),
      );
      await ready(ns, 'web');
      await world.stopOperator();
      await ns.patch(SCALED_OBJECTS, 'web', { metadata: { annotations: then } });
      await world.startOperator();
      const paused = Object.values(then).every((value) => value !== null);
      await ns.becomes(
        SCALED_OBJECTS,
        'web',
        'Paused',
        paused ? 'True/ScaledObjectPaused' : 'False/ScaledObjectUnpaused',
        20_000,
      );
      await eventually(async () => expect((await ns.get(DEPLOYMENTS, 'web')).spec.replicas).toBe(expected), 20_000);
      await eventually(async () => expect((await ns.list(HORIZONTAL_POD_AUTOSCALERS)).length).toBe(paused ? 0 : 1));
    },
  );
});

const noWindow = {
  advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } },
};

describe('it never happens that a deleted object', () => {
  it('hangs on its finalizer: its namespace goes, with what is broken in it, also when nobody was there', async ({
    world,
    source,
  }) => {
    const ns = await world.namespace();
    const specs: object[] = [
      {},
      { triggers: [{ type: 'no-such-trigger', metadata: {} }] },
      { scaleTargetRef: { name: 'gone' }, advanced: { restoreToOriginalReplicaCount: true } },
      { scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Unknown', name: 'x' } },
    ];
    await ns.apply(aDeployment('web', 1), aDeployment('gone', 1), aJob(source.trigger()));
    for (const [i, spec] of specs.entries())
      await ns.apply(aScaler(`web-${i}`, [source.trigger()], { scaleTargetRef: { name: 'web' }, ...spec }));
    await ready(ns, 'web-2');
    await eventually(async () => {
      for (const object of await ns.list(SCALED_OBJECTS))
        expect(object.metadata.finalizers).toEqual(['finalizer.keda.sh']);
    });
    await ns.delete(DEPLOYMENTS, 'gone');
    await world.stopOperator();
    await world.client.delete(NAMESPACES, ns.name);
    await world.startOperator();
    await eventually(async () => expect(await world.client.find(NAMESPACES, ns.name)).toBeUndefined(), 30_000);
  });

  it('leaves its target at zero that was to get its replicas back', async ({ ns, source }) => {
    await ns.apply(
      aDeployment('web', 4),
      aScaler('web', [source.trigger()], { advanced: { restoreToOriginalReplicaCount: true } }),
    );
    await eventually(async () => expect((await ns.get(DEPLOYMENTS, 'web')).spec.replicas).toBe(0), 20_000);
    await ns.delete(SCALED_OBJECTS, 'web');
    await ns.gone(SCALED_OBJECTS, 'web');
    expect((await ns.get(DEPLOYMENTS, 'web')).spec.replicas).toBe(4);
  });
});
