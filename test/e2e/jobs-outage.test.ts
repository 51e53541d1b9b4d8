import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect } from 'vitest';
import { SCALED_JOBS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpServer } from '../support/http-server.ts';
import type { TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';
import { countJobs, createQueue, examplePrograms, queueWorker, startAzurite } from '../support/queue-jobs.ts';

const it = worldTest({ programs: await examplePrograms() });

const NAME = 'queue-worker';
const failuresTold = async (ns: TestNamespace) =>
  (await ns.events(NAME)).filter(({ reason }) => reason === 'KEDAScalerFailed');
const ready = (ns: TestNamespace, wanted: string) => ns.becomes(SCALED_JOBS, NAME, 'Ready', wanted, 30_000);
const done = (ns: TestNamespace, count: number) =>
  eventually(
    async () => expect(await countJobs(ns)).toEqual({ all: count, complete: count, failed: 0, running: 0 }),
    60_000,
  );

describe.concurrent('a queue that cannot be read', () => {
  it('because it is down makes and deletes no Job, is told once, and is used again when it is back', async ({
    world,
    ns,
  }) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-outage-'));
    let azurite = await startAzurite({ folder });
    const port = Number(new URL(azurite.queueEndpoint).port);
    try {
      const queue = await createQueue(azurite, 'outage');
      await queue.fill(3);
      await ns.apply(...(await queueWorker(queue, { spec: { successfulJobsHistoryLimit: 3 } })));
      await done(ns, 3);
      const before = await countJobs(ns);

      await azurite.stop();
      await ready(ns, 'False/TriggerError');
      expect(await countJobs(ns)).toEqual(before);
      await eventually(async () => {
        expect(await failuresTold(ns)).toEqual([
          { type: 'Warning', reason: 'KEDAScalerFailed', note: expect.stringContaining('azure-queue'), count: 1 },
        ]);
      });
      const writes = world.writes.length;

      azurite = await startAzurite({ port, folder });
      await queue.fill(2);
      await eventually(async () => expect(await queue.count()).toBe(0), 60_000);
      await ready(ns, 'True/ScaledJobReady');
      await eventually(async () => expect(await countJobs(ns)).toMatchObject({ failed: 0, running: 0 }));
      // Two Jobs and what is told of them, not a word for each poll that failed.
      expect(world.writes.slice(writes).filter((write) => write.includes(ns.name)).length).toBeLessThan(12);
    } finally {
      await azurite.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  for (const status of [500, 403]) {
    it(`because it answers ${status} makes no Job out of that, and says so`, async ({ ns }) => {
      const azurite = await startAzurite();
      let broken = false;
      // Between the trigger and the queue; workers go to the queue itself.
      const proxy = await startHttpServer(async ({ method, url, headers, body }, response) => {
        if (broken) {
          response.writeHead(status, { 'content-type': 'application/xml' });
          response.end('<?xml version="1.0"?><Error><Code>Told</Code><Message>told to fail</Message></Error>');
          return;
        }
        const { host: _, ...rest } = headers;
        const answer = await fetch(`${new URL(azurite.queueEndpoint).origin}${url}`, {
          method,
          headers: rest as Record<string, string>,
          ...(body === '' ? {} : { body }),
        });
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(await answer.text());
      });
      try {
        const queue = await createQueue(azurite, `answers-${status}`);
        const through = queue.connectionString.replace(/QueueEndpoint=http:\/\/[^/]+/, `QueueEndpoint=${proxy.url}`);
        await queue.fill(2);
        await ns.apply(...(await queueWorker(queue, { connection: { trigger: through } })));
        await done(ns, 2);
        broken = true;
        await queue.fill(2);
        await ready(ns, 'False/TriggerError');
        const asked = proxy.requests.length;
        await eventually(() => proxy.requests.length >= asked + 2, 20_000);
        expect((await countJobs(ns)).all).toBeLessThanOrEqual(4);
        const seen = (await countJobs(ns)).all;
        const [told] = await failuresTold(ns);
        expect(told).toMatchObject({ type: 'Warning', count: 1 });
        broken = false;
        await ready(ns, 'True/ScaledJobReady');
        await done(ns, 4);
        expect(seen).toBeGreaterThanOrEqual(2);
      } finally {
        await proxy.stop();
        await azurite.stop();
      }
    });
  }
});
