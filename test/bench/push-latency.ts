/**
 * From an event of an external-push scaler to the workload being scaled: `node test/bench/push-latency.ts [rounds]`.
 * Everything runs in this process: the sandbox, the operator beside it, and the scaler on gRPC's own server. Each round
 * starts a workload of its own, which polls would find within an hour only. Beside each round a scale request is made by
 * hand: the least that any way from 0 to 1 takes on this machine at this moment.
 */
import { DEPLOYMENTS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { startExternalScaler } from '../servers/external-scaler.ts';
import { eventually } from '../support/eventually.ts';
import { aDeployment, aScaler, startWorld } from '../support/operator.ts';

const TARGET_MS = 250;
/** What a round sets off (pods, status, events) is over before the next one begins. */
const PAUSE_MS = 300;

const rounds = Number(process.argv[2] ?? 50);
const world = await startWorld();
const server = await startExternalScaler();
const ns = await world.namespace();

/** Milliseconds from `start` until the workload has replicas. */
async function timeToScale(name: string, start: () => unknown): Promise<number> {
  let scaledAt = 0;
  const stop = world.cluster.followReplicas(DEPLOYMENTS, ns.name, name, (replicas) => {
    if (replicas > 0) scaledAt ||= performance.now();
  });
  const at = performance.now();
  await start();
  while (scaledAt === 0 && performance.now() - at < 10_000) await new Promise((resolve) => setImmediate(resolve));
  stop();
  if (scaledAt === 0) throw new Error(`${name} was not started within 10 s`);
  return scaledAt - at;
}

try {
  const names = Array.from({ length: rounds }, (_, i) => `web-${i}`);
  const trigger = { type: 'external-push', metadata: { scalerAddress: server.address } };
  for (const name of names) {
    await ns.apply(aDeployment(name, 0), aDeployment(`${name}-by-hand`, 0));
    await ns.apply(aScaler(name, [trigger], { pollingInterval: 3_600, cooldownPeriod: 3_600 }));
  }
  for (const name of names) await ns.becomes(SCALED_OBJECTS, name, 'Ready', 'True/ScaledObjectReady', 60_000);
  await eventually(() => server.streams('StreamIsActive') === rounds, 60_000);

  const pushed: number[] = [];
  const byHand: number[] = [];
  for (const name of names) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    pushed.push(await timeToScale(name, () => server.push(true, name)));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const patch = { spec: { replicas: 1 } };
    byHand.push(await timeToScale(`${name}-by-hand`, () => ns.patch(DEPLOYMENTS, `${name}-by-hand`, patch, 'scale')));
  }
  for (const name of names)
    await eventually(() => world.writes.some((write) => write.endsWith(`/${ns.name}/deployments/${name}/scale`)));
  const figures = (values: number[]) =>
    `p50 ${quantile(values, 0.5).toFixed(1)} ms  p99 ${quantile(values, 0.99).toFixed(1)} ms`;
  const verdict = quantile(pushed, 0.99) <= TARGET_MS ? 'met' : 'missed';
  console.log(`event to scale request  ${figures(pushed)}  (${rounds} rounds; target ${TARGET_MS} ms: ${verdict})`);
  console.log(`a scale request alone   ${figures(byHand)}`);
} finally {
  await ns.end();
  await server.stop();
  await world.stop();
}

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
