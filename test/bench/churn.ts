/**
 * ScaledObjects that come and go: one operator as a process beside a sandbox, objects made at a steady rate and deleted at
 * random, some that cannot work among them; then all are deleted, four times over. The operator has to live, keep nothing
 * of what is gone, and go on working. `node test/bench/churn.ts [objects a round] [per second]`, 600 and 20 unless told
 * otherwise.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, NAMESPACES, SCALED_OBJECTS } from '../../src/api/resources.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { eventually } from '../support/eventually.ts';
import { answerJson, startHttpServer } from '../support/http-server.ts';
import { aDeployment, aScaler } from '../support/operator.ts';
import { startReplicaWorld } from '../support/replicas.ts';
import { usageOf } from './process-usage.ts';

const total = Number(process.argv[2] ?? 600);
const perSecond = Number(process.argv[3] ?? 20);
const NAMESPACE = 'churn';
/** So many live at a time on average; a random one goes for each that comes after that. */
const ALIVE = Math.min(200, total / 5);
/** One in ten cannot work, each in its own way. */
const BROKEN = [
  { triggers: [{ type: 'metrics-api', metadata: {} }] },
  { scaleTargetRef: { name: 'nothing-there' } },
  { advanced: { scalingModifiers: { formula: 'a +', target: '1' } } },
];
/** The first round sets the level: garbage stays resident until there is more of it. */
const ROUNDS = 4;
const MOST_KEPT_MB = 40;
const REST_MS = 10_000;

const socketsOf = (pid: number) =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;

const world = await startReplicaWorld();
const asked = new Map<string, number>();
const source = await startHttpServer((request, response) => {
  asked.set(request.url, performance.now());
  answerJson(response, { depth: 5 });
});
const failures: string[] = [];
try {
  const { client } = world;
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await client.create(DEPLOYMENTS, aDeployment('web', 1), { namespace: NAMESPACE });
  const operator = await world.start('r1');
  const figures = (when: string) => {
    const { residentMb, cpuSeconds } = usageOf(operator.pid);
    const sockets = socketsOf(operator.pid);
    console.log(`${when}: ${Math.round(residentMb)} MB, ${sockets} sockets, ${cpuSeconds.toFixed(1)} s of CPU`);
    return { residentMb, sockets };
  };
  const trigger = (name: string) => ({
    type: 'metrics-api',
    metadata: { url: `${source.url}/${name}`, valueLocation: 'depth', targetValue: '10' },
  });
  const remove = (name: string) => client.delete(SCALED_OBJECTS, name, { namespace: NAMESPACE });
  const left = async (type: typeof SCALED_OBJECTS) =>
    (await client.listAll<KubeObject>(type, { namespace: NAMESPACE })).length;
  let made = 0;

  const round = async (which: number): Promise<number> => {
    const alive: string[] = [];
    const begun = performance.now();
    for (let i = 0; i < total; i++) {
      const wait = begun + (i * 1_000) / perSecond - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      // Names come again, under other triggers: what is known of the former one must not live on.
      const name = `so-${i % (ALIVE * 2)}`;
      if (!alive.includes(name)) {
        const spec = { scaleTargetRef: { name: 'web' }, minReplicaCount: 1, ...(i % 10 === 0 ? BROKEN[i % 3] : {}) };
        const object = aScaler(name, [trigger(`${which}/${name}/${i}`)], spec);
        // Its namesake may still be on its way out.
        const there = await client.create(SCALED_OBJECTS, object, { namespace: NAMESPACE }).then(Boolean, () => false);
        if (there) {
          alive.push(name);
          made++;
        }
      }
      if (alive.length <= ALIVE) continue;
      const [gone = ''] = alive.splice(Math.floor(Math.random() * alive.length), 1);
      void remove(gone).catch((error: unknown) => failures.push(String(error)));
    }
    await Promise.all(alive.map(remove));
    await eventually(async () => (await left(SCALED_OBJECTS)) === 0, 60_000);
    await eventually(async () => (await left(HORIZONTAL_POD_AUTOSCALERS)) === 0, 60_000);
    const gone = performance.now();
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const { residentMb } = figures(`round ${which}, ${made} objects so far, all gone for ${REST_MS / 1_000} s`);
    const still = [...asked.values()].filter((at) => at > gone + REST_MS / 2);
    if (still.length > 0) failures.push(`${still.length} sources of deleted objects are still asked`);
    return residentMb;
  };

  figures('idle');
  const first = await round(1);
  let last = first;
  for (let which = 2; which <= ROUNDS; which++) last = await round(which);
  const kept = Math.round(last - first);
  if (kept > MOST_KEPT_MB)
    failures.push(`memory grew by ${kept} MB since the first round, by more than ${MOST_KEPT_MB}`);
  if (operator.hasEnded) failures.push('the operator has ended');
  await client.create(SCALED_OBJECTS, aScaler('last', [trigger('last')], { scaleTargetRef: { name: 'web' } }), {
    namespace: NAMESPACE,
  });
  await eventually(() => asked.has('/last'), 30_000).catch(() => failures.push('a new object is not taken up'));
} finally {
  await world.stop();
  await source.stop();
}
for (const failure of failures) console.log(`missed: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
