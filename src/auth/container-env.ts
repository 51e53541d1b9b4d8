import type { EnvFromSource, EnvVar } from '../api/pod.ts';
import type { AuthProblem, AuthReaders, AuthSettings, ContainerEnv, ObjectRef, PodTemplate } from './types.ts';

export interface ContainerEnvRequest {
  podTemplate: PodTemplate | undefined;
  /** The container to look at; the first when left out. */
  containerName?: string | undefined;
  /** Namespace of the workload. */
  namespace: string;
  /** Names of the variables that somebody wants; all when left out. */
  wanted?: ReadonlySet<string> | undefined;
  readers: AuthReaders;
  settings: AuthSettings;
}

export interface ContainerEnvResult {
  env: Record<string, string>;
  /** What is missing and not optional. */
  problems: AuthProblem[];
  dependencies: ObjectRef[];
}

/**
 * The environment of a target's container as the kubelet would set it, without what only a running pod knows
 * (fieldRef, resourceFieldRef). Secrets and ConfigMaps that feed none of the wanted variables are not read at all.
 * Init containers have no say; a target without containers has no environment (KEDA 2.21).
 */
export async function resolveContainerEnv(request: ContainerEnvRequest): Promise<ContainerEnvResult> {
  const { podTemplate, containerName, wanted } = request;
  const result: ContainerEnvResult = { env: {}, problems: [], dependencies: [] };
  const containers = podTemplate?.containers ?? [];
  if (containers.length === 0) return result;
  const container = containerName ? containers.find(({ name }) => name === containerName) : containers[0];
  if (!container) {
    const names = containers.map(({ name }) => `"${name}"`).join(', ');
    result.problems.push(
      problem(`the target has no container "${containerName}" to take the environment from; it has ${names}`),
    );
    return result;
  }
  const { variables, fromSources } = relevant(container, wanted);
  const sources = createSources(request, result);
  if (fromSources) for (const source of container.envFrom ?? []) await addSource(source, sources, result);
  for (const variable of variables) {
    const value = await variableValue(variable, container, sources, result);
    if (value !== undefined) result.env[variable.name] = value;
  }
  return result;
}

/**
 * Which entries of `env` the wanted variables depend on, and whether `envFrom` may feed one of them. Walks backwards:
 * the last entry of a name counts, and a `$(NAME)` refers to what stands before it.
 */
function relevant(container: ContainerEnv, wanted: ReadonlySet<string> | undefined) {
  const all = container.env ?? [];
  if (!wanted) return { variables: all, fromSources: true };
  const needed = new Set(wanted);
  const variables: EnvVar[] = [];
  for (const variable of [...all].reverse()) {
    if (!needed.delete(variable.name)) continue;
    variables.unshift(variable);
    for (const [, name = ''] of (variable.value ?? '').matchAll(/\$\(([^)]*)\)/g)) needed.add(name);
  }
  return { variables, fromSources: needed.size > 0 };
}

type Sources = ReturnType<typeof createSources>;

function createSources({ namespace, readers, settings }: ContainerEnvRequest, result: ContainerEnvResult) {
  const note = (kind: string, name: string) => result.dependencies.push({ kind, namespace, name });
  // KEDA 2.21: with restricted access, Secrets of other namespaces are left out of the environment.
  const secretsAllowed = !settings.restrictSecretAccess || namespace === settings.clusterObjectNamespace;
  return {
    namespace,
    secretsAllowed,
    secret(name: string) {
      note('Secret', name);
      return readers.secret(namespace, name);
    },
    configMap(name: string) {
      note('ConfigMap', name);
      return readers.configMap(namespace, name);
    },
  };
}

async function addSource(source: EnvFromSource, sources: Sources, result: ContainerEnvResult) {
  const { prefix = '', configMapRef, secretRef } = source;
  if (configMapRef?.name) {
    const data = await sources.configMap(configMapRef.name);
    if (data) addAll(result.env, prefix, data);
    else if (!configMapRef.optional) result.problems.push(missingObject('ConfigMap', sources, configMapRef.name));
  } else if (secretRef?.name && sources.secretsAllowed) {
    const data = await sources.secret(secretRef.name);
    if (data) addAll(result.env, prefix, data);
    else if (!secretRef.optional) result.problems.push(missingObject('Secret', sources, secretRef.name));
  }
}

async function variableValue(variable: EnvVar, container: ContainerEnv, sources: Sources, result: ContainerEnvResult) {
  const { value, valueFrom } = variable;
  if (!valueFrom) return expand(value ?? '', result.env);
  const { secretKeyRef, configMapKeyRef } = valueFrom;
  const ref = secretKeyRef ?? configMapKeyRef;
  if (!ref?.name || (secretKeyRef && !sources.secretsAllowed)) return undefined;
  const kind = secretKeyRef ? 'Secret' : 'ConfigMap';
  const data = await (secretKeyRef ? sources.secret(ref.name) : sources.configMap(ref.name));
  const found = data?.[ref.key];
  if (found !== undefined || ref.optional) return found;
  const where = `the variable ${variable.name} of container "${container.name}"`;
  result.problems.push(
    problem(
      data
        ? `${where} needs key "${ref.key}" of ${kind} ${sources.namespace}/${ref.name}, which has no such key`
        : `${where} needs ${kind} ${sources.namespace}/${ref.name}, which does not exist`,
    ),
  );
  return undefined;
}

/**
 * Kubernetes' expansion of `$(NAME)`: a name that is not known stays as it is written, `$$` is one dollar, and so
 * `$$(NAME)` is never expanded.
 */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) =>
    match === '$$' ? '$' : name !== undefined && Object.hasOwn(env, name) ? (env[name] ?? '') : match,
  );
}

function addAll(env: Record<string, string>, prefix: string, data: Readonly<Record<string, string>>) {
  for (const [key, value] of Object.entries(data)) env[prefix + key] = value;
}

function missingObject(kind: string, { namespace }: Sources, name: string): AuthProblem {
  return problem(`the target's environment needs ${kind} ${namespace}/${name}, which does not exist`);
}

function problem(message: string): AuthProblem {
  return { severity: 'error', parameter: undefined, message };
}
