import { mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { NODES } from '../../../src/api/resources.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { createKubeClient } from '../../../src/kube/client.ts';
import { ensureBinaries } from '../../../tools/cluster/build.ts';
import { cgroupsNamed, inspectMachine, NODE_PROGRAMS } from '../../../tools/cluster/machine.ts';
import { type ControlPlane, startControlPlane } from '../cluster/index.ts';
import { createProgramTable, type Program } from '../cluster/processes.ts';
import { runProgram } from '../cluster/run.ts';
import { eventually } from '../eventually.ts';
import { holdNetwork, writeNodeFiles } from './config.ts';
import { createForwarder, type Forwarder } from './forward.ts';
import { writeImages } from './images.ts';
import { firstOf, layCable, type Network } from './network.ts';

export { IDLE_IMAGE } from './images.ts';

/** A control plane with one real node: kubelet, containerd, kube-proxy, in namespaces of their own on this machine. */
export interface RealCluster {
  cluster: ControlPlane;
  name: string;
  network: Network;
  /** The URL by which pods reach what listens on a port of 127.0.0.1; `url` with another host and port. */
  reachable(url: string): Promise<string>;
  /** Containers that containerd knows, those that hold pods together included. */
  containers(): Promise<string[]>;
  /** The last lines of each program's log. */
  logTails(): Promise<string>;
  /** What is on the machine because of the node: links, routes, processes, mounts, cgroups, files. */
  traces(): Promise<string[]>;
  /** May be called more than once. */
  stop(): Promise<void>;
}

const LOGS = ['node', 'containerd', 'kube-proxy', 'kubelet'];
/** Importing the images and starting kubelet takes a busy machine its time. */
const START_DEADLINE_MS = 180_000;

/**
 * Starts them; resolves when the node is ready. Everything runs in a PID namespace that dies with its first process, so
 * nothing outlives this process, not even one that is killed.
 */
export async function startRealCluster(): Promise<RealCluster> {
  if (process.env.WINDLASS_TEST_KUBECONFIG)
    throw new Error('WINDLASS_TEST_KUBECONFIG names a cluster with nodes of its own; unset it to start a real node');
  const machine = await inspectMachine();
  if ('missing' in machine) throw new Error(`This machine cannot be a real node: ${machine.missing}`);
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const binFolder = await ensureBinaries({ log, programs: NODE_PROGRAMS });
  const folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-node-'));
  const cgroup = path.basename(folder);
  const keep = process.env.WINDLASS_TEST_KEEP === '1';
  const programs = createProgramTable(folder, keep, removeCgroupsCommand(cgroup));
  const holder = programs.add('node', 'unshare', ['--net', 'bash', '-c', holdNetwork(folder, cgroup)]);
  const name = 'node-real';
  let cluster: ControlPlane | undefined;
  let forwarder: Forwarder | undefined;
  const tails = () => Promise.all(LOGS.map((one) => tailOf(path.join(folder, `${one}.log`))));
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= end();
    return stopping;
  };
  const end = async () => {
    await programs.stop();
    await forwarder?.stop();
    await cluster?.stop();
    // The kernel ends what is left in the node's namespaces, and tells nobody when it is done.
    await eventually(() => removeCgroups(cgroup), 30_000);
    if (!keep) await eventually(() => rm(folder, { recursive: true, force: true }), 30_000);
  };
  try {
    holder.start();
    const network = await cableTo(holder);
    forwarder = createForwarder(network.host);
    const serviceNetwork = { range: network.services, kubernetes: firstOf(network.services) };
    const images = writeImages(folder);
    images.catch(() => {});
    cluster = await startControlPlane({
      nodes: 0,
      serviceNetwork,
      // Nobody resolves the name of the node.
      flags: { 'kube-apiserver': ['--kubelet-preferred-address-types=InternalIP'] },
      log,
    });
    const port = await forwarder.forward(Number(new URL(cluster.url).port));
    await cluster.apply([kubernetesEndpoints(network.host, port)]);
    const server = `https://${network.host}:${port}`;
    await writeNodeFiles({
      folder,
      binFolder,
      name,
      machine,
      network,
      kubeletKubeconfig: await cluster.kubeconfigFor({ name: `system:node:${name}`, groups: ['system:nodes'] }, server),
      proxyKubeconfig: await cluster.kubeconfigFor({ name: 'system:kube-proxy' }, server),
      images: await images,
    });
    await writeFile(path.join(folder, 'go'), '');
    await untilReady(cluster, name, holder);
    const there: Forwarder = forwarder;
    return {
      cluster,
      name,
      network,
      async reachable(url) {
        const changed = new URL(url);
        changed.port = String(await there.forward(Number(changed.port)));
        changed.hostname = network.host;
        return String(changed);
      },
      containers: () => containersUnder(holder.pid),
      traces: () => tracesOf(folder, network, cgroup),
      logTails: async () => (await tails()).join('\n'),
      stop,
    };
  } catch (error) {
    const lines = await tails();
    await stop();
    throw new Error(`The real node did not start: ${(error as Error).message}\n${lines.join('\n')}`, { cause: error });
  }
}

