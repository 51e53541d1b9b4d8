import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../../../test/support/controllers-cluster.ts';
import { EVENTS, JOBS, PODS } from '../kinds.ts';
import type { Job, JobSpec } from './types.ts';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startTestCluster();
});
afterEach(() => cluster.stop());

const job = (spec: Partial<JobSpec> = {}): { metadata: { name: string }; spec: JobSpec } => ({
  metadata: { name: 'work' },
  spec: {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } },
    ...spec,
  },
});
const read = () => cluster.get<Job>(JOBS, 'work')!;
const conditions = () => read().status?.conditions?.map((c) => `${c.type}=${c.status} ${c.reason}`);
const open = () => cluster.pods().filter((p) => p.status?.phase === 'Pending' || p.status?.phase === 'Running');

describe('a Job', () => {
  it('with completions 10 and parallelism 1 makes 10 pods, one after the other, though one would have emptied the queue', async () => {
    await cluster.create(JOBS, job({ completions: 10 }));
    for (let i = 0; i < 10; i++) {
      expect(open()).toHaveLength(1);
      await cluster.run(open()[0]!);
      await cluster.clock.advance(1000);
      expect(read().status).toMatchObject({ active: 1, ready: 1 });
      await cluster.end(open()[0]!, 0);
    }
    expect(cluster.pods()).toHaveLength(10);
    expect(read().status).toMatchObject({ succeeded: 10, active: 0, ready: 0, terminating: 0 });
    expect(read().status?.failed).toBeUndefined();
    expect(conditions()).toEqual(['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached']);
    expect(read().status?.completionTime).toBe('2026-01-01T00:00:10Z');
    expect(cluster.pods().some((p) => p.metadata.finalizers)).toBe(false);
  });

  it('with backoffLimit 1 tries once more, 10 seconds after the failure, and then fails', async () => {
    await cluster.create(JOBS, job({ completions: 10, backoffLimit: 1 }));
    await cluster.end(open()[0]!, 1);
    expect(open()).toHaveLength(0);
    await cluster.clock.advance(9_999);
    expect(open()).toHaveLength(0);
    await cluster.clock.advance(1);
    expect(open()).toHaveLength(1);
    await cluster.end(open()[0]!, 1);
    expect(cluster.pods()).toHaveLength(2);
    expect(read().status).toMatchObject({ failed: 2, active: 0 });
    expect(conditions()).toEqual(['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded']);
    await cluster.clock.advance(3_600_000);
    expect(cluster.pods()).toHaveLength(2);
  });

  it('with backoffLimit 0 fails with its first pod and stops the others', async () => {
    await cluster.create(JOBS, job({ completions: 3, parallelism: 3, backoffLimit: 0 }));
    const [first, second, third] = open();
    for (const pod of [first!, second!, third!]) await cluster.run(pod);
    await cluster.end(first!, 1);
    expect(conditions()).toEqual(['FailureTarget=True BackoffLimitExceeded']);
    expect(read().status).toMatchObject({ failed: 3, terminating: 2 });
    await cluster.gone(second!);
    await cluster.gone(third!);
    expect(conditions()).toEqual(['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded']);
    expect(read().status).toMatchObject({ failed: 3, terminating: 0, active: 0 });
  });

  it('waits 10, 20, 40 seconds between failures in a row, and a success starts that anew', async () => {
    await cluster.create(JOBS, job({ completions: 3 }));
    for (const wait of [10_000, 20_000, 40_000]) {
      await cluster.end(open()[0]!, 1);
      await cluster.clock.advance(wait - 1000);
      expect(open()).toHaveLength(0);
      await cluster.clock.advance(1000);
      expect(open()).toHaveLength(1);
    }
    await cluster.end(open()[0]!, 0);
    expect(open()).toHaveLength(1);
    await cluster.end(open()[0]!, 1);
    await cluster.clock.advance(10_000);
    expect(open()).toHaveLength(1);
  });

  it('with restartPolicy OnFailure counts the restarts of its containers', async () => {
    const template = { spec: { restartPolicy: 'OnFailure' as const, containers: [{ name: 'c', image: 'i' }] } };
    await cluster.create(JOBS, job({ backoffLimit: 2, template }));
    const pod = open()[0]!;
    await cluster.run(pod);
    const restarted = async (restartCount: number) => {
      const current = cluster.pods()[0]!;
      const containerStatuses = [{ ...current.status?.containerStatuses?.[0], restartCount }];
      await cluster.api.update(
        PODS,
        { ...current, status: { ...current.status, containerStatuses } } as never,
        'status',
      );
      await cluster.settle(1000);
    };
    await restarted(1);
    expect(conditions()).toBeUndefined();
    await restarted(2);
    expect(conditions()).toEqual(['FailureTarget=True BackoffLimitExceeded']);
  });

  it('without completions is a work queue: after the first success no pod is added and the rest may finish', async () => {
    const queue = job({ parallelism: 3 });
    delete queue.spec.completions;
    await cluster.create(JOBS, queue);
    const [first, second, third] = open();
    await cluster.end(first!, 0);
    expect(cluster.pods()).toHaveLength(3);
    await cluster.end(second!, 1);
    expect(cluster.pods()).toHaveLength(3);
    expect(conditions()).toBeUndefined();
    await cluster.end(third!, 0);
    expect(conditions()?.at(-1)).toBe('Complete=True CompletionsReached');
  });

  it('past activeDeadlineSeconds is stopped and failed', async () => {
    await cluster.create(JOBS, job({ activeDeadlineSeconds: 60 }));
    await cluster.run(open()[0]!);
    await cluster.clock.advance(59_000);
    expect(conditions()).toBeUndefined();
    await cluster.clock.advance(1000);
    expect(conditions()).toEqual(['FailureTarget=True DeadlineExceeded']);
    await cluster.gone(cluster.pods()[0]!);
    expect(conditions()?.at(-1)).toBe('Failed=True DeadlineExceeded');
  });

  it('finished is deleted with its pods ttlSecondsAfterFinished later', async () => {
    await cluster.create(JOBS, job({ ttlSecondsAfterFinished: 30 }));
    await cluster.end(open()[0]!, 0);
    await cluster.clock.advance(29_000);
    expect(read()).toBeDefined();
    await cluster.clock.advance(1000);
    expect(read()).toBeUndefined();
    expect(cluster.pods()).toHaveLength(0);
  });

  it('suspended has no pods, says so, and starts its deadline anew when resumed', async () => {
    await cluster.create(JOBS, job({ suspend: true, activeDeadlineSeconds: 60 }));
    expect(cluster.pods()).toHaveLength(0);
    expect(read().status?.startTime).toBeUndefined();
    expect(conditions()).toEqual(['Suspended=True JobSuspended']);
    await cluster.clock.advance(100_000);
    await cluster.api.patch(JOBS, 'work', 'default', { type: 'merge', patch: { spec: { suspend: false } } });
    await cluster.settle();
    expect(conditions()).toEqual(['Suspended=False JobResumed']);
    expect(open()).toHaveLength(1);
    expect(read().status?.startTime).toBe('2026-01-01T00:01:40Z');
  });

  it('counts a pod that was deleted while it ran as failed, and makes another', async () => {
    await cluster.create(JOBS, job());
    const pod = open()[0]!;
    await cluster.run(pod);
    await cluster.api.delete(PODS, pod.metadata.name, 'default');
    await cluster.gone(pod);
    expect(read().status).toMatchObject({ failed: 1 });
    await cluster.clock.advance(40_000);
    expect(open()).toHaveLength(1);
  });

  it('never has more pods than parallelism, however its pods end', async () => {
    await cluster.create(JOBS, job({ completions: 40, parallelism: 5, backoffLimit: 100 }));
    let ended = 0;
    let most = 0;
    for (let turn = 0; turn < 200 && read().status?.completionTime === undefined; turn++) {
      const active = open();
      most = Math.max(most, active.length);
      // Every seventh fails; two end in the same moment.
      for (const pod of active.slice(0, 2)) await cluster.end(pod, ++ended % 7 === 0 ? 1 : 0);
      await cluster.clock.advance(1000);
    }
    expect(most).toBe(5);
    expect(read().status).toMatchObject({ succeeded: 40, failed: Math.floor(ended / 7), active: 0 });
    expect(cluster.pods()).toHaveLength(ended);
  });

  it('by its podFailurePolicy fails at once, or does not count the failure', async () => {
    const rules = [
      { action: 'FailJob' as const, onExitCodes: { operator: 'In' as const, values: [42] } },
      { action: 'Ignore' as const, onExitCodes: { operator: 'In' as const, values: [7] } },
    ];
    await cluster.create(JOBS, job({ backoffLimit: 0, podFailurePolicy: { rules } }));
    await cluster.end(open()[0]!, 7);
    await cluster.clock.advance(10_000);
    expect(read().status?.failed).toBeUndefined();
    await cluster.end(open()[0]!, 42);
    expect(conditions()?.at(-1)).toBe('Failed=True PodFailurePolicy');
  });

  it('Indexed gives every pod its index and completes when each has succeeded', async () => {
    await cluster.create(JOBS, job({ completionMode: 'Indexed', completions: 4, parallelism: 2 }));
    const indexes = () => open().map((p) => p.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);
    expect(indexes()).toEqual(['0', '1']);
    await cluster.end(open()[1]!, 0);
    expect(indexes()).toEqual(['0', '2']);
    expect(read().status?.completedIndexes).toBe('1');
    await cluster.end(open()[1]!, 0);
    await cluster.end(open()[1]!, 0);
    expect(read().status?.completedIndexes).toBe('1-3');
    await cluster.end(open()[0]!, 0);
    expect(read().status).toMatchObject({ succeeded: 4, completedIndexes: '0-3' });
    expect(conditions()?.at(-1)).toBe('Complete=True CompletionsReached');
  });

  it('deleted in the background takes its pods with it, counted or not', async () => {
    await cluster.create(JOBS, job({ completions: 3, parallelism: 2 }));
    await cluster.end(open()[0]!, 0);
    await cluster.api.delete(JOBS, 'work', 'default', { propagationPolicy: 'Background' });
    await cluster.settle();
    expect(cluster.pods()).toHaveLength(0);
  });

  it('writes nothing more once it is finished', async () => {
    await cluster.create(JOBS, job());
    await cluster.end(open()[0]!, 0);
    const version = read().metadata.resourceVersion;
    await cluster.clock.advance(600_000);
    expect(read().metadata.resourceVersion).toBe(version);
    const reasons = cluster.api.list<never>(EVENTS).map((e) => (e as { reason: string }).reason);
    expect(reasons.sort()).toEqual(['Completed', 'SuccessfulCreate']);
  });
});
