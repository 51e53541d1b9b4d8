import { type AnyObject, ApiError } from '../types.ts';
import type { Core } from './core.ts';

/** Where a Service is reached on this machine. */
export interface Destination {
  host: string;
  port: number;
  /** The name that the certificate of the other side has to be for. */
  serverName: string;
}

interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
}

interface Slice {
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[];
  ports?: { name?: string; port?: number }[];
}

interface Subset {
  addresses?: { ip: string }[];
  ports?: { name?: string; port: number }[];
}

interface PodParts {
  spec?: { containers?: { ports?: { name?: string; containerPort: number }[] }[] };
  status?: { podIP?: string; conditions?: { type: string; status: string }[] };
}

/**
 * Resolves a Service to an address that can be connected to: its external name, a ready endpoint, or a ready pod that
 * it selects.
 * @throws ApiError ServiceUnavailable when there is none
 */
export function resolveService(core: Core, namespace: string, name: string, port: number): Destination {
  const service = core.store.get('/services', `${namespace}/${name}`);
  const refuse = (why: string) => new ApiError('ServiceUnavailable', `service "${namespace}/${name}": ${why}`);
  if (!service) throw refuse('not found');
  const serverName = `${name}.${namespace}.svc`;
  const spec = (service.spec ?? {}) as {
    type?: string;
    externalName?: string;
    ports?: ServicePort[];
    selector?: Record<string, string>;
  };
  const wanted = spec.ports?.find((candidate) => candidate.port === port);
  if (spec.externalName) {
    const target = wanted?.targetPort;
    return { host: spec.externalName, port: typeof target === 'number' ? target : port, serverName };
  }
  if (!wanted) throw refuse(`has no port ${port}`);
  const address = endpointOf(core, namespace, name, wanted) ?? podOf(core, namespace, spec.selector, wanted);
  if (!address) throw refuse(`no endpoints available for port ${port}`);
  return { ...address, serverName };
}

function endpointOf(core: Core, namespace: string, name: string, wanted: ServicePort) {
  const fits = (port: { name?: string | undefined }) => (port.name ?? '') === (wanted.name ?? '');
  for (const slice of core.store.entries('discovery.k8s.io/endpointslices').values()) {
    const { metadata } = slice;
    if (metadata.namespace !== namespace || metadata.labels?.['kubernetes.io/service-name'] !== name) continue;
    const { endpoints = [], ports = [] } = slice as AnyObject & Slice;
    const port = ports.find(fits)?.port;
    const ready = endpoints.find(({ addresses, conditions }) => addresses?.length && conditions?.ready !== false);
    const host = ready?.addresses?.[0];
    if (host !== undefined && port !== undefined) return { host, port };
  }
  const endpoints = core.store.get('/endpoints', `${namespace}/${name}`) as
    | (AnyObject & { subsets?: Subset[] })
    | undefined;
  for (const { addresses = [], ports = [] } of endpoints?.subsets ?? []) {
    const port = ports.find(fits)?.port;
    const host = addresses[0]?.ip;
    if (host !== undefined && port !== undefined) return { host, port };
  }
  return undefined;
}

/** A ready pod of the selector, for the time before its endpoints are written (or when no controllers run). */
function podOf(core: Core, namespace: string, selector: Record<string, string> = {}, wanted: ServicePort) {
  const labels = Object.entries(selector);
  if (labels.length === 0) return undefined;
  const { targetPort = wanted.port } = wanted;
  for (const pod of core.store.entries('/pods').values()) {
    const { metadata } = pod;
    if (metadata.namespace !== namespace || metadata.deletionTimestamp) continue;
    if (!labels.every(([key, value]) => metadata.labels?.[key] === value)) continue;
    const { spec, status } = pod as AnyObject & PodParts;
    const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    const ports = spec?.containers?.flatMap((container) => container.ports ?? []) ?? [];
    const port =
      typeof targetPort === 'number' ? targetPort : ports.find(({ name }) => name === targetPort)?.containerPort;
    if (ready && status?.podIP && port !== undefined) return { host: status.podIP, port };
  }
  return undefined;
}
