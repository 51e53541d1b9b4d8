import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, request as sendHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { NAMESPACES } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { PROJECT, startLocalCluster } from '../../src/cli/local-cluster.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { LEASES } from '../../src/kube/lease.ts';
import { ownerOf } from '../../src/kube/rendezvous.ts';
import { eventually } from './eventually.ts';

/** A write as it arrived at the API server. */
export interface RecordedWrite {
  /** performance.now() of this process. */
  at: number;
  /** The replica's name, from its User-Agent. */
  by: string;
  method: string;
  path: string;
  /** The object of the load that it is about, by its name; empty for what is about none. */
  about: string;
}

/** One operator in a process of its own. */
export interface Replica {
  name: string;
  pid: number;
  process: ChildProcess;
  /** Where its external metrics API listens. */
  metricsPort(): number;
  /** What it logged. */
  logs: string[];
  kill(signal: NodeJS.Signals): void;
  readonly hasEnded: boolean;
}

/** A cluster with several operators as processes, and a record of everything that each of them writes. */
export interface ReplicaWorld {
  client: KubeClient;
  /** Bearer token that may do everything. */
  token: string;
  writes: RecordedWrite[];
  start(name: string): Promise<Replica>;
  /** Identities of the members whose Leases exist, by the replica's name. */
  members(): Promise<Map<string, string>>;
  /** The name of the replica whose turn an object is. */
  owner(uid: string, members: ReadonlyMap<string, string>): string;
  stop(): Promise<void>;
}

export const OPERATOR_NAMESPACE = 'keda';
const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** @param env of the operators */
export async function startReplicaWorld(extra: Record<string, string> = {}): Promise<ReplicaWorld> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'windlass-replicas-'));
  const cluster = await startLocalCluster({ clock: systemClock, log: silentLogger, port: 0, hpaSyncPeriodMs: 60_000 });
  const { client, sandbox } = cluster;
  await client.create(NAMESPACES, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: OPERATOR_NAMESPACE },
  });
  const writes: RecordedWrite[] = [];
  const recorder = await startRecorder(sandbox.url, sandbox.ca, writes);
  const kubeconfig = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(sandbox.kubeconfig).replaceAll(sandbox.url, recorder.url));
  const replicas: Replica[] = [];

  const start = async (name: string): Promise<Replica> => {
    const words = ['operator', '--leader-elect', '--kubeconfig', kubeconfig, '--explain-bind-address', '0'];
    words.push(
      '--metrics-api-host',
      '127.0.0.1',
      '--secure-port',
      '0',
      '--reachable-at',
      'localhost',
      '--enable-cert-rotation',
    );
    const flags = ['--disable-warning=ExperimentalWarning', path.join(PROJECT, 'src/cli/main.ts')];
    const child = spawn(process.execPath, [...flags, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, POD_NAME: name, POD_NAMESPACE: OPERATOR_NAMESPACE, WATCH_NAMESPACE: '', ...extra },
    });
    const logs: string[] = [];
    let rest = '';
    const see = (piece: Buffer) => {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      logs.push(...lines);
    };
    child.stdout.on('data', see);
    child.stderr.on('data', see);
    const replica: Replica = {
      name,
      pid: child.pid ?? 0,
      process: child,
      metricsPort: () => Number(/"metricsApi":"[^"]*:(\d+)"/.exec(logs.join('\n'))?.[1]),
      logs,
      kill: (signal) => child.kill(signal),
      get hasEnded() {
        return child.exitCode !== null || child.signalCode !== null;
      },
    };
    replicas.push(replica);
    await eventually(() => {
      if (replica.hasEnded) throw new Error(`${name} ended:\n${logs.join('\n')}`);
      return logs.some((line) => line.includes('operator is ready'));
    }, 60_000);
    return replica;
  };

  return {
    client,
    token: sandbox.token,
    writes,
    start,
    async members() {
      const leases = await client.listAll<KubeObject & { spec: { holderIdentity: string } }>(LEASES, {
        namespace: OPERATOR_NAMESPACE,
        labelSelector: 'windlass.dev/group',
      });
      return new Map(leases.map(({ spec }) => [spec.holderIdentity.split('_')[0] ?? '', spec.holderIdentity]));
    },
    owner: (uid, members) => ownerOf(uid, [...members.values()])?.split('_')[0] ?? '',
    async stop() {
      const ends = replicas
        .filter(({ hasEnded }) => !hasEnded)
        .map((replica) => {
          const ended = new Promise((resolve) => replica.process.once('exit', resolve));
          replica.kill('SIGKILL');
          return ended;
        });
      await Promise.all(ends);
      await recorder.stop();
      await cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Passes everything on to the API server, and notes the writes as they come in. */
async function startRecorder(target: string, ca: string | undefined, writes: RecordedWrite[]) {
  const agent = new Agent({ keepAlive: true, ca });
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, response) => {
    const { method = 'GET', url = '/', headers } = incoming;
    if (WRITES.has(method)) {
      const by = /\(([^)]*)\)/.exec(headers['user-agent'] ?? '')?.[1] ?? '';
      const [path = ''] = url.split('?');
      const write = { at: performance.now(), by, method, path, about: nameIn(path) };
      writes.push(write);
      // What is created has its name in the body: an Event is called after its object, a Job after its ScaledJob.
      let body = '';
      if (method === 'POST') incoming.on('data', (piece) => (body += piece));
      incoming.on('end', () => (write.about ||= nameIn(/"(?:generateName|name)":"([^"]*)"/.exec(body)?.[1] ?? '')));
    }
    const outgoing = sendHttps({ agent, hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

/** ScaledObjects of the load are called `so-<number>`, ScaledJobs `sj-<number>`; what belongs to them has that in its name. */
const nameIn = (text: string): string => /\bs[oj]-\d+\b/.exec(text)?.[0] ?? '';

/** The last writer of each object from a moment on. */
export function lastWriters(writes: readonly RecordedWrite[], from: number): Map<string, string> {
  return new Map(writes.filter(({ at, about }) => at >= from && about !== '').map(({ about, by }) => [about, by]));
}

/**
 * Two owners at once: somebody writes, another one writes for the same object, and the first goes on. To have an object
 * back honestly takes half a lease at least; an owner of objects that change all the time writes far sooner than that.
 * @param backMs who writes again sooner than this never stopped
 */
export function twoOwners(writes: readonly RecordedWrite[], backMs: number): string[] {
  const found: string[] = [];
  const latest = new Map<string, Map<string, number>>();
  const last = new Map<string, string>();
  for (const { at, by, about, method, path } of writes) {
    if (about === '') continue;
    const times = latest.get(about) ?? new Map<string, number>();
    latest.set(about, times);
    const before = times.get(by);
    if (last.get(about) !== by && before !== undefined && at - before < backMs)
      found.push(
        `${about}: ${by} ${Math.round(at - before)} ms after its own last, ${last.get(about)} between (${method} ${path})`,
      );
    times.set(by, at);
    last.set(about, by);
  }
  return found;
}
