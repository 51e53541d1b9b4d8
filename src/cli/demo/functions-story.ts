import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DEPLOYMENTS, SCALED_OBJECTS } from '../../api/resources.ts';
import type { KubeObject } from '../../base/object.ts';
import { formatColumns } from '../command.ts';
import { applyManifests } from '../manifests.ts';
import { chart, type Point } from './chart.ts';
import type { Stage } from './stage.ts';
import { stuckPods, workerFailure } from './worker-failure.ts';

const NAMESPACE = 'default';
const QUEUE = 'js-queue-items';
const NAME = 'hello-keda';

interface Deployment extends KubeObject {
  spec: { replicas?: number };
  status?: { readyReplicas?: number };
}

/**
 * An Azure Function's Deployment behind a ScaledObject whose connection comes from the container's own environment,
 * flooded with messages: 0 → N through the HPA → 0.
 */
export async function tellFunctionsStory(stage: Stage): Promise<number> {
  const { progress, client, queueServer, messages, signal, clock } = stage;
  const folder = path.join(stage.root, 'examples', 'functions');

  const queue = await stage.openQueue(QUEUE);
  await queue.create();
  progress.say('Applying deployment.yaml and scaledobject.yaml from examples/functions ...');
  for (const file of ['deployment.yaml', 'scaledobject.yaml']) {
    const text = await readFile(path.join(folder, file), 'utf8');
    await applyManifests(
      client,
      text.replace(/(AzureWebJobsStorage: ).*/, `$1${queueServer.connectionString}`),
      NAMESPACE,
    );
  }

  progress.say(`Flooding the queue "${QUEUE}" with ${messages} messages ...`);
  const started = clock.monotonic();
  const since = () => (clock.monotonic() - started) / 1000;
  const flood = stage.flood(queue, messages);
  // Awaited at the end; a failure on the way must not be an unhandled one.
  flood.catch(() => {});

  const replicas: Point[] = [{ at: 0, value: 0 }];
  const depth: Point[] = [{ at: 0, value: 0 }];
  const first: { active?: number; empty?: number } = {};
  let peak = 0;
  for (;;) {
    const { spec, status } = await client.get<Deployment>(DEPLOYMENTS, NAME, { namespace: NAMESPACE });
    const wanted = spec.replicas ?? 1;
    const left = await stage.countMessages(QUEUE);
    const at = since();
    replicas.push({ at, value: wanted });
    depth.push({ at, value: left });
    peak = Math.max(peak, wanted);
    if (wanted > 0) first.active ??= at;
    if (left === 0 && first.active !== undefined) first.empty ??= at;
    progress.update(
      `${at.toFixed(0).padStart(4)} s  replicas ${wanted} (${status?.readyReplicas ?? 0} ready)  messages ${left}`,
    );
    if (first.empty !== undefined && left === 0 && wanted === 0) break;
    const labelSelector = `app=${NAME}`;
    const stuck = await stuckPods(client, NAMESPACE, labelSelector);
    if (stuck.length > 0) {
      progress.done();
      const what = `${stuck.length} of the story's pods do not come up`;
      throw await workerFailure(client, { namespace: NAMESPACE, labelSelector, what });
    }
    await stage.checkDeadline(async () => {
      const object = await client.get<KubeObject & { status?: unknown }>(SCALED_OBJECTS, NAME, {
        namespace: NAMESPACE,
      });
      return `${left} messages and ${wanted} replicas are left; the ScaledObject's status is ${JSON.stringify(object.status)}`;
    });
    await clock.sleep(500, signal);
  }
  await flood;
  progress.done();
  progress.say('');
  for (const line of [...chart('Replicas', replicas), '', ...chart('Messages', depth)]) progress.say(line);
  progress.say('');
  const seconds = (value: number | undefined) => (value === undefined ? '' : value.toFixed(1));
  const row = [
    String(messages),
    String(peak),
    seconds(first.active),
    seconds(first.empty),
    since().toFixed(1),
    'queue empty, 0 replicas',
  ];
  for (const line of formatColumns(
    ['MESSAGES', 'PEAK OF REPLICAS', '0→1 AFTER', 'EMPTY AFTER', 'SECONDS', 'END'],
    [row],
  )) {
    progress.say(line);
  }
  return 0;
}
