import { createHash } from 'node:crypto';
import { describeError } from '../base/errors.ts';
import { resolveContainerEnv } from './container-env.ts';
import { resolvePodIdentity } from './pod-identity.ts';
import type { AuthProblem, ObjectRef, ResolvedAuth, ResolveRequest, TriggerAuthenticationSpec } from './types.ts';

/** Providers of secrets that are not served yet. */
const NOT_SERVED = ['hashiCorpVault', 'azureKeyVault', 'gcpSecretManager', 'awsSecretManager', 'oauth2'] as const;

/** Everything a resolution adds to on its way. */
interface Work {
  request: ResolveRequest;
  params: Record<string, string>;
  problems: AuthProblem[];
  dependencies: Map<string, ObjectRef>;
}

/** The object a trigger refers to, and the namespace of what that refers to. */
interface Reference {
  kind: 'TriggerAuthentication' | 'ClusterTriggerAuthentication';
  name: string;
  /** How the object is named in messages. */
  label: string;
  namespace: string;
  spec: TriggerAuthenticationSpec;
}

/**
 * Finds the authentication parameters, the pod identity and the environment that one trigger gets. A later source
 * wins over an earlier one. What is missing leaves its parameter empty and is told as a warning, since the trigger may
 * do without it (KEDA 2.21); what cannot work at all is told as an error.
 * @throws whatever a reader throws when it cannot know, for example KubernetesUnavailable
 */
export async function resolveTriggerAuthentication(request: ResolveRequest): Promise<ResolvedAuth> {
  const work: Work = { request, params: {}, problems: [], dependencies: new Map() };
  const reference = await findReference(work);
  const env = await environment(work, reference?.spec);
  if (reference) await addSources(work, reference);
  const podIdentity = await resolvePodIdentity({
    spec: reference?.spec.podIdentity,
    request,
    params: work.params,
    report: (severity, message) => report(work, severity, message, undefined),
    depend: (ref) => depend(work, ref.kind, ref.namespace, ref.name),
  });
  const { params, problems } = work;
  return {
    params,
    podIdentity,
    env,
    identity: digest({ params, podIdentity }),
    problems,
    dependencies: [...work.dependencies.values()],
  };
}

function report(work: Work, severity: AuthProblem['severity'], message: string, parameter: string | undefined) {
  work.problems.push({ severity, parameter, message });
}

function depend(work: Work, kind: string, namespace: string, name: string) {
  work.dependencies.set(`${kind}/${namespace}/${name}`, { kind, namespace, name });
}

async function findReference(work: Work): Promise<Reference | undefined> {
  const { trigger, object, readers, settings } = work.request;
  const ref = trigger.authenticationRef;
  if (!ref?.name) return undefined;
  const kind = ref.kind || 'TriggerAuthentication';
  if (kind !== 'TriggerAuthentication' && kind !== 'ClusterTriggerAuthentication') {
    const message = `authenticationRef.kind is "${kind}"; it must be TriggerAuthentication or ClusterTriggerAuthentication`;
    report(work, 'error', message, undefined);
    return undefined;
  }
  const cluster = kind === 'ClusterTriggerAuthentication';
  const label = cluster ? `${kind} ${ref.name}` : `${kind} ${object.namespace}/${ref.name}`;
  depend(work, kind, cluster ? '' : object.namespace, ref.name);
  const spec = await (cluster
    ? readers.clusterTriggerAuthentication(ref.name)
    : readers.triggerAuthentication(object.namespace, ref.name));
  if (!spec) {
    report(work, 'warning', `${label} does not exist; create it or mend authenticationRef.name`, undefined);
    return undefined;
  }
  const namespace = cluster ? settings.clusterObjectNamespace : object.namespace;
  return { kind, name: ref.name, label, namespace, spec };
}

/** The environment for `…FromEnv` fields, and the parameters that the authentication takes from it. */
async function environment(work: Work, spec: TriggerAuthenticationSpec | undefined): Promise<Record<string, string>> {
  const { trigger, object, podTemplate, envSourceContainerName, readers, settings } = work.request;
  const common = { podTemplate, namespace: object.namespace, readers, settings };
  for (const { parameter, name, containerName } of spec?.env ?? []) {
    const container = containerName || envSourceContainerName;
    const found = await resolveContainerEnv({ ...common, containerName: container, wanted: new Set([name]) });
    for (const ref of found.dependencies) depend(work, ref.kind, ref.namespace, ref.name);
    work.params[parameter] = found.env[name] ?? '';
    if (found.env[name] !== undefined) continue;
    const reasons = found.problems.map(({ message }) => message).join('; ');
    const message = `the target's container has no variable ${name} for the parameter "${parameter}"`;
    report(work, 'warning', reasons ? `${message}: ${reasons}` : message, parameter);
  }
  const wanted = variablesNamedIn(trigger.metadata ?? {});
  if (wanted.size === 0) return {};
  const { env, problems, dependencies } = await resolveContainerEnv({
    ...common,
    containerName: envSourceContainerName,
    wanted,
  });
  for (const ref of dependencies) depend(work, ref.kind, ref.namespace, ref.name);
  work.problems.push(...problems);
  return env;
}

