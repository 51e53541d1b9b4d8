/**
 * The external metrics API against a trivial HTTPS server in the same run: 8 clients in a closed loop, each with one
 * kept connection. What counts is the ratio, not the figures: `node test/bench/metrics-api.ts [seconds]`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createAuthority, createServingCertificate } from '../../src/servers/certificates/index.ts';
import { createMetricsApi, type DelegatedAuth } from '../../src/servers/metrics-api/index.ts';

const CLIENTS = 8;
const METRICS = 1_000;
/** Short turns one after the other, so that whatever else the machine does hits both alike. */
const TURN_SECONDS = 0.5;

interface Setup {
  ca: string;
  tls: { cert: string; key: string };
  proxyCa: string;
}

/** Runs in a child process: prints nothing, tells the port to the parent. */
async function serve(kind: string, { tls, proxyCa }: Setup): Promise<number> {
  if (kind === 'trivial') {
    const body = `{"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[]}`;
    const server = createServer(
      { ...tls, requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 120_000 },
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
        response.end(body);
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  const values = new Map(Array.from({ length: METRICS }, (_, i) => [`shop/so-${i}/s0-metric-${i}`, String(i)]));
  const trust = {
    clientCa: proxyCa,
    allowedNames: ['front-proxy-client'],
    usernameHeaders: ['X-Remote-User'],
    groupHeaders: ['X-Remote-Group'],
    extraHeaderPrefixes: ['X-Remote-Extra-'],
  };
  const auth: DelegatedAuth = {
    requestHeader: () => trust,
    clientCa: () => undefined,
    reviewToken: async () => undefined,
    reviewAccess: async () => ({ allowed: true, reason: '' }),
  };
  const api = createMetricsApi({
    lookup(namespace, name, metric) {
      const value = values.get(`${namespace}/${name}/${metric}`);
      return value === undefined
        ? { kind: 'error', message: 'no such metric' }
        : { kind: 'value', metricName: metric, value, at: Date.now() };
    },
    auth,
    ready: () => true,
    tls,
    log: silentLogger,
    clock: systemClock,
  });
  return (await api.listen('127.0.0.1', 0)).port;
}

/** What was measured of one server: the time each request took (ms), and the server's CPU time (µs). */
interface Figures {
  took: number[];
  seconds: number;
  cpu: number;
}

async function drive(
  port: number,
  options: { ca: string; cert: string; key: string },
  seconds: number,
): Promise<number[]> {
  const end = performance.now() + seconds * 1000;
  const took: number[] = [];
  const client = async (index: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = index; performance.now() < end; i += CLIENTS) {
      const id = i % METRICS;
      const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/s0-metric-${id}?labelSelector=scaledobject.keda.sh%2Fname%3Dso-${id}`;
      const headers = {
        accept: 'application/vnd.kubernetes.protobuf, */*',
        'x-remote-user': 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
        'x-remote-group': ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
      };
      const start = performance.now();
      const [response] = (await once(
        request({ host: '127.0.0.1', port, path, agent, headers, ...options }).end(),
        'response',
      )) as [import('node:http').IncomingMessage];
      if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
      response.resume();
      await once(response, 'end');
      took.push(performance.now() - start);
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)));
  return took;
}

async function main(seconds: number) {
  const now = Date.now();
  const authority = createAuthority('bench', now);
  const proxyAuthority = createAuthority('front-proxy', now);
  const proxy = createServingCertificate(proxyAuthority, ['front-proxy-client'], now);
  const setup: Setup = {
    ca: authority.cert,
    tls: createServingCertificate(authority, ['127.0.0.1'], now),
    proxyCa: proxyAuthority.cert,
  };
  const file = fileURLToPath(import.meta.url);
  const start = async (kind: string) => {
    const child = fork(file, [`--serve=${kind}`], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child.send(setup);
    const [port] = (await once(child, 'message')) as [number];
    return { child, port };
  };
  const servers = { trivial: await start('trivial'), ours: await start('ours') };
  const tls = { ca: authority.cert, ...proxy };
  const cpuOf = async (child: ChildProcess) => {
    child.send('cpu');
    const [cpu] = (await once(child, 'message')) as [number];
    return cpu;
  };
  const figures: Record<string, Figures> = {};
  const ratios: number[] = [];
  for (const { port } of Object.values(servers)) await drive(port, tls, 1);
  for (let spent = 0; spent < seconds; spent += TURN_SECONDS) {
    const rates: Record<string, number> = {};
    for (const [kind, { port, child }] of Object.entries(servers)) {
      figures[kind] ??= { took: [], seconds: 0, cpu: 0 };
      const sum = figures[kind];
      const before = await cpuOf(child);
      const took = await drive(port, tls, TURN_SECONDS);
      sum.cpu += (await cpuOf(child)) - before;
      sum.took.push(...took);
      sum.seconds += TURN_SECONDS;
      rates[kind] = took.length;
    }
    ratios.push((rates.ours ?? 0) / (rates.trivial ?? 1));
  }
  for (const { child } of Object.values(servers)) child.kill();
  const p99: Record<string, number> = {};
  for (const [kind, { took, seconds: spent, cpu }] of Object.entries(figures)) {
    const rate = (took.length / spent).toFixed(0).padStart(6);
    const [half, most] = [quantile(took, 0.5), quantile(took, 0.99)];
    p99[kind] = most;
    const perRequest = (cpu / took.length).toFixed(0);
    console.log(
      `${kind.padEnd(8)} ${rate}/s  p50 ${half.toFixed(2)} ms  p99 ${most.toFixed(2)} ms  CPU ${perRequest} µs per request`,
    );
  }
  const slower = (p99.ours ?? 0) / (p99.trivial ?? 1);
  console.log(`ratio    rate ${quantile(ratios, 0.5).toFixed(2)} (median of turns)  p99 ${slower.toFixed(2)}`);
}

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}

const serving = process.argv.find((argument) => argument.startsWith('--serve='));
if (serving) {
  const [setup] = (await once(process, 'message')) as [Setup];
  process.send?.(await serve(serving.slice('--serve='.length), setup));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.on('disconnect', () => process.exit());
} else {
  await main(Number(process.argv[2] ?? 5));
}
