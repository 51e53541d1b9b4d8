import { type AnyObject, ApiError } from '../../types.ts';
import { type Core, read, timestamp } from '../core.ts';
import { notFound } from '../failures.ts';
import type { Caller } from '../machinery.ts';
import { parseDeleteOptions, remove } from '../remove.ts';
import type { Resource } from '../resource.ts';
import { ISSUER, type Tokens } from '../security/tokens.ts';
import { change, save, type Target } from '../write.ts';
import type { ResourcePath } from './request.ts';
import { type Exchange, send } from './respond.ts';
import { readObject, writeContext } from './verbs.ts';

export interface LogOptions {
  follow: boolean;
  container?: string | undefined;
  previous: boolean;
  timestamps: boolean;
  tailLines?: number | undefined;
  sinceSeconds?: number | undefined;
  /** Milliseconds since 1970. */
  sinceTime?: number | undefined;
  limitBytes?: number | undefined;
  signal: AbortSignal;
}

/** Reads what a pod's process wrote; ends when it is read (or, when following, when the run ends or the signal is aborted). */
export type PodLogs = (namespace: string, name: string, options: LogOptions) => AsyncIterable<string | Uint8Array>;

export interface SpecialContext {
  core: Core;
  tokens: Tokens;
  podLogs?: PodLogs | undefined;
  stopped: AbortSignal;
}

const STREAMS = new Set(['exec', 'attach', 'portforward', 'proxy']);

/** Answers for the subresources that are neither status nor scale; false when the path is none of them. */
export async function serveSpecial(
  context: SpecialContext,
  exchange: Exchange,
  resource: Resource,
  path: ResourcePath,
  caller: Caller,
): Promise<boolean> {
  if (path.name === undefined || path.subresource === undefined) return false;
  const target: Target = { resource, namespace: path.namespace, name: path.name };
  if (resource.storage === '/pods' && STREAMS.has(path.subresource)) {
    const message = `pods/${path.subresource} is not served: pods of the sandbox are processes of this machine`;
    throw new ApiError('MethodNotAllowed', message);
  }
  switch (`${exchange.request.method} ${resource.storage}/${path.subresource}`) {
    case 'GET /pods/log':
      await sendLogs(context, exchange, target);
      return true;
    case 'POST /pods/binding':
      await bind(context.core, exchange, target, caller);
      return true;
    case 'POST /pods/eviction':
      await evict(context.core, exchange, target, caller);
      return true;
    case 'PUT /namespaces/finalize':
      await finalize(context.core, exchange, target);
      return true;
    case 'POST /serviceaccounts/token':
      await issueToken(context, exchange, target);
      return true;
    default:
      return false;
  }
}

async function sendLogs({ core, podLogs, stopped }: SpecialContext, exchange: Exchange, target: Target): Promise<void> {
  const { query, response } = exchange;
  const { name, namespace = '' } = target;
  const pod = read(core, target.resource, namespace, name);
  if (!pod) throw notFound(target.resource.type, name);
  if (!podLogs) throw new ApiError('ServiceUnavailable', 'no pods run in this sandbox, so there are no logs');
  const flag = (key: string) => query.get(key) === 'true';
  const number = (key: string) => {
    const text = query.get(key);
    if (text === null) return undefined;
    if (!/^\d+$/.test(text))
      throw new ApiError('BadRequest', `${key} must be a whole number, not ${JSON.stringify(text)}`);
    return Number(text);
  };
  const container = query.get('container') ?? undefined;
  const containers = ((pod.spec as { containers?: { name: string }[] }).containers ?? []).map((c) => c.name);
  const inits = ((pod.spec as { initContainers?: { name: string }[] }).initContainers ?? []).map((c) => c.name);
  if (container !== undefined && ![...containers, ...inits].includes(container)) {
    throw new ApiError('BadRequest', `container ${container} is not valid for pod ${name}`);
  }
  if (container === undefined && containers.length > 1) {
    throw new ApiError(
      'BadRequest',
      `a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]`,
    );
  }
  const ended = new AbortController();
  const end = () => ended.abort();
  response.on('close', end);
  stopped.addEventListener('abort', end, { once: true });
  const options: LogOptions = {
    follow: flag('follow'),
    container: container ?? containers[0],
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    tailLines: number('tailLines'),
    sinceSeconds: number('sinceSeconds'),
    sinceTime: momentOf(query.get('sinceTime')),
    limitBytes: number('limitBytes'),
    signal: ended.signal,
  };
  try {
    for await (const chunk of podLogs(namespace, name, options)) {
      if (ended.signal.aborted) break;
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/plain' });
      if (response.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        response.once('drain', resolve);
        response.once('close', resolve);
      });
    }
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/plain' });
    response.end();
  } catch (error) {
    if (!ended.signal.aborted) throw error;
    response.end();
  } finally {
    stopped.removeEventListener('abort', end);
  }
}

function momentOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new ApiError(
      'BadRequest',
      `sinceTime must be a moment such as 2026-01-31T12:00:00Z, not ${JSON.stringify(text)}`,
    );
  return at;
}

async function bind(core: Core, exchange: Exchange, target: Target, caller: Caller): Promise<void> {
  const binding = await readObject(exchange);
  const node = (binding.target as { name?: string } | undefined)?.name;
  if (!node) throw new ApiError('BadRequest', 'target.name of the Binding must name a node');
  const place = (pod: AnyObject): AnyObject => {
    const spec = (pod.spec ?? {}) as { nodeName?: string };
    if (spec.nodeName && spec.nodeName !== node) {
      throw new ApiError('Conflict', `pod ${target.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
    }
    return { ...pod, spec: { ...spec, nodeName: node } };
  };
  await change(core, target, place, writeContext(exchange, caller), {
    operation: 'PatchOptions',
    subresource: 'binding',
  });
  send(exchange, 201, success());
}

async function evict(core: Core, exchange: Exchange, target: Target, caller: Caller): Promise<void> {
  const eviction = await readObject(exchange);
  const options = parseDeleteOptions(eviction.deleteOptions, exchange.query);
  const write = { ...writeContext(exchange, caller), dryRun: options.dryRun };
  await remove(core, target, options, write);
  send(exchange, 201, success());
}

const success = () => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });

async function finalize(core: Core, exchange: Exchange, { resource, name }: Target): Promise<void> {
  const input = await readObject(exchange);
  const stored = core.store.get(resource.storage, name);
  if (!stored) throw notFound(resource.type, name);
  const finalizers = (input.spec as { finalizers?: string[] } | undefined)?.finalizers ?? [];
  send(exchange, 200, save(core, resource, name, { ...stored, spec: finalizers.length > 0 ? { finalizers } : {} }));
}

/** Kubernetes: tokens live for at least ten minutes and by default for an hour. */
const SHORTEST = 600;

async function issueToken({ core, tokens }: SpecialContext, exchange: Exchange, target: Target): Promise<void> {
  const { resource, namespace, name } = target;
  const serviceAccount = read(core, resource, namespace, name);
  if (!serviceAccount) throw notFound(resource.type, name);
  const input = await readObject(exchange);
  const spec = (input.spec ?? {}) as {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { kind: string; name: string; uid: string };
  };
  const seconds = spec.expirationSeconds ?? 3600;
  if (!(seconds >= SHORTEST)) {
    const message = `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: ${seconds}: may not specify a duration less than 10 minutes`;
    throw new ApiError('Invalid', message);
  }
  const audiences = spec.audiences ?? [];
  const { token, expires } = tokens.issue({ serviceAccount, audiences, seconds, boundTo: spec.boundObjectRef });
  send(exchange, 201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(core) },
    spec: { ...spec, audiences: audiences.length > 0 ? audiences : [ISSUER], expirationSeconds: seconds },
    status: { token, expirationTimestamp: `${new Date(expires).toISOString().slice(0, 19)}Z` },
  });
}
