// The worker of the story: takes one message from the queue, prints it, deletes it and ends.
//   QUEUE_CONNECTION  a storage connection string
//   QUEUE_NAME        the queue
//   ON_EMPTY          "succeed" (default) or "fail": how to end when there is no message
//   WORK_MS           how long the work on a message takes, in milliseconds (default 0)
import { setTimeout as sleep } from 'node:timers/promises';
import { openQueue } from '../storage-queue.mjs';

const queue = openQueue(process.env.QUEUE_CONNECTION, process.env.QUEUE_NAME);
const message = await queue.receive();
if (!message) {
  console.log('the queue is empty');
  process.exit(process.env.ON_EMPTY === 'fail' ? 1 : 0);
}
await sleep(Number(process.env.WORK_MS ?? 0));
console.log(message.text);
await queue.remove(message);
process.exit(0);
