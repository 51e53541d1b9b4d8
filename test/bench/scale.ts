/**
 * The operator with many ScaledObjects on a real control plane, beside KEDA's figures:
 * `node test/bench/scale.ts [N ...]`, 200 unless told otherwise. N Deployments whose one pod stays pending, N
 * ScaledObjects with one metrics-api trigger each on its own URL of a server in this process. The HPA controller is a
 * process of its own with Kubernetes' defaults (15 s, 20 requests a second); the rest of the controller manager gets more,
 * so that the Deployments are there soon. WINDLASS_BENCH_PROFILE=FOLDER has the operator write a CPU profile there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { createStore } from '../../src/kube/store.ts';
import { bundle } from '../../tools/bundle.ts';
import { OPERATOR_FLAGS } from '../../tools/operator-flags.ts';
import { startControlPlane } from '../support/cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { usageOf } from './process-usage.ts';
import { prepareAuditLog, type Write } from './scale/audit.ts';
import { KEDA, KEDA_RATIOS } from './scale/keda.ts';
import { closedLoops, type Figures, probe, quantile } from './scale/load.ts';

const NAMESPACE = 'shop';
const CREATORS = 16;
const STEADY_SECONDS = 60;
const PROBE = { perSecond: 10, seconds: 20 };
const CLOSED_LOOP_SECONDS = 15;
/** Statuses and events that follow the last HPA's are written by then. */
const SETTLE_MS = 30_000;
const DEADLINE_MS = 600_000;
const OPERATOR = 'operator';

const seconds = (ms: number) => (ms / 1_000).toFixed(1);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers every URL with 5 and counts. */
async function startSource() {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 11 });
    response.end('{"value":5}');
  });
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get asked() {
      return asked;
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'app', image: 'example.com/app:1' }] },
    },
  },
});

const scaledObject = (name: string, url: string) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    scaleTargetRef: { name },
    pollingInterval: 30,
    minReplicaCount: 0,
    maxReplicaCount: 5,
    triggers: [{ type: 'metrics-api', metadata: { url, valueLocation: 'value', targetValue: '5' } }],
  },
});

/** Does something for each name, so many at a time. */
async function forEach(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const left = [...names];
  const worker = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await work(name);
  };
  await Promise.all(Array.from({ length: CREATORS }, worker));
}

