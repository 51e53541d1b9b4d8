import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { JOBS, PODS } from '../../src/api/resources.ts';
import { type Azurite, startAzurite } from '../../src/cli/demo/azurite.ts';
import { PROJECT, readPrograms } from '../../src/cli/local-cluster.ts';
import { parseManifests } from '../../src/cli/manifests.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Loose, TestNamespace } from './operator.ts';

/** A queue of the emulator, as the example programs use it. */
export interface TestQueue {
  connectionString: string;
  name: string;
  /** Messages in it, taken ones that are not yet deleted included. */
  count(): Promise<number>;
  /** Sends `message 1` to `message <count>`, some at a time. */
  fill(count: number): Promise<void>;
}

interface ExampleQueue {
  create(): Promise<unknown>;
  count(): Promise<number>;
  send(text: string): Promise<unknown>;
}

/** The programs that stand for the images of the examples. */
export const examplePrograms = () => readPrograms(path.join(PROJECT, 'examples/programs.yaml'));

export async function createQueue(azurite: Azurite, name: string): Promise<TestQueue> {
  const { openQueue } = (await import(pathToFileURL(path.join(PROJECT, 'examples/storage-queue.mjs')).href)) as {
    openQueue(connection: string, name: string): ExampleQueue;
  };
  const queue = openQueue(azurite.connectionString, name);
  await queue.create();
  return {
    connectionString: azurite.connectionString,
    name,
    count: () => queue.count(),
    async fill(count) {
      let next = 1;
      const sender = async () => {
        while (next <= count) await queue.send(`message ${next++}`);
      };
      await Promise.all(Array.from({ length: 8 }, sender));
    },
  };
}

export { startAzurite };

export interface WorkerOptions {
  /** Over the ScaledJob's spec. */
  spec?: Record<string, unknown>;
  /** Over the Job's spec. */
  job?: Record<string, unknown>;
  env?: Record<string, string>;
  /** Where the trigger and the workers find the queue; default the queue's own. */
  connection?: { trigger?: string };
}

/** The manifests of examples/jobs for a queue, polling every second. */
export async function queueWorker(queue: TestQueue, options: WorkerOptions = {}): Promise<object[]> {
  const manifests = [];
  for (const file of ['secret.yaml', 'triggerauthentication.yaml', 'scaledjob.yaml']) {
    manifests.push(...parseManifests(await readFile(path.join(PROJECT, 'examples/jobs', file), 'utf8')));
  }
  const [secret, , scaledJob] = manifests as Loose[];
  if (!secret || !scaledJob) throw new Error('examples/jobs has changed');
  secret.stringData = { connection: options.connection?.trigger ?? queue.connectionString };
  const { spec } = scaledJob;
  Object.assign(spec, { pollingInterval: 1 }, options.spec);
  Object.assign(spec.jobTargetRef, options.job);
  spec.triggers[0].metadata.queueName = queue.name;
  const env = { QUEUE_NAME: queue.name, QUEUE_CONNECTION: queue.connectionString, ...options.env };
  spec.jobTargetRef.template.spec.containers[0].env = Object.entries(env).map(([name, value]) => ({ name, value }));
  return manifests;
}

const is = (job: Loose, type: string) =>
  (job.status?.conditions ?? []).some((c: { type: string; status: string }) => c.type === type && c.status === 'True');

/** How far the Jobs of a namespace are. */
export async function countJobs(ns: TestNamespace) {
  const jobs = await ns.list(JOBS);
  const complete = jobs.filter((job) => is(job, 'Complete')).length;
  const failed = jobs.filter((job) => is(job, 'Failed')).length;
  return { all: jobs.length, complete, failed, running: jobs.length - complete - failed };
}

/** What all pods of a namespace have printed, line by line, sorted. */
export async function printedLines(client: KubeClient, ns: TestNamespace): Promise<string[]> {
  const pods = await ns.list(PODS);
  const texts = await Promise.all(
    pods.map(async ({ metadata }) => {
      const path = `/api/v1/namespaces/${ns.name}/pods/${metadata.name}/log`;
      return (await client.request({ method: 'GET', path })).text;
    }),
  );
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== '')).sort();
}

/** The lines that workers print for `fill(count)`, sorted. */
export const messages = (count: number) => Array.from({ length: count }, (_, i) => `message ${i + 1}`).sort();
