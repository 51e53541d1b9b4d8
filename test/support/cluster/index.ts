import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { NODES, SERVICE_ACCOUNTS, SERVICES } from '../../../src/api/resources.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { createKubeClient, type KubeClient } from '../../../src/kube/client.ts';
import { type KubeConnection, loadConnection } from '../../../src/kube/config.ts';
import { ensureBinaries } from '../../../tools/cluster/build.ts';
import { eventually } from '../eventually.ts';
import {
  type AutoscalerTimes,
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
  type Ports,
  schedulerFlags,
} from './flags.ts';
import { createIdentity, type ServiceNetwork, type User } from './identity.ts';
import { nodeManifest, type PodBehaviour, writeKwokConfig } from './nodes.ts';
import { createProgramTable, freePorts, type Program } from './processes.ts';
import { type RunOptions, runProgram } from './run.ts';
import { startServiceProxy } from './service-proxy.ts';

export { RUNS_FOR } from './nodes.ts';

export interface ControlPlaneOptions {
  /** How the pods behave; ready at once, and pods of Jobs done after a second, unless told otherwise. */
  pods?: Partial<PodBehaviour> | undefined;
  /** How many fake nodes; one unless told otherwise, none for a real node. Each takes a million pods. */
  nodes?: number | undefined;
  /**
   * Files with custom resource definitions to be established before the controllers start. The garbage collector looks
   * for new kinds only every 30 s (Kubernetes: cmd/kube-controller-manager/app/core.go); until then it does not notice
   * that an owner of such a kind is gone.
   */
  crds?: readonly string[] | undefined;
  /** A sync period of 1 s and no stabilization unless told otherwise, so that tests need not wait. */
  autoscaler?: Partial<AutoscalerTimes> | undefined;
  /** The addresses of Services; some that nothing leads to unless told otherwise. */
  serviceNetwork?: ServiceNetwork | undefined;
  /** Lets `routeService` lead Services to this process. Off unless told otherwise: it is one more hop for the API server. */
  services?: boolean | undefined;
  /** Further flags by program, after ours. */
  flags?:
    | Partial<Record<'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kwok', string[]>>
    | undefined;
  /** Receives progress when programs have to be built first. */
  log?: ((line: string) => void) | undefined;
}

/** A Kubernetes control plane with nodes on which pods only seem to run. */
export interface ControlPlane {
  url: string;
  /** A kubeconfig of an administrator. */
  kubeconfigPath: string;
  connection: KubeConnection;
  binFolder: string;
  /** Runs kubectl as the administrator and gives back its output; throws with its standard error when it fails. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  helm(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Runs `kubectl apply -f` on manifests: YAML, or objects. */
  apply(manifests: string | readonly object[], flags?: readonly string[]): Promise<string>;
  /** How somebody else connects, by a client certificate. */
  connectionFor(user: User): KubeConnection;
  /** A kubeconfig for somebody else, and for who has to reach the API server elsewhere than on 127.0.0.1; the path. */
  kubeconfigFor(user: User, server?: string): Promise<string>;
  /**
   * Leads what the API server sends to a port of a Service (443 unless told otherwise) to a port of 127.0.0.1, as if
   * pods behind the Service answered. With the option `services` only.
   */
  routeService(service: { namespace: string; name: string; port?: number }, port: number): Promise<void>;
  stopApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  restartApiServer(): Promise<void>;
  stopEtcd(): Promise<void>;
  startEtcd(): Promise<void>;
  /** The last lines of each program's log. */
  logTails(): Promise<string>;
  stop(): Promise<void>;
}

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok', 'kubectl'];
/** A machine with two cores that is busy with other tests takes its time. */
const START_DEADLINE_MS = 90_000;
const SERVICE_NETWORK: ServiceNetwork = { range: '10.96.0.0/16', kubernetes: '10.96.0.1' };
const ADMINISTRATOR: User = { name: 'kubernetes-admin', groups: ['system:masters'] };

