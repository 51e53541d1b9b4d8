import type { KubeObject, ObjectMeta, ResourceType } from '../../base/object.ts';
import type { LabelSelector } from '../../base/selector.ts';

const type = (group: string, version: string, plural: string, kind: string, namespaced = true): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced,
});

export const PODS = type('', 'v1', 'pods', 'Pod');
export const NODES = type('', 'v1', 'nodes', 'Node', false);
export const EVENTS = type('', 'v1', 'events', 'Event');
export const SECRETS = type('', 'v1', 'secrets', 'Secret');
export const CONFIG_MAPS = type('', 'v1', 'configmaps', 'ConfigMap');
export const SERVICES = type('', 'v1', 'services', 'Service');
export const ENDPOINTS = type('', 'v1', 'endpoints', 'Endpoints');
export const NAMESPACES = type('', 'v1', 'namespaces', 'Namespace', false);
export const ENDPOINT_SLICES = type('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
export const JOBS = type('batch', 'v1', 'jobs', 'Job');
export const CRON_JOBS = type('batch', 'v1', 'cronjobs', 'CronJob');
export const DEPLOYMENTS = type('apps', 'v1', 'deployments', 'Deployment');
export const REPLICA_SETS = type('apps', 'v1', 'replicasets', 'ReplicaSet');
export const STATEFUL_SETS = type('apps', 'v1', 'statefulsets', 'StatefulSet');
export const CONTROLLER_REVISIONS = type('apps', 'v1', 'controllerrevisions', 'ControllerRevision');
export const HORIZONTAL_POD_AUTOSCALERS = type(
  'autoscaling',
  'v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
);

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  lastProbeTime?: string | null;
}

/** Quantities by resource name, as text or (from YAML) a number. */
export type Quantities = Record<string, string | number>;

export interface KeyRef {
  name: string;
  key: string;
  optional?: boolean;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: KeyRef;
    configMapKeyRef?: KeyRef;
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { containerName?: string; resource: string; divisor?: string };
  };
}

export interface Probe {
  exec?: { command: string[] };
  httpGet?: {
    path?: string;
    port: number | string;
    host?: string;
    scheme?: string;
    httpHeaders?: { name: string; value: string }[];
  };
  tcpSocket?: { port: number | string; host?: string };
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
}

export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: EnvVar[];
  envFrom?: {
    prefix?: string;
    secretRef?: { name: string; optional?: boolean };
    configMapRef?: { name: string; optional?: boolean };
  }[];
  resources?: { requests?: Quantities; limits?: Quantities };
  ports?: { name?: string; containerPort: number; protocol?: string }[];
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  startupProbe?: Probe;
  restartPolicy?: 'Always';
  volumeMounts?: { name: string; mountPath: string }[];
}

export interface Volume {
  name: string;
  emptyDir?: object;
  configMap?: { name: string; optional?: boolean; items?: { key: string; path: string }[] };
  secret?: { secretName: string; optional?: boolean; items?: { key: string; path: string }[] };
  [source: string]: unknown;
}

export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  hostname?: string;
  subdomain?: string;
  serviceAccountName?: string;
  terminationGracePeriodSeconds?: number;
  activeDeadlineSeconds?: number;
  volumes?: Volume[];
  readinessGates?: unknown[];
  schedulingGates?: unknown[];
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt: string };
  terminated?: {
    exitCode: number;
    signal?: number;
    reason?: string;
    message?: string;
    startedAt: string;
    finishedAt: string;
    containerID?: string;
  };
}

export interface ContainerStatus {
  name: string;
  image: string;
  imageID: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  state: ContainerState;
  lastState: ContainerState;
  containerID?: string;
}

export interface PodStatus {
  phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  reason?: string;
  message?: string;
  conditions?: Condition[];
  containerStatuses?: ContainerStatus[];
  initContainerStatuses?: ContainerStatus[];
  startTime?: string;
  podIP?: string;
  podIPs?: { ip: string }[];
  hostIP?: string;
  hostIPs?: { ip: string }[];
  qosClass?: string;
  observedGeneration?: number;
}

export interface Pod extends KubeObject {
  spec: PodSpec;
  status?: PodStatus;
}

export interface PodTemplate {
  metadata?: Partial<ObjectMeta>;
  spec: PodSpec;
}

export interface ReplicaSet extends KubeObject {
  spec: { replicas?: number; minReadySeconds?: number; selector: LabelSelector; template: PodTemplate };
  status?: ReplicaSetStatus;
}

export interface ReplicaSetStatus {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  terminatingReplicas?: number;
  observedGeneration?: number;
  conditions?: Condition[];
}

/** `metadata.namespace` of a namespaced object, which the API server always fills in. */
export function namespaceOf(object: KubeObject): string {
  return object.metadata.namespace ?? 'default';
}

/** `metadata.uid`, which the API server always fills in. */
export function uidOf(object: KubeObject): string {
  return object.metadata.uid ?? '';
}