/** Values of `…FromEnv` keys (and of Google's `credentialsFromEnvFile`) are names of variables. */
function variablesNamedIn(metadata: Readonly<Record<string, string>>): Set<string> {
  const named = Object.entries(metadata).filter(([key]) => key.includes('FromEnv'));
  return new Set(named.map(([, value]) => value.trim()).filter((name) => name !== ''));
}

async function addSources(work: Work, reference: Reference) {
  const { spec, label } = reference;
  for (const field of NOT_SERVED) {
    if (spec[field] === undefined) continue;
    const message = `${label} uses spec.${field}, which Windlass does not serve yet; put the value into a Secret and refer to it by spec.secretTargetRef`;
    report(work, 'error', message, undefined);
  }
  // KEDA 2.21: a file's content stands alone; what other sources would give is not asked for.
  if (spec.filePath) return addFile(work, reference, spec.filePath);
  await addKeys(work, reference, 'ConfigMap');
  await addKeys(work, reference, 'Secret');
  for (const { parameter, serviceAccountName } of spec.boundServiceAccountToken ?? []) {
    const { namespace } = reference;
    const token = await work.request.readers.serviceAccountToken(namespace, serviceAccountName);
    work.params[parameter] = token ?? '';
    if (token !== undefined) continue;
    const message = `${label} takes "${parameter}" from a token of ServiceAccount ${namespace}/${serviceAccountName}, which does not exist`;
    report(work, 'warning', message, parameter);
  }
}

async function addFile(work: Work, { kind, label }: Reference, path: string) {
  const { readers } = work.request;
  const fail = (why: string) => report(work, 'error', `${label} has spec.filePath "${path}": ${why}`, undefined);
  if (kind !== 'ClusterTriggerAuthentication') return fail('only a ClusterTriggerAuthentication may name a file');
  if (!readers.file) return fail('the operator runs without --filepath-auth-root-path');
  if (path.startsWith('/') || path.split('/').includes('..')) {
    return fail('it must be relative to the root of file authentication, without ".."');
  }
  let content: unknown;
  try {
    content = JSON.parse(await readers.file(path));
  } catch (error) {
    // The parser's message quotes the text, which holds credentials.
    return fail(error instanceof SyntaxError ? 'the file is not JSON' : describeError(error));
  }
  const isObject = typeof content === 'object' && content !== null && !Array.isArray(content);
  if (!isObject || Object.values(content as object).some((value) => typeof value !== 'string')) {
    return fail('the file must be a JSON object whose values are texts');
  }
  work.params = { ...(content as Record<string, string>) };
}

async function addKeys(work: Work, reference: Reference, kind: 'ConfigMap' | 'Secret') {
  const { spec, label, namespace } = reference;
  const { readers, settings } = work.request;
  const refs = kind === 'Secret' ? spec.secretTargetRef : spec.configMapTargetRef;
  for (const { parameter, name, key } of refs ?? []) {
    const object = `${kind} ${namespace}/${name}`;
    const missing = (why: string) => {
      work.params[parameter] = '';
      report(work, 'warning', `${label} takes "${parameter}" from key "${key}" of ${object}, ${why}`, parameter);
    };
    // KEDA 2.21 would read the Secret of that name in its own namespace, where nobody meant it to look and where the
    // author of a TriggerAuthentication may have no right to read.
    if (kind === 'Secret' && settings.restrictSecretAccess && namespace !== settings.clusterObjectNamespace) {
      missing(
        `but KEDA_RESTRICT_SECRET_ACCESS allows Secrets of ${settings.clusterObjectNamespace} only; use a ClusterTriggerAuthentication`,
      );
      continue;
    }
    depend(work, kind, namespace, name);
    const data = await (kind === 'Secret' ? readers.secret(namespace, name) : readers.configMap(namespace, name));
    const value = data?.[key];
    if (value !== undefined) work.params[parameter] = value;
    else missing(data ? 'which has no such key' : 'which does not exist');
  }
}

/** Equal for equal values whatever their order; tells nothing about them. */
function digest(value: { params: Record<string, string>; podIdentity: object }): string {
  const entries = (map: object) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([entries(value.params), entries(value.podIdentity)]);
  return createHash('sha256').update(text).digest('base64url');
}
