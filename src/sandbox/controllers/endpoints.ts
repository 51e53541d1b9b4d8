import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ResourceType } from '../../base/object.ts';
import { keyOf } from '../../base/object.ts';
import { matchesLabels, requirementsOf } from '../../base/selector.ts';
import type { Running } from '../types.ts';
import type { ControllerContext } from './context.ts';
import { deleteIfPresent, ownedBy } from './context.ts';
import type { Pod } from './kinds.ts';
import { ENDPOINT_SLICES, ENDPOINTS, namespaceOf, PODS, SERVICES, uidOf } from './kinds.ts';
import { isFinished, isReady } from './pods.ts';
import { createQueue, splitKey } from './queue.ts';

interface ServicePort {
  name?: string;
  port: number;
  protocol?: string;
  targetPort?: number | string;
}

interface Service extends KubeObject {
  spec: {
    selector?: Record<string, string>;
    ports?: ServicePort[];
    type?: string;
    publishNotReadyAddresses?: boolean;
  };
}

interface Endpoints extends KubeObject {
  subsets?: object[];
}

interface EndpointSlice extends KubeObject {
  addressType: string;
  endpoints: object[];
  ports?: object[];
}

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const SERVICE_NAME = 'kubernetes.io/service-name';

interface Port {
  name?: string;
  port: number;
  protocol: string;
}

/** Writes the pods behind each Service with a selector into its Endpoints and EndpointSlices, one slice per set of ports. */
export function startEndpointsController({ api, clock, log }: ControllerContext): Running {
  const queue = createQueue({
    name: 'endpoints',
    clock,
    log,
    async reconcile(key) {
      const [namespace, name] = splitKey(key);
      const service = api.get<Service>(SERVICES, name, namespace);
      if (!service) {
        // Kubernetes: Endpoints have no owner, the controller itself takes them away; slices go with their owner.
        const left = api.get<Endpoints>(ENDPOINTS, name, namespace);
        if (left?.metadata.labels?.[MANAGED_LABEL]) await deleteIfPresent(api, ENDPOINTS, left);
        return undefined;
      }
      const { selector, type } = service.spec;
      if (!selector || Object.keys(selector).length === 0 || type === 'ExternalName') return undefined;
      const groups = groupByPorts(service, podsOf(service));
      await writeEndpoints(service, groups);
      await writeSlices(service, groups);
      return undefined;
    },
  });

  const podsOf = ({ spec, metadata }: Service) =>
    api
      .list<Pod>(PODS, {
        namespace: metadata.namespace ?? 'default',
        labels: requirementsOf({ matchLabels: spec.selector ?? {} }),
      })
      .filter((pod) => pod.status?.podIP && !isFinished(pod))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));

  const writeEndpoints = async (service: Service, groups: Group[]) => {
    const { name, namespace } = service.metadata;
    const addressOf = (pod: Pod) => ({
      ip: pod.status?.podIP,
      ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
      targetRef: { kind: 'Pod', namespace, name: pod.metadata.name, uid: uidOf(pod) },
    });
    const open = service.spec.publishNotReadyAddresses === true;
    const subsets = groups.map(({ ports, pods }) => {
      const alive = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
      const ready = alive.filter((pod) => open || isReady(pod));
      const others = alive.filter((pod) => !ready.includes(pod));
      return {
        ...(ready.length > 0 ? { addresses: ready.map(addressOf) } : {}),
        ...(others.length > 0 ? { notReadyAddresses: others.map(addressOf) } : {}),
        ...(ports.length > 0 ? { ports } : {}),
      };
    });
    const wanted = subsets.filter((subset) => 'addresses' in subset || 'notReadyAddresses' in subset);
    const current = api.get<Endpoints>(ENDPOINTS, name, namespace);
    if (current && same(current.subsets ?? [], wanted)) return;
    const labels = { ...service.metadata.labels, [MANAGED_LABEL]: 'endpoints-controller' };
    if (current) await api.update(ENDPOINTS, { ...current, subsets: wanted } as Endpoints);
    else await api.create(ENDPOINTS, { metadata: { name, labels }, subsets: wanted }, namespace);
  };

  const writeSlices = async (service: Service, groups: Group[]) => {
    const namespace = namespaceOf(service);
    const slices = api
      .list<EndpointSlice>(ENDPOINT_SLICES, { namespace })
      .filter((slice) => slice.metadata.labels?.[SERVICE_NAME] === service.metadata.name)
      .filter((slice) => slice.metadata.labels?.[MANAGED_BY] === MANAGER);
    const open = service.spec.publishNotReadyAddresses === true;
    // A Service without pods has one empty slice, as in Kubernetes.
    const wanted = groups.length > 0 ? groups : [{ ports: [], pods: [] }];
    for (const { ports, pods } of wanted) {
      const endpoints = pods.map((pod) => {
        const terminating = pod.metadata.deletionTimestamp !== undefined;
        const serving = isReady(pod);
        return {
          addresses: [pod.status?.podIP],
          conditions: { ready: (serving && !terminating) || open, serving, terminating },
          ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
          targetRef: { kind: 'Pod', namespace, name: pod.metadata.name, uid: uidOf(pod) },
        };
      });
      const at = slices.findIndex((slice) => same(slice.ports ?? [], ports));
      const [present] = slices.splice(Math.max(at, 0), 1);
      if (present && same(present.endpoints, endpoints) && same(present.ports ?? [], ports)) continue;
      if (present) await api.update(ENDPOINT_SLICES, { ...present, endpoints, ports } as EndpointSlice);
      else
        await api.create(
          ENDPOINT_SLICES,
          {
            metadata: {
              generateName: `${service.metadata.name}-`,
              labels: { ...service.metadata.labels, [SERVICE_NAME]: service.metadata.name, [MANAGED_BY]: MANAGER },
              ownerReferences: [ownedBy(SERVICES, service)],
            },
            addressType: 'IPv4',
            endpoints,
            ports,
          },
          namespace,
        );
    }
    for (const slice of slices) await deleteIfPresent(api, ENDPOINT_SLICES, slice);
  };

  const wake = (pod: Pod) => {
    const { namespace, labels } = pod.metadata;
    if (!labels || !namespace) return;
    for (const service of api.list<Service>(SERVICES, { namespace })) {
      const selector = service.spec.selector ?? {};
      if (Object.keys(selector).length > 0 && matchesLabels(requirementsOf({ matchLabels: selector }), labels))
        queue.add(keyOf(service));
    }
  };
  const stops = [
    api.watch<Pod>(PODS, ({ object, previous }) => {
      if (previous && facts(previous) === facts(object) && same(previous.metadata.labels, object.metadata.labels))
        return;
      if (previous && !same(previous.metadata.labels, object.metadata.labels)) wake(previous);
      wake(object);
    }),
    ...[SERVICES, ENDPOINTS].map((type: ResourceType) => api.watch(type, ({ object }) => queue.add(keyOf(object)))),
  ];
  for (const service of api.list<Service>(SERVICES)) queue.add(keyOf(service));

  return {
    async stop() {
      for (const stop of stops) stop();
      await queue.stop();
    },
  };
}