/**
 * Starts etcd, kube-apiserver (RBAC, aggregation, service accounts), kube-controller-manager, kube-scheduler and KWOK on
 * 127.0.0.1 with a temporary folder for everything; resolves when a node is ready. Builds the programs when they are
 * missing. Nothing outlives this process; WINDLASS_TEST_KEEP=1 keeps the folder with the logs.
 *
 * KUBEBUILDER_ASSETS may name a folder with the programs; WINDLASS_TEST_KUBECONFIG a cluster to use instead, whose
 * programs cannot be stopped then.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const existing = process.env.WINDLASS_TEST_KUBECONFIG;
  const binFolder = await programFolder(options.log ?? (() => {}), existing ? ['kubectl'] : PROGRAMS);
  return existing ? useCluster(path.resolve(existing), binFolder, options) : launch(options, binFolder);
}

async function launch(options: ControlPlaneOptions, binFolder: string): Promise<ControlPlane> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-cluster-'));
  const keep = process.env.WINDLASS_TEST_KEEP === '1';
  const programs = createProgramTable(folder, keep);
  const [api = 0, etcdPort = 0, etcdPeer = 0] = await freePorts(3);
  const ports: Ports = { api, etcd: etcdPort, etcdPeer };
  const url = `https://127.0.0.1:${api}`;
  const services = options.serviceNetwork ?? SERVICE_NETWORK;
  const identity = await createIdentity(folder, url, services);
  const kubeconfigPath = await identity.writeKubeconfig(ADMINISTRATOR);
  const connection = identity.connectionFor(ADMINISTRATOR);
  const client = createKubeClient(connection, { clock: systemClock, log: silentLogger });

  const run = commands(kubeconfigPath, binFolder, folder);

  const times = { syncPeriodSeconds: 1, downscaleStabilizationSeconds: 0, ...options.autoscaler };
  const add = (name: keyof NonNullable<ControlPlaneOptions['flags']>, flags: string[]) =>
    programs.add(name, path.join(binFolder, name), [...flags, ...(options.flags?.[name] ?? [])], {
      PATH: process.env.PATH,
      HOME: folder,
    });
  const proxy = options.services ? await startServiceProxy(folder) : undefined;
  const etcd = add('etcd', etcdFlags(folder, ports));
  const apiServer = add('kube-apiserver', [
    ...apiServerFlags(identity, ports, services),
    ...(proxy ? [`--egress-selector-config-file=${proxy.configFile}`] : []),
  ]);
  const kwokConfig = await writeKwokConfig(folder, { readyAfterMs: 0, jobsRunForMs: 1_000, ...options.pods });
  const others = [
    add(
      'kube-controller-manager',
      controllerManagerFlags(
        identity,
        await identity.writeKubeconfig({ name: 'system:kube-controller-manager' }),
        times,
      ),
    ),
    add('kube-scheduler', schedulerFlags(await identity.writeKubeconfig({ name: 'system:kube-scheduler' }))),
    add('kwok', [`--config=${kwokConfig}`, `--kubeconfig=${kubeconfigPath}`]),
  ];

  const startApiServer = async () => {
    apiServer.start();
    await ready([apiServer], () => client.request({ method: 'GET', path: '/readyz', timeoutMs: 2_000 }));
  };
  // It would let watches run on for a while; clients have to bear the loss of them at any time.
  const stopApiServer = () => apiServer.stop(1_000);
  const stop = async () => {
    await client.close();
    await programs.stop();
    await proxy?.stop();
    if (!keep) await rm(folder, { recursive: true, force: true });
  };
  try {
    etcd.start();
    await startApiServer();
    for (const file of options.crds ?? []) {
      await run.kubectl(['apply', '-f', file]);
      await run.kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', file]);
    }
    for (const program of others) program.start();
    for (let index = 0; index < (options.nodes ?? 1); index++)
      await client.create(NODES, nodeManifest(`node-${index}`));
    await ready([etcd, apiServer, ...others], () => assertUsable(client));
  } catch (error) {
    const tails = await programs.tails();
    await stop();
    throw new Error(`The control plane did not start: ${error instanceof Error ? error.message : error}\n${tails}`, {
      cause: error,
    });
  }
  return {
    ...run,
    url,
    kubeconfigPath,
    connection,
    binFolder,
    connectionFor: identity.connectionFor,
    kubeconfigFor: identity.writeKubeconfig,
    async routeService({ namespace, name, port = 443 }, target) {
      if (!proxy) throw new Error('routeService needs a control plane that was started with `services: true`');
      const { spec } = await client.get<{ spec: { clusterIP: string } }>(SERVICES, name, { namespace });
      proxy.route(`${spec.clusterIP}:${port}`, target);
    },
    stopApiServer,
    startApiServer,
    async restartApiServer() {
      await stopApiServer();
      await startApiServer();
    },
    stopEtcd: () => etcd.stop(),
    async startEtcd() {
      etcd.start();
      await ready([etcd], () => client.request({ method: 'GET', path: '/readyz', timeoutMs: 2_000 }));
    },
    logTails: () => programs.tails(),
    stop,
  };
}

async function useCluster(
  kubeconfigPath: string,
  binFolder: string,
  { crds = [] }: ControlPlaneOptions,
): Promise<ControlPlane> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-cluster-'));
  const connection = await loadConnection({ kubeconfig: kubeconfigPath });
  const notOurs = async () => {
    throw new Error('the cluster of WINDLASS_TEST_KUBECONFIG is not ours to stop; unset it to run this test');
  };
  const run = commands(kubeconfigPath, binFolder, folder);
  for (const file of crds) await run.kubectl(['apply', '-f', file]);
  const as = ({ name, groups = [] }: User): KubeConnection => ({
    ...connection,
    user: { ...connection.user, impersonate: { user: name, groups } },
  });
  return {
    ...run,
    url: connection.server,
    kubeconfigPath,
    connection,
    binFolder,
    connectionFor: as,
    kubeconfigFor: notOurs,
    routeService: notOurs,
    stopApiServer: notOurs,
    startApiServer: notOurs,
    restartApiServer: notOurs,
    stopEtcd: notOurs,
    startEtcd: notOurs,
    logTails: async () => '',
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

function commands(
  kubeconfig: string,
  binFolder: string,
  home: string,
): Pick<ControlPlane, 'kubectl' | 'helm' | 'apply'> {
  // Discovery caches and chart repositories go to a folder that goes away.
  const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig };
  const kubectl = (args: readonly string[], options?: RunOptions) =>
    runProgram(path.join(binFolder, 'kubectl'), args, env, options);
  return {
    kubectl,
    async helm(args, options) {
      const helm = path.join(binFolder, 'helm');
      const file = (await isProgram(helm))
        ? helm
        : path.join(await ensureBinaries({ log: () => {}, programs: ['helm'] }), 'helm');
      return runProgram(file, args, env, options);
    },
    apply(manifests, flags = []) {
      const input =
        typeof manifests === 'string' ? manifests : manifests.map((one) => JSON.stringify(one)).join('\n---\n');
      return kubectl(['apply', ...flags, '-f', '-'], { input });
    },
  };
}

/** Waits until `check` passes; fails early when one of the programs has ended. */
async function ready(programs: readonly Program[], check: () => Promise<unknown>): Promise<void> {
  let ended: unknown;
  await eventually(async () => {
    for (const program of programs) {
      ended = await program.assertRunning().catch((error: unknown) => error);
      if (ended) return;
    }
    await check();
  }, START_DEADLINE_MS);
  if (ended) throw ended;
}

/** The controllers are at work when `default` has its service account, KWOK when a node is ready. */
async function assertUsable(client: KubeClient): Promise<void> {
  await client.get(SERVICE_ACCOUNTS, 'default', { namespace: 'default' });
  const { items } = await client.list<{
    spec?: { taints?: unknown[] };
    status?: { conditions?: { type: string; status: string }[] };
  }>(NODES);
  const isReady = items.some(
    ({ spec, status }) =>
      !spec?.taints?.length && status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  );
  if (items.length > 0 && !isReady) throw new Error('no node is ready yet');
}

async function programFolder(log: (line: string) => void, wanted: readonly string[]): Promise<string> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (!assets) return ensureBinaries({ log, programs: [...wanted, 'helm'] });
  const missing: string[] = [];
  for (const name of wanted) if (!(await isProgram(path.join(assets, name)))) missing.push(name);
  if (missing.length > 0)
    throw new Error(`KUBEBUILDER_ASSETS (${assets}) lacks ${missing.join(', ')}; unset it to have them built`);
  return path.resolve(assets);
}

const isProgram = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
