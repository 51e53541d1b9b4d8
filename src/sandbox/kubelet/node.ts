import os from 'node:os';
import type { Clock } from '../../base/clock.ts';
import type { KubeObject } from '../../base/object.ts';
import { timestamp } from '../controllers/context.ts';
import type { Condition } from '../controllers/kinds.ts';
import { NODES } from '../controllers/kinds.ts';
import type { ClusterApi } from '../types.ts';
import { POD_IP } from './env.ts';

export interface NodeOptions {
  /** Default `sandbox-node`. */
  name?: string | undefined;
  /** Quantities; default what this machine has. */
  cpu?: string | undefined;
  memory?: string | undefined;
  /** How many pods fit; Kubernetes' default is 110. */
  pods?: number | undefined;
}

export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean; taints?: unknown[] };
  status?: { capacity?: Record<string, string>; allocatable?: Record<string, string>; conditions?: Condition[] };
}

const ARCHITECTURES: Record<string, string> = { x64: 'amd64' };

/** Creates the node object, or brings the one of an earlier run up to date. */
export async function registerNode(api: ClusterApi, clock: Clock, options: NodeOptions): Promise<Node> {
  const { name = 'sandbox-node', cpu = String(os.availableParallelism()), pods = 110 } = options;
  const memory = options.memory ?? `${Math.floor(os.totalmem() / 1024)}Ki`;
  const arch = ARCHITECTURES[os.arch()] ?? os.arch();
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': os.platform(),
    'kubernetes.io/arch': arch,
    'node-role.kubernetes.io/sandbox': '',
  };
  const amounts = { cpu, memory, pods: String(pods) };
  const now = timestamp(clock.now());
  const healthy = (type: string, status: 'True' | 'False', reason: string, message: string): Condition => ({
    type,
    status,
    reason,
    message,
    lastTransitionTime: now,
  });
  const status = {
    capacity: amounts,
    allocatable: amounts,
    addresses: [
      { type: 'InternalIP', address: POD_IP },
      { type: 'Hostname', address: name },
    ],
    conditions: [
      healthy('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      healthy('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      healthy('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      healthy('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ],
    nodeInfo: {
      architecture: arch,
      operatingSystem: os.platform(),
      kernelVersion: os.release(),
      osImage: `${os.type()} (local processes)`,
      containerRuntimeVersion: `process://node-${process.versions.node}`,
      kubeletVersion: 'v1.36.0+sandbox',
      kubeProxyVersion: '',
      bootID: '',
      machineID: '',
      systemUUID: '',
    },
  };
  const present = api.get<Node>(NODES, name);
  const metadata = { name, labels };
  const node = present
    ? await api.patch<Node>(NODES, name, undefined, { type: 'merge', patch: { metadata: { labels } } })
    : await api.create<Node>(NODES, { apiVersion: 'v1', kind: 'Node', metadata, spec: {} });
  return api.update<Node>(NODES, { ...node, status } as Node, 'status');
}
