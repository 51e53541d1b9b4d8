import type { Clock } from '../../base/clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Progress } from './progress.ts';

/** The three calls of examples/storage-queue.mjs that stories make. */
export interface StoryQueue {
  create(): Promise<unknown>;
  send(text: string): Promise<unknown>;
}

/** What a story is told with. */
export interface Stage {
  /** Folder of the project. */
  root: string;
  client: KubeClient;
  queueServer: { connectionString: string };
  progress: Progress;
  clock: Clock;
  signal: AbortSignal;
  /** How many messages are sent. */
  messages: number;
  openQueue(name: string): Promise<StoryQueue>;
  /** Sends numbered messages, some at a time. */
  flood(queue: StoryQueue, count: number): Promise<void>;
  /** Messages in the queue, those that a worker has taken and not yet deleted included. */
  countMessages(queue: string): Promise<number>;
  /** Throws with what is going on when the story takes far too long. */
  checkDeadline(describe: () => Promise<string>): Promise<void>;
}
