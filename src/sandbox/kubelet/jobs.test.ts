import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { startControllers } from '../controllers/index.ts';
import type { Job } from '../controllers/job/types.ts';
import type { Pod } from '../controllers/kinds.ts';
import { JOBS, PODS } from '../controllers/kinds.ts';
import { createClusterApi } from '../index.ts';
import type { ClusterApi, Running } from '../types.ts';
import { type Kubelet, startKubelet } from './index.ts';

let api: ClusterApi;
let dir: string;
let controllers: Running;
let kubelet: Kubelet;
beforeEach(async () => {
  api = await createClusterApi({ clock: systemClock, log: silentLogger });
  dir = await mkdtemp(path.join(os.tmpdir(), 'jobs-'));
  controllers = startControllers({ api, clock: systemClock, log: silentLogger });
  kubelet = await startKubelet({ api, clock: systemClock, log: silentLogger, stateDir: path.join(dir, 'state') });
});
afterEach(async () => {
  await kubelet.stop();
  await controllers.stop();
  await rm(dir, { recursive: true, force: true });
});

/** A worker that takes one message, a file, from the queue, a folder; with an empty queue it ends with the code. */
const worker = (queue: string, whenEmpty: number) => `
  const fs = require('fs');
  const [message] = fs.readdirSync(${JSON.stringify(queue)});
  if (message === undefined) { console.log('no data found'); process.exit(${whenEmpty}); }
  fs.unlinkSync(${JSON.stringify(queue)} + '/' + message);
  console.log('message ' + message);`;
const queueOf = async (messages: number) => {
  const queue = await mkdtemp(path.join(dir, 'queue-'));
  for (let i = 0; i < messages; i++) await writeFile(path.join(queue, String(i)), '');
  return queue;
};
const job = (script: string, spec: object) => ({
  metadata: { name: 'work' },
  spec: {
    parallelism: 1,
    completions: 10,
    backoffLimit: 1,
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'c', image: 'i', command: [process.execPath, '-e', script] }],
      },
    },
    ...spec,
  },
});
const finished = () =>
  api.get<Job>(JOBS, 'work', 'default')?.status?.conditions?.find((c) => c.type === 'Complete' || c.type === 'Failed');
const untilFinished = () => expect.poll(finished, { interval: 20, timeout: 20_000 });
const outputs = async () => {
  const lines: string[] = [];
  for (const pod of api.list<Pod>(PODS))
    for await (const chunk of kubelet.podLogs('default', pod.metadata.name)) lines.push(Buffer.from(chunk).toString());
  return lines.sort();
};

describe('a Job with completions 10 whose worker takes one message per run', () => {
  it('makes 10 pods even for 3 messages when an empty queue is a good end', async () => {
    const queue = await queueOf(3);
    await api.create(JOBS, job(worker(queue, 0), {}), 'default');
    await untilFinished().toMatchObject({ type: 'Complete' });
    expect(await readdir(queue)).toEqual([]);
    const lines = await outputs();
    expect(lines).toHaveLength(10);
    expect(lines.filter((line) => line.startsWith('no data'))).toHaveLength(7);
  });

  it('makes no pod beyond its back-off limit when an empty queue is a failure, and fails', async () => {
    const queue = await queueOf(3);
    await api.create(JOBS, job(worker(queue, 1), { backoffLimit: 0 }), 'default');
    await untilFinished().toMatchObject({ type: 'Failed', reason: 'BackoffLimitExceeded' });
    expect(await outputs()).toHaveLength(4);
    expect(api.get<Job>(JOBS, 'work', 'default')?.status).toMatchObject({ succeeded: 3, failed: 1 });
  });

  it('deleted while it runs leaves neither pods nor processes', async () => {
    const stuck = 'process.on("SIGTERM",()=>process.exit(0));setInterval(()=>{},1000)';
    await api.create(JOBS, job(stuck, { parallelism: 2 }), 'default');
    const phases = () => api.list<Pod>(PODS).map((p) => p.status?.phase);
    await expect.poll(phases, { timeout: 10_000 }).toEqual(['Running', 'Running']);
    await api.delete(JOBS, 'work', 'default', { propagationPolicy: 'Background' });
    await expect.poll(phases, { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => readdir(path.join(dir, 'state', 'processes'))).toEqual([]);
  });
});
