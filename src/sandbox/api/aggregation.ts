import type { OutgoingHttpHeaders } from 'node:http';
import { describeError } from '../../base/errors.ts';
import { type AnyObject, ApiError } from '../types.ts';
import { type Core, timestamp } from './core.ts';
import type { RemoteGroup, RemoteResource } from './http/discovery.ts';
import { type Exchange, sendText } from './http/respond.ts';
import type { Caller } from './machinery.ts';
import { type CallTarget, decodeBundle, type Outgoing } from './outgoing.ts';
import type { KeyPair } from './security/certificates.ts';
import { resolveService } from './services.ts';

const STORAGE = 'apiregistration.k8s.io/apiservices';
/** How often an API that answers is asked again, and one that does not. */
const CHECK_GOOD = 30_000;
const CHECK_BAD = 2_000;
const CHECK_TIMEOUT = 5_000;

interface ApiServiceSpec {
  group?: string;
  version?: string;
  service?: { namespace?: string; name?: string; port?: number };
  caBundle?: string;
  insecureSkipTLSVerify?: boolean;
}

export interface Aggregation {
  /** The groups that other servers answer for. */
  groups(): RemoteGroup[];
  serves(group: string, version: string): boolean;
  /** Passes the request on to the server of the group and version. */
  proxy(exchange: Exchange, group: string, version: string, caller: Caller): void;
  /** The JSON that the server answers to a GET of the path. @throws ApiError as it or the connection says */
  fetch(path: string, group: string, version: string, caller: Caller, signal: AbortSignal): Promise<unknown>;
  stop(): void;
}

interface Remote {
  name: string;
  spec: ApiServiceSpec;
  resources: RemoteResource[];
  available: boolean;
  timer?: { cancel(): void } | undefined;
}

