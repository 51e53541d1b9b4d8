import { matchesLabels } from '../../../base/selector.ts';
import type { PodUsage } from '../../controllers/index.ts';
import { type AnyObject, ApiError } from '../../types.ts';
import type { Core } from '../core.ts';
import { readLabels } from '../select.ts';
import type { RemoteGroup } from './discovery.ts';
import type { ResourcePath } from './request.ts';
import { NO_RESOURCE } from './verbs.ts';

const API_VERSION = 'metrics.k8s.io/v1beta1';

/** metrics.k8s.io as discovery shows it. */
export const METRICS_GROUP: RemoteGroup = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  stale: false,
  resources: [
    { name: 'nodes', singularName: 'node', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', singularName: 'pod', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ],
};

export function isMetricsPath({ group, version }: ResourcePath): boolean {
  return group === METRICS_GROUP.group && version === METRICS_GROUP.version;
}

/** The answer of metrics.k8s.io/v1beta1: the CPU and memory of pods, and of the node as the sum of its pods. */
export function metricsDocument(
  core: Core,
  usage: () => PodUsage[],
  query: URLSearchParams,
  path: ResourcePath,
): object {
  if (path.resource === undefined) {
    const { resources } = METRICS_GROUP;
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: API_VERSION, resources };
  }
  const nodes = path.resource === 'nodes';
  if ((!nodes && path.resource !== 'pods') || path.subresource !== undefined)
    throw new ApiError('NotFound', NO_RESOURCE);
  const labels = readLabels(query.get('labelSelector') ?? '');
  const all = nodes ? nodeMetrics(core, usage()) : usage().map(podMetrics);
  const inScope = all.filter(
    ({ metadata }) =>
      (path.namespace === undefined || metadata.namespace === path.namespace) && matchesLabels(labels, metadata.labels),
  );
  const kind = nodes ? 'NodeMetrics' : 'PodMetrics';
  if (path.name === undefined) {
    const items = inScope.map(({ kind: _kind, apiVersion: _version, ...item }) => item);
    return { kind: `${kind}List`, apiVersion: API_VERSION, metadata: {}, items };
  }
  const one = inScope.find(({ metadata }) => metadata.name === path.name);
  if (one) return one;
  const named = nodes ? path.name : `${path.namespace}/${path.name}`;
  throw new ApiError('NotFound', `${kind.toLowerCase()}.metrics.k8s.io ${JSON.stringify(named)} not found`);
}

function podMetrics(pod: PodUsage): AnyObject {
  return {
    kind: 'PodMetrics',
    apiVersion: API_VERSION,
    metadata: { name: pod.name, namespace: pod.namespace, labels: pod.labels, creationTimestamp: moment(pod.at) },
    ...measured(pod),
    containers: pod.containers.map(({ name, cpuMilli, memoryBytes }) => ({
      name,
      usage: amounts(cpuMilli, memoryBytes),
    })),
  };
}

/** The sandbox has one node, so it uses what its pods use together. */
function nodeMetrics(core: Core, pods: PodUsage[]): AnyObject[] {
  const containers = pods.flatMap((pod) => pod.containers);
  const total = (of: (container: PodUsage['containers'][number]) => number) =>
    containers.reduce((sum, c) => sum + of(c), 0);
  const [first] = pods;
  const now = core.clock.now();
  return [...core.store.entries('/nodes').values()].map(({ metadata: { name, labels } }) => ({
    kind: 'NodeMetrics',
    apiVersion: API_VERSION,
    metadata: { name, ...(labels ? { labels } : {}), creationTimestamp: moment(now) },
    ...measured(first ?? { at: now, windowMs: 0 }),
    usage: amounts(
      total((c) => c.cpuMilli),
      total((c) => c.memoryBytes),
    ),
  }));
}

const moment = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`;
const measured = ({ at, windowMs }: { at: number; windowMs: number }) => ({
  timestamp: moment(at),
  window: `${(windowMs / 1000).toFixed(3)}s`,
});
const amounts = (cpuMilli: number, memoryBytes: number) => ({
  cpu: `${Math.round(cpuMilli * 1e6)}n`,
  memory: `${Math.ceil(memoryBytes / 1024)}Ki`,
});
