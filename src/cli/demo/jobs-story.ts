import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SCALED_JOB_NAME } from '../../api/annotations.ts';
import { JOBS, NAMESPACES, SCALED_JOBS } from '../../api/resources.ts';
import type { KubeObject } from '../../base/object.ts';
import { formatColumns } from '../command.ts';
import { applyManifests } from '../manifests.ts';
import { bar } from './progress.ts';
import type { Stage } from './stage.ts';
import { workerFailure } from './worker-failure.ts';

const NAMESPACE = 'default';
const QUEUE = 'test-queue';

interface Job extends KubeObject {
  status?: {
    active?: number;
    succeeded?: number;
    failed?: number;
    conditions?: { type: string; status: string; message?: string }[];
  };
}

/** What is known of the story's Jobs at a moment. */
export interface JobCounts {
  all: number;
  running: number;
  complete: number;
  failed: number;
}

const hasCondition = (job: Job, type: string) =>
  job.status?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false;

/** Counts Jobs by how far they are. */
export function countJobs(jobs: Iterable<Job>): JobCounts {
  const counts: JobCounts = { all: 0, running: 0, complete: 0, failed: 0 };
  for (const job of jobs) {
    counts.all++;
    if (hasCondition(job, 'Complete')) counts.complete++;
    else if (hasCondition(job, 'Failed')) counts.failed++;
    else counts.running++;
  }
  return counts;
}

/**
 * The story "Getting started with KEDA and queues": a Secret, a TriggerAuthentication and a ScaledJob, 150 messages,
 * 150 Jobs that each take one message and delete it.
 */
export async function tellJobsStory(stage: Stage): Promise<number> {
  const { progress, client, queueServer, messages, signal, clock } = stage;
  const folder = path.join(stage.root, 'examples', 'jobs');

  const queue = await stage.openQueue(QUEUE);
  await queue.create();
  progress.say(`Applying secret.yaml, triggerauthentication.yaml and scaledjob.yaml from examples/jobs ...`);
  for (const file of ['secret.yaml', 'triggerauthentication.yaml', 'scaledjob.yaml']) {
    const text = await readFile(path.join(folder, file), 'utf8');
    await applyManifests(client, text.replace(/(connection: ).*/, `$1${queueServer.connectionString}`), NAMESPACE);
  }
  await client.get(NAMESPACES, NAMESPACE);

  progress.say(`Sending ${messages} messages to the queue "${QUEUE}" ...`);
  const started = clock.monotonic();
  await stage.flood(queue, messages);

  let peak = 0;
  for (;;) {
    const jobs = await client.listAll<Job>(JOBS, { namespace: NAMESPACE, labelSelector: SCALED_JOB_NAME });
    const counts = countJobs(jobs);
    const left = await stage.countMessages(QUEUE);
    peak = Math.max(peak, counts.running);
    progress.update(
      `${bar(counts.complete / messages)} Jobs: ${counts.complete} done, ${counts.running} running` +
        `${counts.failed > 0 ? `, ${counts.failed} failed` : ''}; messages left: ${left}`,
    );
    if (counts.failed > 0) {
      progress.done();
      const failed = jobs.filter((job) => hasCondition(job, 'Failed'));
      const name = failed[0]?.metadata.name ?? '';
      throw await workerFailure(client, {
        namespace: NAMESPACE,
        labelSelector: `job-name=${name}`,
        what: `${failed.length} of the story's Jobs failed; the worker of Job ${name} ended with an error`,
      });
    }
    if (left === 0 && counts.running === 0 && counts.all > 0) {
      const seconds = ((clock.monotonic() - started) / 1000).toFixed(1);
      progress.done();
      progress.say('');
      const row = [
        String(messages),
        String(counts.all),
        String(counts.complete),
        String(peak),
        seconds,
        'queue empty, 0 running',
      ];
      for (const line of formatColumns(
        ['MESSAGES', 'JOBS', 'COMPLETE', 'PEAK OF PARALLEL JOBS', 'SECONDS', 'END'],
        [row],
      )) {
        progress.say(line);
      }
      return counts.complete >= messages ? 0 : 1;
    }
    await stage.checkDeadline(async () => {
      const object = await client.get<KubeObject & { status?: unknown }>(SCALED_JOBS, 'queue-worker', {
        namespace: NAMESPACE,
      });
      return `${left} messages and ${counts.running} Jobs are left; the ScaledJob's status is ${JSON.stringify(object.status)}`;
    });
    await clock.sleep(400, signal);
  }
}