/** Kubernetes: marks the Endpoints that the controller made, and may take away. */
const MANAGED_LABEL = 'endpoints.kubernetes.io/managed-by';

interface Group {
  ports: Port[];
  pods: Pod[];
}

/** Named target ports may have another number in every pod, so pods are grouped by what their ports come to. */
function groupByPorts(service: Service, pods: Pod[]): Group[] {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    const ports: Port[] = [];
    for (const { name, port, protocol = 'TCP', targetPort = port } of service.spec.ports ?? []) {
      const number = typeof targetPort === 'number' ? targetPort : namedPort(pod, targetPort, protocol);
      if (number !== undefined) ports.push({ ...(name ? { name } : {}), port: number, protocol });
    }
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, pods: [] };
    groups.set(key, group);
    group.pods.push(pod);
  }
  return [...groups.values()];
}

function namedPort(pod: Pod, name: string, protocol: string): number | undefined {
  for (const container of pod.spec.containers)
    for (const port of container.ports ?? [])
      if (port.name === name && (port.protocol ?? 'TCP') === protocol) return port.containerPort;
  return /^\d+$/.test(name) ? Number(name) : undefined;
}

/** What of a pod an endpoint shows. */
function facts(pod: Pod): string {
  return JSON.stringify([
    pod.status?.podIP,
    isReady(pod),
    isFinished(pod),
    pod.metadata.deletionTimestamp !== undefined,
    pod.spec.nodeName,
  ]);
}

function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a ?? null)), JSON.parse(JSON.stringify(b ?? null)));
}