async function cableTo(holder: Program): Promise<Network> {
  await eventually(async () => {
    await holder.assertRunning();
    const [own, its] = await Promise.all(
      ['self', holder.pid].map((pid) => runProgram('readlink', [`/proc/${pid}/ns/net`], process.env)),
    );
    return own !== its;
  }, 20_000);
  return layCable(holder.pid ?? 0);
}

/** The API server would write its own address here, if it had another one than 127.0.0.1. */
function kubernetesEndpoints(host: string, port: number) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'kubernetes' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'https', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
  };
}

async function untilReady(cluster: ControlPlane, name: string, holder: Program): Promise<void> {
  const client = createKubeClient(cluster.connection, { clock: systemClock, log: silentLogger });
  let ended: unknown;
  try {
    await eventually(async () => {
      ended = await holder.assertRunning().catch((error: unknown) => error);
      if (ended) return;
      const { spec, status } = await client.get<{
        spec: { taints?: unknown[] };
        status: { conditions: { type: string; status: string; message: string }[] };
      }>(NODES, name);
      const ready = status.conditions.find(({ type }) => type === 'Ready');
      if (ready?.status !== 'True') throw new Error(`the node is not ready: ${ready?.message}`);
      if (spec.taints?.length) throw new Error(`the node has taints: ${JSON.stringify(spec.taints)}`);
    }, START_DEADLINE_MS);
    if (ended) throw ended;
  } finally {
    await client.close();
  }
}

/** In the namespaces of the node's first process, which is the one child of `unshare`. */
async function containersUnder(pid = 0): Promise<string[]> {
  const [child = ''] = (await runProgram('ps', ['-o', 'pid=', '--ppid', String(pid)], process.env)).trim().split(/\s+/);
  const ctr = ['ctr', '-a', '/run/containerd/containerd.sock', '-n', 'k8s.io', 'containers', 'ls', '-q'];
  const out = await runProgram('nsenter', ['-t', child, '-m', '-n', '-p', ...ctr], process.env);
  return out.split('\n').filter(Boolean);
}

async function tracesOf(folder: string, network: Network, cgroup: string): Promise<string[]> {
  const [links, routes, processes, mounts] = await Promise.all([
    runProgram('ip', ['-o', 'link'], process.env),
    runProgram('ip', ['route'], process.env),
    runProgram('ps', ['-eo', 'args'], process.env),
    runProgram('cat', ['/proc/self/mountinfo'], process.env),
  ]);
  const lines = [links, routes, processes, mounts].flatMap((text) => text.split('\n'));
  const files = await readdir(folder).catch(() => []);
  return [
    ...lines.filter((line) =>
      [folder, `${network.link}@`, network.pods, network.services].some((one) => line.includes(one)),
    ),
    ...(await cgroupsNamed(cgroup)),
    ...files,
  ];
}

/** Throws while there is a process in one. */
async function removeCgroups(name: string): Promise<void> {
  for (const folder of await cgroupsNamed(name)) await rmdir(folder);
}

/** The same for a shell, as the processes of the node end. */
const removeCgroupsCommand = (name: string) =>
  `for i in $(seq 100); do find /sys/fs/cgroup -depth -type d -path '*/${name}*' -exec rmdir {} + 2>/dev/null && break; sleep 0.1; done`;

async function tailOf(file: string): Promise<string> {
  const text = await runProgram('tail', ['-n', '25', file], process.env).catch((error: Error) => error.message);
  return `--- ${file}\n${text}`;
}
