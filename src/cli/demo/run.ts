import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../base/clock.ts';
import { describeError, WindlassError } from '../../base/errors.ts';
import { createLogger } from '../../base/log.ts';
import { PROJECT, readPrograms, startLocalCluster } from '../local-cluster.ts';
import { startOperator } from '../operator/operator.ts';
import { readSettings } from '../operator/settings.ts';
import { parsePort } from '../port.ts';
import { METRICS_SERVICE } from '../sandbox.ts';
import { tellFunctionsStory } from './functions-story.ts';
import { tellJobsStory } from './jobs-story.ts';
import { createProgress } from './progress.ts';
import type { Stage, StoryQueue } from './stage.ts';

export interface DemoRun {
  story: string;
  messages: string | undefined;
  port: string;
  /** File of programs that stand for images in place of the examples'. */
  programs: string | undefined;
  verbose: boolean;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

const STORIES = {
  jobs: { tell: tellJobsStory, messages: 150, title: 'Getting started with queues: one Job for every message' },
  functions: {
    tell: tellFunctionsStory,
    messages: 1_000,
    title: 'A function flooded with messages: from zero to many and back',
  },
} as const;

/** Far longer than either story takes on a slow machine. */
const DEADLINE_MS = 300_000;
/** Messages that are sent at the same time. */
const SENDERS = 8;

/** Tells a story from nothing to the end, and stops everything that it started. The exit code is 0 when it went well. */
export async function runDemo(run: DemoRun): Promise<number> {
  const story = STORIES[run.story as keyof typeof STORIES];
  if (!story) {
    throw new WindlassError('InvalidArgument', `there is no story "${run.story}"`, {
      hint: `stories: ${Object.keys(STORIES).join(', ')}`,
    });
  }
  const messages = countOf(run.messages) ?? story.messages;
  const { signal } = run;
  const clock = systemClock;
  const log = createLogger({ encoder: 'console', level: run.verbose ? 'info' : 'error' });
  const progress = createProgress(process.stdout);
  const stops: (() => Promise<unknown>)[] = [];
  if (!existsSync(path.join(PROJECT, 'examples'))) {
    throw new WindlassError(
      'InvalidArgument',
      'the stories are told from a checkout of the project, not from its image',
      {
        hint: 'see README.md for how to get one; `windlass sandbox` starts a cluster from here',
      },
    );
  }
  const { startAzurite } = await import('./azurite.ts');
  const { openQueue } = (await import(pathToFileURL(path.join(PROJECT, 'examples/storage-queue.mjs')).href)) as {
    openQueue(connection: string, name: string): StoryQueue & { count(): Promise<number> };
  };
  try {
    progress.say(story.title);
    progress.say('Starting the queue service (Azurite), a cluster and the operator ...');
    const port = parsePort(run.port);
    if (port !== 0) await requireFree(port);
    const programs = {
      ...(await readPrograms(path.join(PROJECT, 'examples/programs.yaml'))),
      ...(run.programs === undefined ? {} : await readPrograms(run.programs)),
    };
    const queueServer = await startAzurite();
    stops.push(() => queueServer.stop());
    signal.throwIfAborted();
    const cluster = await startLocalCluster({ clock, log, port, programs });
    stops.push(() => cluster.stop());
    const operator = await startOperator({
      client: cluster.client,
      settings: readSettings({ ...run.env, POD_NAMESPACE: 'kube-system', WATCH_NAMESPACE: '' }),
      clock,
      log,
      env: run.env,
      metricsApi: { host: '127.0.0.1', port: 0, service: METRICS_SERVICE, reachableAt: 'localhost' },
    });
    stops.push(() => operator.stop());
    await operator.ready;
    const deadline = clock.monotonic() + DEADLINE_MS;
    const stage: Stage = {
      root: PROJECT,
      client: cluster.client,
      queueServer,
      progress,
      clock,
      signal,
      messages,
      openQueue: async (name) => openQueue(queueServer.connectionString, name),
      async flood(queue, count) {
        let next = 1;
        const sender = async () => {
          while (next <= count && !signal.aborted) await queue.send(`message ${next++}`);
        };
        await Promise.all(Array.from({ length: SENDERS }, sender));
      },
      countMessages: (name) => openQueue(queueServer.connectionString, name).count(),
      async checkDeadline(describe) {
        signal.throwIfAborted();
        if (clock.monotonic() < deadline) return;
        throw new WindlassError(
          'Internal',
          `the story takes longer than ${DEADLINE_MS / 1000} s: ${await describe()}`,
          {
            hint: 'run it with --verbose to see what the operator does',
          },
        );
      },
    };
    return await story.tell(stage);
  } finally {
    progress.done();
    if (signal.aborted) progress.say('Interrupted: stopping everything ...');
    for (const stop of stops.reverse()) {
      await stop().catch((error: unknown) => progress.say(`could not stop cleanly: ${describeError(error)}`));
    }
  }
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new WindlassError('InvalidArgument', `"${text}" is not a number of messages`, {
    hint: 'give a number from 1 to 999999',
  });
}

/** Tells of a taken port before anything else is started. */
function requireFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () =>
      reject(
        new WindlassError('PortInUse', `port ${port} is taken`, {
          hint: 'choose another one with --port, or leave it out for a free one',
        }),
      ),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}
