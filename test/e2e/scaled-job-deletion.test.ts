import { describe, expect } from 'vitest';
import { JOBS, SCALED_JOBS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

const scaledJob = (trigger: object) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledJob',
  metadata: { name: 'batch' },
  spec: {
    pollingInterval: 1,
    triggers: [trigger],
    jobTargetRef: {
      template: {
        metadata: { annotations: { 'test.windlass.dev/runs-for': '10m' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/simulated:1' }] },
      },
    },
  },
});

describe.concurrent('a deleted ScaledJob', () => {
  it('takes its Jobs along, so that nothing is left when the CRDs go next', async ({ ns, source }) => {
    source.answer = 30;
    await ns.apply(scaledJob(source.trigger()));
    await eventually(async () => expect(await ns.list(JOBS)).toHaveLength(3));
    await ns.delete(SCALED_JOBS, 'batch');
    await ns.gone(SCALED_JOBS, 'batch');
    // A Job may stay for a moment in which its pods end.
    for (const { metadata } of await ns.list(JOBS)) expect(metadata.deletionTimestamp).toBeDefined();
  });

  it('leaves them behind when that is asked for', async ({ world, ns, source }) => {
    source.answer = 20;
    await ns.apply(scaledJob(source.trigger()));
    await eventually(async () => expect(await ns.list(JOBS)).toHaveLength(2));
    await world.client.delete(SCALED_JOBS, 'batch', { namespace: ns.name, propagationPolicy: 'Orphan' });
    await ns.gone(SCALED_JOBS, 'batch', 30_000);
    expect((await ns.list(JOBS)).map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined, undefined]);
  });
});