/** Follows APIServices that name a Service: checks that it answers, says so in their status, and proxies to it. */
export function startAggregation(core: Core, outgoing: Outgoing, clientCertificate: KeyPair): Aggregation {
  const remotes = new Map<string, Remote>();
  const stopping = new AbortController();

  const targetOf = ({ spec }: Remote, path: string): CallTarget => {
    const { namespace = '', name = '', port = 443 } = spec.service ?? {};
    const { host, port: at, serverName } = resolveService(core, namespace, name, port);
    const url = new URL(path, `https://${host.includes(':') ? `[${host}]` : host}:${at}`);
    const insecure = spec.insecureSkipTLSVerify === true;
    return { url, ca: decodeBundle(spec.caBundle), insecure, serverName, clientCertificate };
  };

  const follow = (service: AnyObject) => {
    const spec = (service.spec ?? {}) as ApiServiceSpec;
    const { name } = service.metadata;
    const old = remotes.get(name);
    if (!spec.service) {
      if (old) forget(name);
      report(core, name, true, 'Local', 'Local APIServices are always available');
      return;
    }
    if (old && JSON.stringify(old.spec) === JSON.stringify(spec)) return;
    old?.timer?.cancel();
    const remote: Remote = { name, spec, resources: old?.resources ?? [], available: old?.available ?? false };
    remotes.set(name, remote);
    void check(remote);
  };
  const forget = (name: string) => {
    remotes.get(name)?.timer?.cancel();
    remotes.delete(name);
  };

  const check = async (remote: Remote) => {
    const { group = '', version = '' } = remote.spec;
    let reason = 'Passed';
    let message = 'all checks passed';
    try {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(CHECK_TIMEOUT)]);
      const headers = { accept: 'application/json', ...identityHeaders(SELF) };
      const answer = await outgoing.call(targetOf(remote, `/apis/${group}/${version}`), {
        method: 'GET',
        headers,
        signal,
      });
      if (answer.status !== 200) throw new Error(`bad status from /apis/${group}/${version}: ${answer.status}`);
      remote.resources = (JSON.parse(answer.body) as { resources?: RemoteResource[] }).resources ?? [];
      remote.available = true;
    } catch (error) {
      remote.available = false;
      reason = error instanceof ApiError ? 'MissingEndpoints' : 'FailedDiscoveryCheck';
      message = `failing or missing response from ${group}/${version}: ${describeError(error)}`;
    }
    if (stopping.signal.aborted || remotes.get(remote.name) !== remote) return;
    report(core, remote.name, remote.available, reason, message);
    remote.timer = core.clock.after(remote.available ? CHECK_GOOD : CHECK_BAD, () => void check(remote));
  };

  const recheck = () => {
    for (const remote of remotes.values()) {
      if (remote.available) continue;
      remote.timer?.cancel();
      void check(remote);
    }
  };

  for (const service of [...core.store.entries(STORAGE).values()]) follow(service);
  const stops = [
    core.store.watch(STORAGE, ({ type, object }) => {
      if (type === 'DELETED') forget(object.metadata.name);
      else follow(object);
    }),
    ...['/services', '/endpoints', 'discovery.k8s.io/endpointslices'].map((storage) =>
      core.store.watch(storage, recheck),
    ),
  ];

  const find = (group: string, version: string) =>
    [...remotes.values()].find(({ spec }) => spec.group === group && spec.version === version);
  const required = (group: string, version: string): Remote => {
    const remote = find(group, version);
    if (remote) return remote;
    throw new ApiError('NotFound', 'the server could not find the requested resource');
  };

  return {
    groups: () =>
      [...remotes.values()].map(({ spec, resources, available }) => ({
        group: spec.group ?? '',
        version: spec.version ?? '',
        resources,
        stale: !available,
      })),
    serves: (group, version) => find(group, version) !== undefined,
    proxy(exchange, group, version, caller) {
      const { request, response } = exchange;
      const target = targetOf(required(group, version), request.url ?? '/');
      const headers = { ...passedOn(request.headers), ...identityHeaders(caller) };
      const ended = new AbortController();
      response.on('close', () => ended.abort());
      const signal = AbortSignal.any([ended.signal, stopping.signal]);
      const onward = outgoing.open(target, { method: request.method ?? 'GET', headers, signal });
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      onward.on('error', (error) => {
        if (response.headersSent || response.destroyed) response.destroy();
        else sendText(response, 503, `error trying to reach service: ${describeError(error)}`);
      });
      request.pipe(onward);
    },
    async fetch(path, group, version, caller, signal) {
      const target = targetOf(required(group, version), path);
      const headers = { accept: 'application/json', ...identityHeaders(caller) };
      const { status, body } = await outgoing.call(target, { method: 'GET', headers, signal });
      if (status === 200) return JSON.parse(body);
      if (status === 404) throw new ApiError('NotFound', messageOf(body) ?? `${path} was not found`);
      throw new ApiError('ServiceUnavailable', messageOf(body) ?? `${path} answered with status ${status}`);
    },
    stop() {
      stopping.abort();
      for (const stop of stops) stop();
      for (const name of [...remotes.keys()]) forget(name);
    },
  };
}

const SELF: Caller = { name: 'system:kube-aggregator', groups: ['system:masters'] };

/** How an aggregated server learns who asks, once it has verified the client certificate. */
function identityHeaders({ name, groups, uid, extra = {} }: Caller): OutgoingHttpHeaders {
  const extras = Object.entries(extra).map(([key, values]) => [`x-remote-extra-${encodeURIComponent(key)}`, values]);
  return {
    'x-remote-user': name,
    'x-remote-group': groups,
    ...(uid ? { 'x-remote-uid': uid } : {}),
    ...Object.fromEntries(extras),
  };
}

/** Headers that belong to one connection, to the caller's proof of identity, or that a caller may not forge. */
function passedOn(headers: OutgoingHttpHeaders | NodeJS.Dict<string | string[]>): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) =>
      !['authorization', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host'].includes(name) &&
      !name.startsWith('x-remote-'),
  );
  return Object.fromEntries(kept);
}

function messageOf(body: string): string | undefined {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Sets the Available condition when it says something else. */
function report(core: Core, name: string, available: boolean, reason: string, message: string): void {
  const stored = core.store.get(STORAGE, name);
  if (!stored || stored.metadata.deletionTimestamp) return;
  const status = available ? 'True' : 'False';
  const before = (
    stored.status as
      | { conditions?: { type: string; status: string; reason: string; message: string; lastTransitionTime: string }[] }
      | undefined
  )?.conditions?.find((condition) => condition.type === 'Available');
  if (before?.status === status && before.reason === reason && before.message === message) return;
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(core);
  const condition = { lastTransitionTime, message, reason, status, type: 'Available' };
  core.store.put(STORAGE, name, { ...stored, status: { conditions: [condition] } });
}
