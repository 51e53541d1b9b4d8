import type { ResourceType } from '../../base/object.ts';
import { parseQuantity, quantityToNumber } from '../../base/quantity.ts';
import type { Container, EnvVar, KeyRef, Pod } from '../controllers/kinds.ts';
import { CONFIG_MAPS, namespaceOf, SECRETS, uidOf } from '../controllers/kinds.ts';
import type { AnyObject, ClusterApi } from '../types.ts';
import { ContainerConfigError, expand } from './command.ts';

export const POD_IP = '127.0.0.1';

/** What the node offers, for resourceFieldRef without a limit: Kubernetes gives the node's allocatable amount then. */
export interface NodeAmounts {
  cpu: string;
  memory: string;
}

/**
 * The variables that a container declares: `envFrom` first, then `env` in order, each able to name those before it as `$(NAME)`.
 * @throws ContainerConfigError naming the Secret, ConfigMap or field that is missing
 */
export function declaredEnv(
  api: ClusterApi,
  pod: Pod,
  container: Container,
  base: Record<string, string>,
  node: NodeAmounts,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const ref = secretRef ?? configMapRef;
    if (!ref) continue;
    const data = readData(api, secretRef ? SECRETS : CONFIG_MAPS, pod, ref.name, ref.optional);
    for (const [key, value] of Object.entries(data ?? {})) env[prefix + key] = value.toString('utf8');
  }
  for (const variable of container.env ?? []) {
    const value = variableOf(api, pod, container, variable, node);
    if (value !== undefined) env[variable.name] = variable.valueFrom ? value : expand(value, { ...base, ...env });
  }
  return env;
}

function variableOf(
  api: ClusterApi,
  pod: Pod,
  container: Container,
  { value, valueFrom }: EnvVar,
  node: NodeAmounts,
): string | undefined {
  if (!valueFrom) return value ?? '';
  if (valueFrom.secretKeyRef) return keyValue(api, SECRETS, pod, valueFrom.secretKeyRef);
  if (valueFrom.configMapKeyRef) return keyValue(api, CONFIG_MAPS, pod, valueFrom.configMapKeyRef);
  if (valueFrom.fieldRef) return fieldOf(pod, valueFrom.fieldRef.fieldPath);
  if (valueFrom.resourceFieldRef) return amountOf(pod, container, valueFrom.resourceFieldRef, node);
  return undefined;
}

function keyValue(api: ClusterApi, type: ResourceType, pod: Pod, ref: KeyRef): string | undefined {
  const data = readData(api, type, pod, ref.name, ref.optional);
  const value = data?.[ref.key];
  if (value === undefined && data !== undefined && !ref.optional)
    throw new ContainerConfigError(`couldn't find key ${ref.key} in ${type.kind} ${namespaceOf(pod)}/${ref.name}`);
  return value?.toString('utf8');
}

/** The contents of a Secret or ConfigMap by key; undefined when it is absent and may be. */
export function readData(
  api: ClusterApi,
  type: ResourceType,
  pod: Pod,
  name: string,
  optional: boolean | undefined,
): Record<string, Buffer> | undefined {
  const object = api.get<AnyObject>(type, name, namespaceOf(pod));
  if (!object) {
    if (optional) return undefined;
    throw new ContainerConfigError(`${type.kind.toLowerCase()} "${name}" not found`);
  }
  const textOf = (field: unknown) => Object.entries((field ?? {}) as Record<string, string>);
  const data: Record<string, Buffer> = {};
  const encoded = type === SECRETS ? object.data : object.binaryData;
  if (type === CONFIG_MAPS) for (const [key, text] of textOf(object.data)) data[key] = Buffer.from(text);
  for (const [key, text] of textOf(encoded)) data[key] = Buffer.from(text, 'base64');
  return data;
}

/** A field of the pod by its downward API path. @throws ContainerConfigError for a path that Kubernetes does not know */
export function fieldOf(pod: Pod, path: string): string {
  const { metadata, spec } = pod;
  const entry = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (entry) return metadata[entry[1] as 'labels' | 'annotations']?.[entry[2] ?? ''] ?? '';
  const fields: Record<string, string> = {
    'metadata.name': metadata.name,
    'metadata.namespace': namespaceOf(pod),
    'metadata.uid': uidOf(pod),
    'spec.nodeName': spec.nodeName ?? '',
    'spec.serviceAccountName': spec.serviceAccountName ?? 'default',
    'status.hostIP': POD_IP,
    'status.hostIPs': POD_IP,
    'status.podIP': POD_IP,
    'status.podIPs': POD_IP,
  };
  const value = fields[path];
  if (value === undefined) throw new ContainerConfigError(`field path "${path}" is not one that a variable can take`);
  return value;
}

function amountOf(
  pod: Pod,
  container: Container,
  ref: { containerName?: string; resource: string; divisor?: string },
  node: NodeAmounts,
): string {
  const from = pod.spec.containers.find((c) => c.name === (ref.containerName ?? container.name)) ?? container;
  const match = /^(limits|requests)\.(cpu|memory)$/.exec(ref.resource);
  if (!match) throw new ContainerConfigError(`resource "${ref.resource}" is not one that a variable can take`);
  const name = match[2] as 'cpu' | 'memory';
  const { limits, requests } = from.resources ?? {};
  const given = match[1] === 'limits' ? (limits?.[name] ?? node[name]) : (requests?.[name] ?? limits?.[name] ?? '0');
  const divisor = quantityToNumber(parseQuantity(ref.divisor && ref.divisor !== '0' ? ref.divisor : '1'));
  // Kubernetes: rounded up to a whole number of divisors.
  return String(Math.ceil(quantityToNumber(parseQuantity(String(given))) / divisor));
}
