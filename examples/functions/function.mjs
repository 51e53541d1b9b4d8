// The program in the container: works on messages one after the other until it is told to stop.
//   AzureWebJobsStorage  a storage connection string
//   QUEUE_NAME           the queue (default js-queue-items)
//   WORK_MS              how long the work on a message takes, in milliseconds (default 100)
import { setTimeout as sleep } from 'node:timers/promises';
import { openQueue } from '../storage-queue.mjs';

const queue = openQueue(process.env.AzureWebJobsStorage, process.env.QUEUE_NAME ?? 'js-queue-items');
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

while (!stopping) {
  const message = await queue.receive();
  if (!message) {
    await sleep(500);
    continue;
  }
  await sleep(Number(process.env.WORK_MS ?? 100));
  await queue.remove(message);
  console.log(message.text);
}
process.exit(0);
