import path from 'node:path';
import type { Clock } from '../../src/base/clock.ts';
import type { Logger } from '../../src/base/log.ts';
import type { ResourceType } from '../../src/base/object.ts';
import { PROJECT, startLocalCluster } from '../../src/cli/local-cluster.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import type { KubeConnection } from '../../src/kube/config.ts';
import { createStore } from '../../src/kube/store.ts';
import type { Program } from '../../src/sandbox/kubelet/index.ts';
import { startControlPlane } from './cluster/index.ts';
import type { Loose } from './operator.ts';

export interface TestClusterOptions {
  clock: Clock;
  log: Logger;
  /** Milliseconds between rounds of the autoscaler. */
  hpaSyncPeriodMs: number;
  /** Where the administrator's kubeconfig is to be written. */
  kubeconfig?: string | undefined;
  /** What runs in the pods of an image; on a control plane without kubelets nothing does. */
  programs?: Record<string, Program> | undefined;
}

/** A cluster with our CRDs and the namespace `keda`, of either sort. */
export interface TestCluster {
  /** The test's own client, with every right. */
  client: KubeClient;
  /** How an operator connects. */
  connection: KubeConnection;
  /** Calls `see` with spec.replicas of a workload, now and whenever it may have changed. Returns what ends that. */
  followReplicas(type: ResourceType, namespace: string, name: string, see: (replicas: number) => void): () => void;
  stop(): Promise<void>;
}

/** Starts a sandbox, or the real control plane when WINDLASS_TEST_CLUSTER is `control-plane`. */
export function startTestCluster(options: TestClusterOptions): Promise<TestCluster> {
  return process.env.WINDLASS_TEST_CLUSTER === 'control-plane' ? onControlPlane(options) : onSandbox(options);
}

async function onSandbox({ clock, log, ...options }: TestClusterOptions): Promise<TestCluster> {
  const { sandbox, client, connection, stop } = await startLocalCluster({ clock, log, port: 0, ...options });
  const { api } = sandbox;
  return {
    client,
    connection,
    followReplicas(type, namespace, name, see) {
      const show = (object: Loose | undefined) => {
        if (object?.spec?.replicas !== undefined) see(object.spec.replicas);
      };
      show(api.get<Loose>(type, name, namespace));
      return api.watch<Loose>(type, ({ type: change, object }) => {
        const { metadata } = object;
        if (metadata.name === name && metadata.namespace === namespace && change !== 'DELETED') show(object);
      });
    },
    stop,
  };
}

async function onControlPlane({ clock, log, hpaSyncPeriodMs }: TestClusterOptions): Promise<TestCluster> {
  const controlPlane = await startControlPlane({
    crds: [path.join(PROJECT, 'config/crd/all.yaml')],
    autoscaler: { syncPeriodSeconds: hpaSyncPeriodMs / 1_000 },
  });
  const client = createKubeClient(controlPlane.connection, { clock, log });
  const stop = async () => {
    await client.close();
    await controlPlane.stop();
  };
  try {
    const { kubectl } = controlPlane;
    await kubectl(['create', 'namespace', 'keda']);
    // Not one of system:masters: those need no roles, which the API server does not know in its first moments.
    await kubectl(['create', 'clusterrolebinding', 'operator', '--clusterrole=cluster-admin', '--user=operator']);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    client,
    connection: controlPlane.connectionFor({ name: 'operator' }),
    followReplicas(type, namespace, name, see) {
      const store = createStore({
        client,
        type,
        namespace,
        fieldSelector: `metadata.name=${name}`,
        project: ({ metadata, spec }: Loose) => ({
          metadata: { name: metadata.name, uid: metadata.uid ?? '' },
          replicas: Number(spec.replicas),
        }),
        clock,
        log,
      });
      store.onChange(({ type: change, object }) => {
        if (change !== 'deleted') see(object.replicas);
      });
      return () => store.stop();
    },
    stop,
  };
}
