import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, JOBS, SCALED_JOBS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

const dryRun = (value: string | null) => ({ 'windlass.dev/dry-run': value });
const told = async (ns: TestNamespace, name: string) =>
  (await ns.events(name)).filter(({ reason }) => reason === 'WindlassDryRun').map(({ note, count }) => [note, count]);

describe.concurrent('a ScaledObject in dry run', () => {
  it('is measured and decided about, and nothing is scaled', async ({ ns, source }) => {
    source.answer = 35;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], {}, { annotations: dryRun('true') }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ns.becomes(SCALED_OBJECTS, 'web', 'Active', 'True/ScalerActive');
    await source.asks(3);
    expect(replicas).toEqual([0]);
    expect(await ns.find(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web')).toBeUndefined();
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=35`);
    const scaled = 'Dry run: the target would be scaled from 0 to 1 replicas';
    await eventually(async () => expect(await told(ns, 'web')).toEqual([[scaled, 1]]));

    await ns.patch(DEPLOYMENTS, 'web', { spec: { replicas: 2 } });
    const towards = 'Dry run: the HPA would scale the target from 2 towards 4 replicas';
    await eventually(async () =>
      expect(await told(ns, 'web')).toEqual([
        [scaled, 1],
        [towards, 1],
      ]),
    );
    expect(replicas).toEqual([0, 2]);
  });

  it('keeps its replicas when it begins, and goes on from there when it ends', async ({ ns, source }) => {
    source.answer = 25;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 3, 30_000);
    await ns.patch(SCALED_OBJECTS, 'web', { metadata: { annotations: dryRun('true') } });
    await ns.gone(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
    source.answer = 0;
    await ns.becomes(SCALED_OBJECTS, 'web', 'Active', 'False/ScalerNotActive', 20_000);
    await source.asks(3);
    expect(replicas.at(-1)).toBe(3);
    await ns.patch(SCALED_OBJECTS, 'web', { metadata: { annotations: dryRun(null) } });
    await eventually(() => replicas.at(-1) === 0, 30_000);
  });

  it('leaves the replicas as they are also when it is deleted', async ({ ns, source }) => {
    const restore = { advanced: { restoreToOriginalReplicaCount: true } };
    await ns.apply(aDeployment('web', 3), aScaler('web', [source.trigger()], restore, { annotations: dryRun('') }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
    await ns.patch(DEPLOYMENTS, 'web', { spec: { replicas: 1 } });
    await ns.delete(SCALED_OBJECTS, 'web');
    await ns.gone(SCALED_OBJECTS, 'web');
    expect(replicas).toEqual([3, 1]);
  });
});

describe.concurrent('a ScaledJob in dry run', () => {
  it('creates no Job and deletes none, and tells how many there would be', async ({ ns, source }) => {
    source.answer = 30;
    const job = (spec: object) => ({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledJob',
      metadata: { name: 'batch', annotations: dryRun('true') },
      spec: {
        pollingInterval: 1,
        triggers: [source.trigger()],
        jobTargetRef: {
          template: {
            spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/simulated:1' }] },
          },
        },
        ...spec,
      },
    });
    await ns.apply(job({}));
    await ns.becomes(SCALED_JOBS, 'batch', 'Active', 'True/ScalerActive');
    await source.asks(3);
    expect(await ns.list(JOBS)).toEqual([]);
    const note = 'Dry run: 3 Jobs would be created';
    await eventually(async () => expect(await told(ns, 'batch')).toEqual([[note, 1]]));
    await ns.patch(SCALED_JOBS, 'batch', { metadata: { annotations: dryRun(null) } });
    await eventually(async () => expect(await ns.list(JOBS)).toHaveLength(3));
    const made = (await ns.list(JOBS)).map(({ metadata }) => metadata.uid).sort();
    // A changed spec would clean up the Jobs of the former one.
    await ns.apply(job({ maxReplicaCount: 7 }));
    await source.asks(3);
    expect((await ns.list(JOBS)).map(({ metadata }) => metadata.uid).sort()).toEqual(made);
  });

  it('may be paused until a time, and goes on by itself', async ({ ns, source }) => {
    source.answer = 10;
    const annotations = { 'windlass.dev/paused-until': new Date(Date.now() + 5_000).toISOString() };
    await ns.apply({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledJob',
      metadata: { name: 'batch', annotations },
      spec: {
        pollingInterval: 1,
        maxReplicaCount: 1,
        triggers: [source.trigger()],
        jobTargetRef: {
          template: {
            spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/simulated:1' }] },
          },
        },
      },
    });
    await ns.becomes(SCALED_JOBS, 'batch', 'Paused', 'True/ScaledJobPaused');
    expect(await ns.list(JOBS)).toEqual([]);
    expect(source.asked).toBe(0);
    await ns.becomes(SCALED_JOBS, 'batch', 'Paused', 'False/ScaledJobUnpaused', 20_000);
    await eventually(async () => expect((await ns.list(JOBS)).length).toBeGreaterThan(0), 20_000);
  });
});
