import { afterAll, beforeAll, describe, expect } from 'vitest';
import { JOBS, PODS, SCALED_JOBS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { aDeployment, aScaler, type Loose } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';
import {
  countJobs,
  createQueue,
  examplePrograms,
  messages,
  printedLines,
  queueWorker,
  startAzurite,
} from '../support/queue-jobs.ts';

const it = worldTest({ programs: await examplePrograms() });

let azurite: Awaited<ReturnType<typeof startAzurite>>;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

describe.concurrent('a queue and a worker that takes one message', () => {
  it('is one Job for each of 40 messages, all complete, each message printed once', async ({ world, ns }) => {
    const queue = await createQueue(azurite, 'one-each');
    await ns.apply(...(await queueWorker(queue)));
    await queue.fill(40);
    await eventually(async () => {
      expect(await countJobs(ns)).toEqual({ all: 40, complete: 40, failed: 0, running: 0 });
      expect(await queue.count()).toBe(0);
    }, 90_000);
    expect(await printedLines(world.client, ns)).toEqual(messages(40));
    const { status } = await ns.get(SCALED_JOBS, 'queue-worker');
    expect(status.conditions).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True', reason: 'ScaledJobReady' })]),
    );
    await ns.becomes(SCALED_JOBS, 'queue-worker', 'Active', 'False/ScalerNotActive');
    expect(world.logs.filter((line) => /"level":"(warn|error)"/.test(line) && line.includes(ns.name))).toEqual([]);
  });

  it('with completions: 10 runs ten pods a Job, whether or not there is a message for each', async ({ world, ns }) => {
    const queue = await createQueue(azurite, 'ten-each');
    await queue.fill(10);
    await ns.apply(...(await queueWorker(queue, { spec: { maxReplicaCount: 2 }, job: { completions: 10 } })));
    await eventually(async () => {
      expect(await queue.count()).toBe(0);
      expect(await countJobs(ns)).toEqual({ all: 2, complete: 2, failed: 0, running: 0 });
    }, 90_000);
    expect(await ns.list(PODS)).toHaveLength(20);
    const printed = await printedLines(world.client, ns);
    expect(printed.filter((line) => line.startsWith('message'))).toEqual(messages(10));
    expect(printed.filter((line) => line === 'the queue is empty')).toHaveLength(10);
  });

  it('with completions: 10 and a worker that fails on an empty queue ends in failed Jobs', async ({ world, ns }) => {
    const queue = await createQueue(azurite, 'fails');
    await queue.fill(10);
    await ns.apply(
      ...(await queueWorker(queue, {
        spec: { maxReplicaCount: 2 },
        job: { completions: 10, backoffLimit: 1 },
        env: { ON_EMPTY: 'fail' },
      })),
    );
    await eventually(async () => {
      expect(await queue.count()).toBe(0);
      expect(await countJobs(ns)).toEqual({ all: 2, complete: 0, failed: 2, running: 0 });
    }, 90_000);
    for (const job of await ns.list(JOBS)) {
      expect((job as Loose).status.conditions).toEqual(
        expect.arrayContaining([expect.objectContaining({ type: 'Failed', reason: 'BackoffLimitExceeded' })]),
      );
    }
    // One for each message, and two failures a Job.
    expect(await ns.list(PODS)).toHaveLength(14);
    const printed = await printedLines(world.client, ns);
    expect(printed.filter((line) => line.startsWith('message'))).toEqual(messages(10));
  });
});

describe.concurrent('a ScaledJob', () => {
  it('makes no Jobs while paused, and catches up when it no longer is', async ({ ns }) => {
    const queue = await createQueue(azurite, 'paused');
    await ns.apply(...(await queueWorker(queue)));
    await ns.becomes(SCALED_JOBS, 'queue-worker', 'Active', 'False/ScalerNotActive');
    await ns.annotate(SCALED_JOBS, 'queue-worker', { paused: 'true' });
    await ns.becomes(SCALED_JOBS, 'queue-worker', 'Paused', 'True/ScaledJobPaused');
    await queue.fill(3);
    expect((await countJobs(ns)).all).toBe(0);
    await ns.annotate(SCALED_JOBS, 'queue-worker', { paused: null });
    await eventually(async () => expect((await countJobs(ns)).complete).toBe(3), 30_000);
  });

  it('writes nothing while its Jobs are at work', async ({ world, ns, source }) => {
    const queue = await createQueue(azurite, 'at-work');
    await queue.fill(3);
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'simulated' }] } };
    await ns.apply(...(await queueWorker(queue, { job: { template } })));
    await ns.apply(aDeployment('clock', 0), aScaler('clock', [source.trigger()]));
    await eventually(async () => expect(await countJobs(ns)).toMatchObject({ all: 3, running: 3 }), 30_000);
    await ns.becomes(SCALED_JOBS, 'queue-worker', 'Active', 'True/ScalerActive');
    // What the creation still brings (events, a condition of the HPA) comes to an end.
    await eventually(async () => {
      const before = world.writes.length;
      // As many polls of the queue.
      await source.asks(5);
      expect(world.writes.slice(before).filter((write) => write.includes(`/${ns.name}/`))).toEqual([]);
    }, 40_000);
    expect((await countJobs(ns)).all).toBe(3);
  });

  it('keeps as many Jobs as its history limits say, and takes its Jobs along when it goes', async ({ ns }) => {
    const queue = await createQueue(azurite, 'history');
    await ns.apply(...(await queueWorker(queue, { spec: { successfulJobsHistoryLimit: 2 } })));
    await queue.fill(5);
    await eventually(async () => {
      expect(await queue.count()).toBe(0);
      expect(await countJobs(ns)).toMatchObject({ all: 2, complete: 2 });
    }, 30_000);
    await ns.delete(SCALED_JOBS, 'queue-worker');
    await ns.gone(SCALED_JOBS, 'queue-worker');
    await eventually(async () => expect(await ns.list(JOBS)).toEqual([]));
  });

  it('whose template the cluster refuses says so once and asks seldom', async ({ world, ns }) => {
    const queue = await createQueue(azurite, 'refused');
    await queue.fill(2);
    const before = world.writes.length;
    await ns.apply(
      ...(await queueWorker(queue, {
        job: { template: { spec: { containers: [{ name: 'Not a name', image: 'x' }] } } },
      })),
    );
    await eventually(async () => {
      const told = (await ns.events('queue-worker')).filter(({ type }) => type === 'Warning');
      expect(told).toEqual([
        expect.objectContaining({ reason: 'KEDAJobCreateFailed', note: expect.stringContaining('Not a name') }),
      ]);
    });
    await eventually(() => world.logs.filter((l) => l.includes('could not be created')).length >= 1);
    expect(world.writes.slice(before).filter((write) => write.includes(`${ns.name}/jobs`)).length).toBeLessThan(4);
  });
});
