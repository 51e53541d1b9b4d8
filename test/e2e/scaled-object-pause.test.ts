import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

const paused = (ns: TestNamespace, is: boolean) =>
  ns.becomes(SCALED_OBJECTS, 'web', 'Paused', is ? 'True/ScaledObjectPaused' : 'False/ScaledObjectUnpaused');
/** Long enough for several polls, told by another object's polls: this one's may have stopped. */
const pollsElsewhere = async (ns: TestNamespace) => {
  const other = await startMetricSource();
  await ns.apply(aDeployment('other', 0), aScaler('other', [other.trigger()]));
  await other.asks(3);
  await ns.delete(SCALED_OBJECTS, 'other');
  await other.stop();
};

describe.concurrent('a pause until a time', () => {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

  it('freezes until then and ends by itself, while the annotations stay', async ({ ns, source }) => {
    source.answer = 5;
    const annotations = { 'windlass.dev/paused-until': inSeconds(6), 'autoscaling.keda.sh/paused-replicas': '2' };
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], {}, { annotations }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await paused(ns, true);
    await eventually(() => replicas.at(-1) === 2);
    const { conditions } = (await ns.get(SCALED_OBJECTS, 'web')).status;
    const { message } = conditions.find(({ type }: { type: string }) => type === 'Paused');
    expect(message).toMatch(/until 20\d\d-/);
    expect(await ns.find(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web')).toBeUndefined();
    source.answer = 0;
    await paused(ns, false);
    await eventually(() => replicas.at(-1) === 0, 20_000);
    expect(replicas).toEqual([0, 2, 0]);
    expect((await ns.get(SCALED_OBJECTS, 'web')).metadata.annotations).toMatchObject(annotations);
    await eventually(async () => {
      const reasons = (await ns.events('web')).map(({ reason }) => reason);
      expect(reasons.filter((reason) => reason === 'ScaledObjectPaused')).toHaveLength(1);
      expect(reasons.filter((reason) => reason === 'ScaledObjectUnpaused')).toHaveLength(1);
    });
  });

  it('that cannot be read pauses, and says what is wrong', async ({ ns, source }) => {
    source.answer = 5;
    const annotations = { 'windlass.dev/paused-until': 'tomorrow' };
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], {}, { annotations }));
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/ScaledObjectCheckFailed');
    expect((await ns.get(DEPLOYMENTS, 'web')).spec.replicas).toBe(0);
    expect(source.asked).toBe(0);
  });
});

describe.concurrent('a pause', () => {
  it('freezes the replicas, removes the HPA and asks nobody; its end brings all of it back', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);

    await ns.annotate(SCALED_OBJECTS, 'web', { paused: 'true' });
    await paused(ns, true);
    await ns.gone(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
    const before = source.asked;
    source.answer = 0;
    await pollsElsewhere(ns);
    expect(source.asked).toBe(before);
    expect(replicas).toEqual([0, 1]);
    expect(await ns.condition(SCALED_OBJECTS, 'web', 'Ready')).toBe('True/ScaledObjectReady');
    expect(await ns.externalMetric('web', METRIC)).toContain('not running');

    await ns.annotate(SCALED_OBJECTS, 'web', { paused: null });
    await paused(ns, false);
    await eventually(() => ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web'));
    await eventually(() => replicas.at(-1) === 0, 10_000);
    await eventually(async () => {
      const reasons = (await ns.events('web')).map(({ reason }) => reason);
      expect(reasons.filter((reason) => reason === 'ScaledObjectPaused')).toHaveLength(1);
      expect(reasons.filter((reason) => reason === 'ScaledObjectUnpaused')).toHaveLength(1);
    });
  });

  it('at a number of replicas sets it once, and leaves what people set by hand after that', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web'));
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-replicas': '3' });
    await eventually(() => replicas.at(-1) === 3);
    await paused(ns, true);
    await ns.gone(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
    expect((await ns.get(SCALED_OBJECTS, 'web')).status.pausedReplicaCount).toBe(3);
    await ns.patch(DEPLOYMENTS, 'web', { spec: { replicas: 2 } });
    await pollsElsewhere(ns);
    expect(replicas).toEqual([0, 3, 2]);

    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-replicas': '4' });
    await eventually(() => replicas.at(-1) === 4);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-replicas': null });
    await paused(ns, false);
    await eventually(() => replicas.at(-1) === 0, 10_000);
    expect((await ns.get(SCALED_OBJECTS, 'web')).status).not.toHaveProperty('pausedReplicaCount');
  });

  it('at something that is no number stays a pause and says what is wrong', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-replicas': 'none' });
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/ScaledObjectCheckFailed');
    await paused(ns, true);
    await ns.gone(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
    expect(replicas).toEqual([0, 1]);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-replicas': null });
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
  });

  it('is Ready also when its source was broken before', async ({ ns, source }) => {
    source.answer = { status: 500 };
    await ns.apply(aDeployment('web', 1), aScaler('web', [source.trigger()]));
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/TriggerError');
    await ns.annotate(SCALED_OBJECTS, 'web', { paused: 'true' });
    await paused(ns, true);
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
    await ns.annotate(SCALED_OBJECTS, 'web', { paused: null });
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/TriggerError');
  });

  it('of scaling in keeps the replicas, and no longer does when it ends', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger()], {}, { annotations: { 'autoscaling.keda.sh/paused-scale-in': 'true' } }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await paused(ns, true);
    expect((await ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web')).spec.behavior.scaleDown.selectPolicy).toBe(
      'Disabled',
    );
    source.answer = 0;
    await source.asks(4);
    expect(replicas).toEqual([0, 1]);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-scale-in': null });
    await eventually(() => replicas.at(-1) === 0, 10_000);
  });

  it('of scaling out keeps a target at zero, and no longer does when it ends', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger()], {}, { annotations: { 'autoscaling.keda.sh/paused-scale-out': '' } }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await paused(ns, true);
    expect((await ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web')).spec.behavior.scaleUp.selectPolicy).toBe(
      'Disabled',
    );
    await source.asks(3);
    expect(replicas).toEqual([0]);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'paused-scale-out': 'false' });
    await eventually(() => replicas.at(-1) === 1);
  });
});

describe.concurrent('force-activation', () => {
  it('starts a target without work, keeps it, and lets it go after the cooldown', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await source.asks(2);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'force-activation': 'true' });
    await eventually(() => replicas.at(-1) === 1);
    await source.asks(4);
    expect(replicas).toEqual([0, 1]);
    await ns.annotate(SCALED_OBJECTS, 'web', { 'force-activation': null });
    await eventually(() => replicas.at(-1) === 0, 10_000);
  });
});