async function measure(count: number, program: string, folder: string): Promise<void> {
  const audit = await prepareAuditLog(folder, OPERATOR);
  const cluster = await startControlPlane({
    crds: ['config/crd/all.yaml'],
    nodes: 0,
    flags: {
      'kube-apiserver': audit.flags,
      'kube-controller-manager': ['--controllers=*,-horizontal-pod-autoscaler-controller'],
    },
  });
  const client = createKubeClient(cluster.connection, { clock: systemClock, log: silentLogger });
  const source = await startSource();
  const children: ChildProcess[] = [];
  const start = (file: string, args: string[], env: NodeJS.ProcessEnv) => {
    const child = spawn(file, args, { env: { PATH: process.env.PATH, HOME: folder, ...env }, cwd: folder });
    children.push(child);
    return child;
  };
  try {
    for (const name of ['keda', NAMESPACE]) await cluster.kubectl(['create', 'namespace', name]);
    await cluster.kubectl([
      'create',
      'clusterrolebinding',
      'operator',
      '--clusterrole=cluster-admin',
      '--user=operator',
    ]);
    const names = Array.from({ length: count }, (_, i) => `app-${i}`);
    await forEach(names, (name) => client.create(DEPLOYMENTS, deployment(name), { namespace: NAMESPACE }));
    await eventually(async () => {
      const made = await client.listAll<{ status?: { replicas?: number } }>(DEPLOYMENTS, { namespace: NAMESPACE });
      await pause(1_000);
      return made.filter(({ status }) => status?.replicas === 1).length === count;
    }, DEADLINE_MS);

    const profile = process.env.WINDLASS_BENCH_PROFILE;
    const operator = start(
      process.execPath,
      [
        ...OPERATOR_FLAGS,
        ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${path.resolve(profile)}`] : []),
        ...[program, 'operator', '--metrics-api-host', '127.0.0.1', '--secure-port', '0'],
        ...['--reachable-at', 'localhost', '--webhooks-host', '127.0.0.1', '--webhooks-port', '0'],
        ...['--explain-bind-address', '0'],
      ],
      { KUBECONFIG: await cluster.kubeconfigFor({ name: OPERATOR }), POD_NAMESPACE: 'keda' },
    );
    const pid = operator.pid ?? 0;
    const troubles: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const see = (piece: Buffer) => {
        for (const line of piece.toString().split('\n')) {
          if (line.includes('operator is ready')) resolve();
          if (/"level":"(warn|error)"/.test(line)) troubles.push(line);
        }
      };
      operator.stdout?.on('data', see);
      operator.stderr?.on('data', see);
      operator.once('exit', (code) => reject(new Error(`the operator ended with ${code}\n${troubles.join('\n')}`)));
    });
    start(
      path.join(cluster.binFolder, 'kube-controller-manager'),
      [
        `--kubeconfig=${await cluster.kubeconfigFor({ name: 'system:kube-controller-manager' })}`,
        ...['--secure-port=0', '--leader-elect=false', '--use-service-account-credentials=true'],
        '--controllers=horizontal-pod-autoscaler-controller',
      ],
      {},
    );
    await pause(5_000);
    const idle = usageOf(pid);

    const hasMetric = new Map<string, boolean>();
    const hpas = createStore({
      client,
      type: HORIZONTAL_POD_AUTOSCALERS,
      namespace: NAMESPACE,
      project: (raw: KubeObject & { status?: { currentMetrics?: { external?: { current: object } }[] } }) => ({
        metadata: { name: raw.metadata.name, namespace: NAMESPACE },
        hasMetric: raw.status?.currentMetrics?.[0]?.external?.current !== undefined,
      }),
      clock: systemClock,
      log: silentLogger,
    });
    hpas.onChange(({ object }) => hasMetric.set(object.metadata.name, object.hasMetric));
    await hpas.synced;
    const began = performance.now();
    const beganAt = Date.now();
    await forEach(names, (name) =>
      client.create(SCALED_OBJECTS, scaledObject(name, `${source.url}/${name}`), { namespace: NAMESPACE }),
    );
    const created = performance.now() - began;
    await eventually(() => hasMetric.size === count, DEADLINE_MS);
    const exist = performance.now() - began;
    await eventually(() => [...hasMetric.values()].every(Boolean), DEADLINE_MS);
    const showing = performance.now() - began;
    const settled = usageOf(pid);
    hpas.stop();

    await pause(SETTLE_MS);
    const from = { usage: usageOf(pid), asked: source.asked, at: Date.now(), load: loadavg()[0] ?? 0 };
    await pause(STEADY_SECONDS * 1_000);
    const to = { usage: usageOf(pid), asked: source.asked, at: Date.now() };
    const all = await audit.writes();
    const writes = all.filter(({ at }) => at >= from.at && at <= to.at);
    const setUp = all.filter(({ user, at }) => user === OPERATOR && at >= beganAt && at < from.at);

    const metric = (turn: number) =>
      `/apis/external.metrics.k8s.io/v1beta1/namespaces/${NAMESPACE}/s0-metric-api-value?labelSelector=scaledobject.keda.sh%2Fname%3Dapp-${turn % count}`;
    const paced = await probe(cluster.connection, metric, PROBE);
    const beforeLoops = source.asked;
    const loops = await closedLoops(
      cluster.connection,
      { ours: metric, plain: () => `/api/v1/namespaces/${NAMESPACE}` },
      CLOSED_LOOP_SECONDS,
    );
    const perAnswer = (source.asked - beforeLoops) / loops.asked;
    // Of one metric: what the answer costs by itself, since a reading of the last second serves all of them.
    const single = await closedLoops(
      cluster.connection,
      { ours: () => metric(0), plain: () => `/api/v1/namespaces/${NAMESPACE}` },
      CLOSED_LOOP_SECONDS,
    );
    const after = usageOf(pid);

    const own = writes.filter(({ user }) => user === OPERATOR);
    const inGroup = writes.filter(({ group }) => group === 'keda.sh').length;
    const perSecond = (number: number) => (number / STEADY_SECONDS).toFixed(2);
    const cores = (to.usage.cpuSeconds - from.usage.cpuSeconds) / STEADY_SECONDS;
    const asked = (to.asked - from.asked) / STEADY_SECONDS;
    const keda = KEDA[count];
    console.log(
      `\nN = ${count}   (machine: ${cpus().length} cores, load ${from.load.toFixed(1)} when the steady state began)`,
    );
    print(['', 'windlass', 'KEDA', 'ratio']);
    print(['all ScaledObjects created after', `${seconds(created)} s`, unit(keda?.created, 's')]);
    print(['all HPAs exist after', `${seconds(exist)} s`, unit(keda?.hpas, 's')]);
    print(['… after the last create', `${seconds(exist - created)} s`, 'target: 10 s']);
    print(['all HPAs show a metric after', `${seconds(showing)} s`, unit(keda?.metrics, 's')]);
    const mb = (label: string, value: number) =>
      print([label, `${value.toFixed(0)} MB`, unit(keda?.residentMb, 'MB'), ratio(value, keda?.residentMb)]);
    print(['resident with no objects', `${idle.residentMb.toFixed(0)} MB`, '298 MB', ratio(idle.residentMb, 298)]);
    mb('resident in steady state', to.usage.residentMb);
    mb('resident after the closed loop', after.residentMb);
    print(['CPU in steady state', cores.toFixed(3), unit(keda?.cpuCores, 'cores'), ratio(cores, keda?.cpuCores)]);
    const until = settled.cpuSeconds - idle.cpuSeconds;
    print([
      'CPU until settled',
      `${until.toFixed(1)} s`,
      unit(keda?.cpuSecondsUntilSettled, 's'),
      ratio(until, keda?.cpuSecondsUntilSettled),
    ]);
    print([
      'requests to the sources',
      `${asked.toFixed(1)}/s`,
      unit(keda?.sourceRequestsPerSecond, '/s'),
      ratio(asked, keda?.sourceRequestsPerSecond),
    ]);
    print(['writes in the group keda.sh', `${perSecond(inGroup)}/s`, unit(keda?.kedaWritesPerSecond, '/s')]);
    print(['writes of the operator', `${perSecond(own.length)}/s`]);
    for (const [kind, number] of byKind(own)) print([`… ${kind}`, `${perSecond(number)}/s`]);
    print(['writes of the operator per object until then', (setUp.length / count).toFixed(2)]);
    for (const [kind, number] of byKind(setUp)) print([`… ${kind}`, (number / count).toFixed(2)]);
    print([`metric, ${PROBE.perSecond}/s: p50 / p99`, times(paced.took), pair(keda?.probe)]);
    print(['all metrics in turn, closed loop', rateOf(loops.ours), `${keda?.closedLoop.rate ?? '-'}/s`]);
    print(['… p50 / p99', times(loops.ours.took), pair(keda?.closedLoop)]);
    print(['… requests to the source per answer', perAnswer.toFixed(2)]);
    print(['plain GET, closed loop', rateOf(loops.plain)]);
    print(['… p50 / p99', times(loops.plain.took)]);
    print(['metric to GET, rate', loops.rateRatio.toFixed(2), String(KEDA_RATIOS.rate), 'target: at least 0.9']);
    const slower = quantile(loops.ours.took, 0.99) / quantile(loops.plain.took, 0.99);
    print(['metric to GET, p99', slower.toFixed(2), String(KEDA_RATIOS.p99), 'target: at most 1.1']);
    print(['one metric, closed loop', rateOf(single.ours)]);
    print(['… p50 / p99', times(single.ours.took)]);
    print(['one metric to GET, rate', single.rateRatio.toFixed(2)]);
    const alone = quantile(single.ours.took, 0.99) / quantile(single.plain.took, 0.99);
    print(['one metric to GET, p99', alone.toFixed(2)]);
    for (const line of troubles.slice(0, 10)) console.log(`the operator said: ${line}`);
    if (troubles.length > 10) console.log(`… and ${troubles.length - 10} more`);
  } finally {
    for (const child of children.toReversed()) await end(child);
    source.stop();
    await client.close();
    await cluster.stop();
  }
}

function byKind(writes: readonly Write[]): [string, number][] {
  const kinds = Map.groupBy(writes, ({ verb, group, resource }) => `${verb} ${resource}${group && `.${group}`}`);
  return [...kinds].map(([kind, list]) => [kind, list.length]);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.removeAllListeners('exit');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

const WIDTHS = [52, 18, 16, 0];
const print = (cells: string[]) =>
  console.log(
    cells
      .map((cell, i) => cell.padEnd(WIDTHS[i] ?? 0))
      .join('')
      .trimEnd(),
  );
const unit = (value: string | number | undefined, name: string) =>
  value === undefined ? '' : `${value}${name.startsWith('/') ? '' : ' '}${name}`;
const ratio = (value: number, other: number | undefined) =>
  other === undefined ? '' : `× ${(value / other).toFixed(2)}`;
const pair = (figures: { p50: number; p99: number } | undefined) =>
  figures ? `${figures.p50} / ${figures.p99} ms` : '';
const times = (took: readonly number[]) => `${quantile(took, 0.5).toFixed(1)} / ${quantile(took, 0.99).toFixed(1)} ms`;
const rateOf = ({ took, seconds: spent }: Figures) => `${(took.length / spent).toFixed(0)}/s`;

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [200];
if (!counts.every((count) => Number.isInteger(count) && count > 0)) {
  console.error(`Numbers of ScaledObjects are expected, not "${process.argv.slice(2).join(' ')}"`);
  process.exit(2);
}
const base = mkdtempSync(path.join(tmpdir(), 'windlass-scale-'));
try {
  const { main } = await bundle(path.join(base, 'bundle'));
  for (const count of counts) {
    const folder = mkdtempSync(path.join(base, 'run-'));
    await measure(count, main, folder);
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
