import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { startAggregation } from './api/aggregation.ts';
import { clusterApiOf } from './api/cluster-api.ts';
import type { Core } from './api/core.ts';
import { announceAuthentication, announceGroups, announceServer, kubeconfigOf } from './api/endpoint.ts';
import { externalMetrics } from './api/external-metrics.ts';
import { startServer } from './api/http/server.ts';
import { createDefaults, fillNamespaces, serveDefinitions } from './api/lifecycle.ts';
import { createOutgoing } from './api/outgoing.ts';
import { createRegistry } from './api/registry.ts';
import { createMachinery } from './api/schema-machinery.ts';
import { type Identity, makeIdentity, parseIdentity } from './api/security/identity.ts';
import { createTokens } from './api/security/tokens.ts';
import { createWebhooks } from './api/webhooks.ts';
import { startControllers } from './controllers/index.ts';
import { type Kubelet, type Program, startKubelet } from './kubelet/index.ts';
import type { NodeOptions } from './kubelet/node.ts';
import { jsonPatch } from './patch/json-patch.ts';
import { openSavedState, type SavedState } from './store/sqlite.ts';
import { createStore, type Persistence } from './store/store.ts';
import { toTable } from './tables/index.ts';
import type { AnyObject, ClusterApi, Running } from './types.ts';

export interface ClusterOptions {
  clock: Clock;
  log: Logger;
  persistence?: Persistence | undefined;
  /** The CA's certificate that namespaces get as kube-root-ca.crt. */
  ca?: string | undefined;
}

/** An API without a network: the store, the types and what belongs to every cluster. */
export async function createCluster({ clock, log, persistence, ca }: ClusterOptions): Promise<{
  core: Core;
  api: ClusterApi;
  stop(): void;
}> {
  const store = createStore({ log, persistence });
  const core: Core = { store, registry: createRegistry(), machinery: createMachinery(), clock, log };
  const stops = [serveDefinitions(core), fillNamespaces(core, ca)];
  await createDefaults(core);
  return {
    core,
    api: clusterApiOf(core),
    stop() {
      for (const stop of stops) stop();
      store.close();
    },
  };
}

/** The in-process API alone, for controllers and their tests. */
export async function createClusterApi(options: ClusterOptions): Promise<ClusterApi> {
  return (await createCluster(options)).api;
}

export interface SandboxOptions {
  clock: Clock;
  log: Logger;
  /** Where objects, keys and pods' files are kept; without it everything is gone after `stop`. */
  dataDir?: string | undefined;
  /** Default 0: a free one. */
  port?: number | undefined;
  /** Where to write a kubeconfig for the administrator (readable by its owner only). */
  kubeconfig?: string | undefined;
  /** Default true; false serves plain HTTP. */
  tls?: boolean | undefined;
  /** Default true; false leaves out the controllers and the node, so that nothing happens by itself. */
  controllers?: boolean | undefined;
  /** Milliseconds between rounds of the autoscaler; default 15000, as in Kubernetes. */
  hpaSyncPeriodMs?: number | undefined;
  /** Name and size of the node; default what this machine has. */
  node?: NodeOptions | undefined;
  /** Programs that stand for container images. */
  programs?: Record<string, Program> | undefined;
}

export interface Sandbox extends Running {
  url: string;
  port: number;
  /** The administrator's bearer token. */
  token: string;
  /** The CA of the server's certificate (PEM); undefined without TLS. */
  ca: string | undefined;
  kubeconfig: Record<string, unknown>;
  kubeconfigPath: string | undefined;
  api: ClusterApi;
  /** Ends everything: connections, controllers, pods' processes. */
  stop(): Promise<void>;
}

/**
 * Starts a Kubernetes-compatible cluster in this process.
 * @throws WindlassError PortInUse, or InvalidArgument when dataDir cannot be used
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, log, dataDir } = options;
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const saved = dataDir === undefined ? undefined : await openSavedState(dataDir);
    const identity = identityOf(saved, clock.now());
    const tls = options.tls !== false;
    const ca = tls ? identity.ca.cert : undefined;
    const cluster = await createCluster({ clock, log, persistence: saved, ca: identity.ca.cert });
    undo.push(() => cluster.stop());
    const { core, api } = cluster;
    const outgoing = createOutgoing();
    undo.push(() => outgoing.close());
    core.admission = createWebhooks(core, outgoing, (object, patch) => jsonPatch(object, patch) as AnyObject);
    const aggregation = startAggregation(core, outgoing, identity.requestHeaderClient);
    undo.push(() => aggregation.stop());
    const tokens = createTokens(core, identity);
    await announceAuthentication(core, identity);
    undo.push(announceGroups(core));
    const running: { kubelet?: Kubelet } = {};
    const server = await startServer({
      core,
      tokens,
      aggregation,
      toTable,
      openApi: core.machinery.openApi,
      podLogs: (namespace, name, logOptions) => {
        if (!running.kubelet) throw new Error('no pods run in this sandbox, so there are no logs');
        return running.kubelet.podLogs(namespace, name, logOptions);
      },
      podUsage: options.controllers === false ? undefined : () => running.kubelet?.podUsage() ?? [],
      port: options.port ?? 0,
      certificate: tls ? identity.serving : undefined,
    });
    undo.push(() => server.stop());
    await announceServer(core, server.port);
    if (options.controllers !== false) {
      const controllers = startControllers({
        api,
        clock,
        log,
        metrics: externalMetrics(aggregation),
        podUsage: () => running.kubelet?.podUsage() ?? [],
        hpaSyncPeriodMs: options.hpaSyncPeriodMs,
      });
      undo.push(() => controllers.stop());
      const stateDir =
        dataDir === undefined ? mkdtempSync(path.join(tmpdir(), 'windlass-sandbox-')) : path.join(dataDir, 'node');
      if (dataDir === undefined) undo.push(() => rmSync(stateDir, { recursive: true, force: true }));
      running.kubelet = await startKubelet({
        api,
        clock,
        log,
        stateDir,
        programs: options.programs,
        node: options.node,
        env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(server.port) },
        serviceAccountToken: (namespace, name) => {
          const serviceAccount = core.store.get('/serviceaccounts', `${namespace}/${name}`);
          if (!serviceAccount) throw new Error(`service account ${namespace}/${name} does not exist`);
          return tokens.issue({ serviceAccount, audiences: [], seconds: 365 * 24 * 3600 }).token;
        },
      });
      const { kubelet } = running;
      undo.push(() => kubelet.stop());
    }
    const kubeconfig = kubeconfigOf(server.url, ca, identity.adminToken);
    if (options.kubeconfig !== undefined) writeKubeconfig(options.kubeconfig, kubeconfig);
    const { url, port } = server;
    return { url, port, token: identity.adminToken, ca, kubeconfig, kubeconfigPath: options.kubeconfig, api, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function identityOf(saved: SavedState | undefined, now: number): Identity {
  const known = parseIdentity(saved?.setting('identity'));
  if (known) return known;
  const made = makeIdentity(now);
  saved?.saveSetting('identity', JSON.stringify(made));
  return made;
}

function writeKubeconfig(file: string, kubeconfig: object): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, stringify(kubeconfig), { mode: 0o600 });
  // The mode above is only for new files.
  chmodSync(file, 0o600);
}
