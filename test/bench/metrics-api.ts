/**
 * The external metrics API against a trivial HTTPS server in the same run: 8 clients in a closed loop, each with one
 * kept connection. What counts is the ratio, not the figures: `node test/bench/metrics-api.ts [seconds]`.
 */
import { fork } from 'node:child_process';
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
const ROUNDS = 3;

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
  const auth: DelegatedAuth = {
    requestHeader: () => ({
      clientCa: proxyCa,
      allowedNames: ['front-proxy-client'],
      usernameHeaders: ['X-Remote-User'],
      groupHeaders: ['X-Remote-Group'],
      extraHeaderPrefixes: ['X-Remote-Extra-'],
    }),
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

interface Figures {
  perSecond: number;
  p50: number;
  p99: number;
}

async function drive(
  port: number,
  options: { ca: string; cert: string; key: string },
  seconds: number,
): Promise<Figures> {
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
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? 0;
  return { perSecond: took.length / seconds, p50: at(0.5), p99: at(0.99) };
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
  const best: Record<string, Figures> = {};
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [kind, { port }] of Object.entries(servers)) {
      const figures = await drive(port, tls, round === 0 ? 1 : seconds);
      // The first round warms up; of the others the best counts, since a busy machine only ever slows things down.
      if (round > 0 && figures.perSecond > (best[kind]?.perSecond ?? 0)) best[kind] = figures;
    }
  }
  for (const { child } of Object.values(servers)) child.kill();
  for (const [kind, { perSecond, p50, p99 }] of Object.entries(best)) {
    console.log(
      `${kind.padEnd(8)} ${perSecond.toFixed(0).padStart(6)}/s  p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms`,
    );
  }
  const { ours, trivial } = best;
  if (ours && trivial) {
    const ratio = (a: number, b: number) => (a / b).toFixed(2);
    console.log(`ratio    rate ${ratio(ours.perSecond, trivial.perSecond)}  p99 ${ratio(ours.p99, trivial.p99)}`);
  }
}

const serving = process.argv.find((argument) => argument.startsWith('--serve='));
if (serving) {
  const [setup] = (await once(process, 'message')) as [Setup];
  process.send?.(await serve(serving.slice('--serve='.length), setup));
  process.on('disconnect', () => process.exit());
} else {
  await main(Number(process.argv[2] ?? 5));
}
