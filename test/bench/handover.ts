/**
 * How long objects are without an owner when one of three replicas goes: told to stop (SIGTERM) and killed (SIGKILL). Three
 * operators as processes with default settings beside a sandbox; each object counts from the signal to the first time that
 * its source is asked by the new owner. `node test/bench/handover.ts [objects]`
 */
import { eventually } from '../support/eventually.ts';
import { createLoad } from '../support/replica-load.ts';
import { startReplicaWorld } from '../support/replicas.ts';

const objects = Number(process.argv[2] ?? 60);
const ROUNDS = [
  { signal: 'SIGTERM', targetMs: 1_000 },
  { signal: 'SIGKILL', targetMs: 6_000 },
] as const;
/** So seldom that a poll soon after the signal is that of a new owner, who asks at once. */
const POLLING_SECONDS = 300;
const GIVE_UP_MS = 60_000;
/** A new replica waits half a lease; the others have taken note of it by then. */
const SETTLE_MS = 8_000;

const world = await startReplicaWorld();
let missed = false;
try {
  const load = await createLoad(world, { objects, pollingInterval: POLLING_SECONDS, jobs: false });
  try {
    const replicas = await Promise.all(['r1', 'r2', 'r3'].map((name) => world.start(name)));
    console.log(`hand-over of ${objects} ScaledObjects among three replicas, in milliseconds from the signal`);
    for (const [round, { signal, targetMs }] of ROUNDS.entries()) {
      await eventually(() => new Set(load.polls.map(({ about }) => about)).size === objects, GIVE_UP_MS);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const members = await world.members();
      const victim = replicas[round];
      if (!victim) throw new Error('there are fewer replicas than rounds');
      const orphans = [...load.uids].filter(([, uid]) => world.owner(uid, members) === victim.name);
      const from = performance.now();
      victim.kill(signal);
      const takenOver = () =>
        orphans.map(([name]) => load.polls.find(({ at, about }) => about === name && at > from)?.at ?? Number.NaN);
      await eventually(() => takenOver().every((at) => !Number.isNaN(at)), GIVE_UP_MS);
      const times = takenOver()
        .map((at) => at - from)
        .sort((a, b) => a - b);
      const worst = times.at(-1) ?? 0;
      missed ||= worst >= targetMs;
      console.log(
        `  ${signal}: ${orphans.length} objects, median ${Math.round(times[times.length >> 1] ?? 0)}, last ${Math.round(worst)}` +
          `; target: under ${targetMs} ${worst < targetMs ? '(met)' : '(missed)'}`,
      );
      replicas.push(await world.start(`r${replicas.length + 1}`));
    }
  } finally {
    await load.stop();
  }
} finally {
  await world.stop();
}
process.exitCode = missed ? 1 : 0;
