import { describe, expect } from 'vitest';
import { JOBS, SCALED_JOBS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import type { MetricSource } from '../support/metric-source.ts';
import type { Loose, TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

/** An image whose pods end at once; on nodes that only pretend, an annotation says for how long pods of Jobs run. */
const DONE = 'example.com/done:1';
const it = worldTest({ programs: { [DONE]: { command: ['true'] } } });

interface Shape {
  image?: string;
  runsFor?: string;
  pod?: object;
}

/** One Job for each 10. */
function scaledJob(
  source: MetricSource,
  spec: object,
  { image = 'example.com/simulated:1', runsFor = '10m', pod }: Shape = {},
) {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name: 'batch' },
    spec: {
      pollingInterval: 1,
      maxReplicaCount: 20,
      triggers: [source.trigger()],
      jobTargetRef: {
        template: {
          metadata: { annotations: { 'test.windlass.dev/runs-for': runsFor } },
          spec: { restartPolicy: 'Never', ...pod, containers: [{ name: 'main', image }] },
        },
      },
      ...spec,
    },
  };
}

const ended = ({ status }: Loose): boolean =>
  status?.conditions?.some(
    ({ type, status: is }: { type: string; status: string }) => type === 'Complete' && is === 'True',
  ) ?? false;
const uids = async (ns: TestNamespace) =>
  (await ns.list(JOBS))
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.uid)
    .sort();
const becomes = (ns: TestNamespace, count: number) =>
  eventually(async () => expect(await uids(ns)).toHaveLength(count), 30_000);

describe.concurrent('a ScaledJob', () => {
  it('with strategy default makes a Job for each piece of work that has none, up to the maximum', async ({
    ns,
    source,
  }) => {
    source.answer = 35;
    await ns.apply(scaledJob(source, { maxReplicaCount: 6 }));
    await becomes(ns, 4);
    await source.asks(3);
    expect(await uids(ns)).toHaveLength(4);
    source.answer = 55;
    await becomes(ns, 6);
    source.answer = 500;
    await source.asks(3);
    expect(await uids(ns)).toHaveLength(6);
  });

  it('with strategy accurate takes running Jobs for work that the queue counts no longer', async ({ ns, source }) => {
    source.answer = 20;
    await ns.apply(scaledJob(source, { maxReplicaCount: 5, scalingStrategy: { strategy: 'accurate' } }));
    await becomes(ns, 5);
    await source.asks(3);
    expect(await uids(ns)).toHaveLength(5);
  });

  it('with strategy accurate makes none for work whose Jobs still wait for a node', async ({ ns, source }) => {
    source.answer = 20;
    const nowhere = { pod: { nodeSelector: { 'example.com/there-is': 'none' } } };
    await ns.apply(scaledJob(source, { maxReplicaCount: 5, scalingStrategy: { strategy: 'accurate' } }, nowhere));
    await becomes(ns, 2);
    await source.asks(4);
    expect(await uids(ns)).toHaveLength(2);
  });

  it('with strategy eager fills its room while there is work', async ({ ns, source }) => {
    source.answer = 20;
    await ns.apply(scaledJob(source, { maxReplicaCount: 6, scalingStrategy: { strategy: 'eager' } }));
    await becomes(ns, 6);
    await source.asks(3);
    expect(await uids(ns)).toHaveLength(6);
  });

  it('with strategy custom makes as many fewer as it says', async ({ ns, source }) => {
    source.answer = 40;
    const scalingStrategy = {
      strategy: 'custom',
      customScalingQueueLengthDeduction: 1,
      customScalingRunningJobPercentage: '0.5',
    };
    await ns.apply(scaledJob(source, { scalingStrategy }));
    await becomes(ns, 3);
  });

  it('keeps as many Jobs that succeeded as its history limit says', async ({ ns, source }) => {
    source.answer = 30;
    await ns.apply(
      scaledJob(source, { maxReplicaCount: 3, successfulJobsHistoryLimit: 2 }, { image: DONE, runsFor: '1s' }),
    );
    await eventually(async () => expect((await ns.list(JOBS)).filter(ended).length).toBeGreaterThan(0), 30_000);
    source.answer = 0;
    await eventually(async () => {
      const left = await ns.list(JOBS);
      expect(left).toHaveLength(2);
      expect(left.every(ended)).toBe(true);
    }, 40_000);
  });

  it('replaces its Jobs when its spec changes, unless its rollout is gradual', async ({ ns, source }) => {
    source.answer = 20;
    await ns.apply(scaledJob(source, {}));
    await becomes(ns, 2);
    const first = await uids(ns);
    await ns.patch(SCALED_JOBS, 'batch', { spec: { jobTargetRef: { backoffLimit: 1 } } });
    await eventually(async () => {
      const now = await uids(ns);
      expect(now).toHaveLength(2);
      expect(now.filter((uid) => first.includes(uid))).toEqual([]);
    }, 40_000);
    await ns.patch(SCALED_JOBS, 'batch', { spec: { rollout: { strategy: 'gradual' } } });
    await eventually(async () => {
      const { generation } = (await ns.get(SCALED_JOBS, 'batch')).metadata;
      expect(generation).toBe(3);
    });
    await source.asks(3);
    const second = await uids(ns);
    await ns.patch(SCALED_JOBS, 'batch', { spec: { jobTargetRef: { backoffLimit: 2 } } });
    await source.asks(3);
    expect(await uids(ns)).toEqual(second);
  });
});

// Not beside the others: the operator is theirs, too.
describe('an operator that starts anew', () => {
  it('goes on with the Jobs that are there', async ({ ns, source, world }) => {
    source.answer = 30;
    await ns.apply(scaledJob(source, {}));
    await becomes(ns, 3);
    const before = await uids(ns);
    await world.startOperator();
    await source.asks(4);
    expect(await uids(ns)).toEqual(before);
    source.answer = 40;
    await becomes(ns, 4);
    expect(await uids(ns)).toEqual(expect.arrayContaining(before));
  });
});
