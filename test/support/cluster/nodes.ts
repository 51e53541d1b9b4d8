import { writeFile } from 'node:fs/promises';
import path from 'node:path';

/** How the pods of the fake nodes behave. */
export interface PodBehaviour {
  /** From being scheduled to being Ready. */
  readyAfterMs: number;
  /** For how long the pods of a Job run before they succeed; the annotation of a pod wins. */
  jobsRunForMs: number;
}

/** Annotation of a Job's pod: for how long it runs before it succeeds, as a Go duration such as `30s`. */
export const RUNS_FOR = 'test.windlass.dev/runs-for';

const NODE_ANNOTATION = 'kwok.x-k8s.io/node';

export function nodeManifest(name: string) {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: { [NODE_ANNOTATION]: 'fake' },
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
    },
  };
}

type Requirement = [key: string, operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', ...values: string[]];

interface Stage {
  kind: 'Node' | 'Pod';
  when: Requirement[];
  delay?: object;
  next: object;
}

/** Writes what KWOK is to do with nodes and pods, and returns the path. */
export async function writeKwokConfig(folder: string, { readyAfterMs, jobsRunForMs }: PodBehaviour): Promise<string> {
  const living: Requirement = ['.metadata.deletionTimestamp', 'DoesNotExist'];
  const stages: Record<string, Stage> = {
    'node-ready': {
      kind: 'Node',
      when: [['.status.conditions.[] | select( .type == "Ready" ) | .status', 'NotIn', 'True']],
      next: { statusTemplate: NODE_READY },
    },
    'pod-ready': {
      kind: 'Pod',
      when: [living, ['.status.phase', 'In', 'Pending'], ['.status.podIP', 'DoesNotExist']],
      delay: { durationMilliseconds: readyAfterMs },
      next: { statusTemplate: POD_READY },
    },
    'pod-succeeded': {
      kind: 'Pod',
      when: [living, ['.status.phase', 'In', 'Running'], ['.metadata.ownerReferences.[].kind', 'In', 'Job']],
      delay: {
        durationMilliseconds: jobsRunForMs,
        durationFrom: { jq: { expression: `.metadata.annotations["${RUNS_FOR}"]` } },
      },
      next: { statusTemplate: POD_SUCCEEDED },
    },
    'pod-gone': {
      kind: 'Pod',
      when: [['.metadata.deletionTimestamp', 'Exists']],
      next: { finalizers: { empty: true }, delete: true },
    },
  };
  const documents: object[] = [
    {
      apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
      kind: 'KwokConfiguration',
      options: {
        manageAllNodes: false,
        manageNodesWithAnnotationSelector: `${NODE_ANNOTATION}=fake`,
        cidr: '10.244.0.0/16',
        nodeIP: '10.1.0.1',
        nodeLeaseDurationSeconds: 40,
        nodeLeaseParallelism: 2,
        nodePlayStageParallelism: 2,
        podPlayStageParallelism: 8,
        podsOnNodeSyncParallelism: 2,
        enablePodsOnNodeSyncStreamWatch: true,
      },
    },
    ...Object.entries(stages).map(([name, { kind, when, delay, next }]) => ({
      apiVersion: 'kwok.x-k8s.io/v1alpha1',
      kind: 'Stage',
      metadata: { name },
      spec: {
        resourceRef: { apiGroup: 'v1', kind },
        selector: { matchExpressions: when.map(([key, operator, ...values]) => ({ key, operator, values })) },
        ...(delay ? { delay } : {}),
        next,
      },
    })),
  ];
  const file = path.join(folder, 'kwok.yaml');
  await writeFile(file, documents.map((document) => JSON.stringify(document)).join('\n---\n'));
  return file;
}

const NODE_READY = `
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
addresses:
- address: {{ NodeIP | Quote }}
  type: InternalIP
allocatable: { cpu: 1k, memory: 1Ti, pods: 1M }
capacity: { cpu: 1k, memory: 1Ti, pods: 1M }
nodeInfo:
  architecture: amd64
  bootID: ""
  containerRuntimeVersion: kwok
  kernelVersion: kwok
  kubeProxyVersion: kwok
  kubeletVersion: kwok
  machineID: ""
  operatingSystem: linux
  osImage: ""
  systemUUID: ""
phase: Running
`;

const POD_READY = `
{{ $now := Now }}
conditions:
{{ range list "Initialized" "Ready" "ContainersReady" }}
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: {{ . | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  started: true
  state: { running: { startedAt: {{ $now | Quote }} } }
{{ end }}
hostIP: {{ index (NodeIPsWith .spec.nodeName) 0 | Quote }}
podIP: {{ index (PodIPsWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace) 0 | Quote }}
podIPs:
- ip: {{ index (PodIPsWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace) 0 | Quote }}
phase: Running
startTime: {{ $now | Quote }}
`;

const POD_SUCCEEDED = `
{{ $now := Now }}
conditions:
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: Initialized
- lastTransitionTime: {{ $now | Quote }}
  status: "False"
  reason: PodCompleted
  type: Ready
- lastTransitionTime: {{ $now | Quote }}
  status: "False"
  reason: PodCompleted
  type: ContainersReady
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: false
  restartCount: 0
  started: false
  state:
    terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} }
{{ end }}
phase: Succeeded
`;
