import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect } from 'vitest';
import { JOBS } from '../../src/api/resources.ts';
import { type CommandRun, startCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
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

const home = await mkdtemp(path.join(os.tmpdir(), 'windlass-restart-'));
const kubeconfig = path.join(home, 'kubeconfig');
const it = worldTest({ operator: false, kubeconfig, programs: await examplePrograms() });

const MESSAGES = 30;

const startOperator = () =>
  startCommand([
    'operator',
    ...['--kubeconfig', kubeconfig, '--metrics-api-host', '127.0.0.1', '--secure-port', '0'],
    ...['--reachable-at', 'localhost'],
  ]);

describe('an operator that is killed', () => {
  it('three times while it makes Jobs leaves every message one Job', async ({ world, ns }) => {
    const azurite = await startAzurite();
    const queue = await createQueue(azurite, 'killed');
    let operator: CommandRun | undefined;
    try {
      await ns.apply(...(await queueWorker(queue, { spec: { maxReplicaCount: 8 }, env: { WORK_MS: '200' } })));
      await queue.fill(MESSAGES);
      const jobs = async () => (await ns.list(JOBS)).length;
      // While the first Jobs are being made, somewhere in the middle, and near the end.
      for (const moment of [1, 10, 22]) {
        operator = startOperator();
        await eventually(async () => (await jobs()) >= moment, 60_000);
        operator.kill('SIGKILL');
        expect(await operator.ended).toBe('SIGKILL');
      }
      operator = startOperator();
      await eventually(async () => {
        expect(await queue.count()).toBe(0);
        expect(await countJobs(ns)).toEqual({ all: MESSAGES, complete: MESSAGES, failed: 0, running: 0 });
      }, 90_000);
      expect(await printedLines(world.client, ns)).toEqual(messages(MESSAGES));
      // While there is somebody who lets the ScaledJob go.
      await ns.end();
      operator.kill('SIGTERM');
      expect(await operator.ended).toBe(143);
    } finally {
      operator?.kill('SIGKILL');
      await azurite.stop();
      await rm(home, { recursive: true, force: true });
    }
  });
});
