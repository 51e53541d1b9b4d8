import type { Clock } from '../../../src/base/clock.ts';
import type { KubeObject, ResourceType } from '../../../src/base/object.ts';
import { matchesLabels, parseSelector } from '../../../src/base/selector.ts';
import type { KubeClient, WatchEvent, WatchStream } from '../../../src/kube/client.ts';
import { statusError, toStatus } from '../../../src/kube/status.ts';
import { statusOf as failureOf } from '../../../src/sandbox/api/failures.ts';
import type { ChangeEvent, ClusterApi } from '../../../src/sandbox/types.ts';
import type { FakeClock } from '../fake-clock.ts';
import { createProcessClock, createWatchQueue } from '../process-clock.ts';

/** A write that reached the cluster. */
export interface SeenWrite {
  at: number;
  /** The process that sent it. */
  by: string;
  verb: 'create' | 'patch' | 'delete' | 'replace';
  type: ResourceType;
  namespace: string;
  name: string;
  subresource: string | undefined;
  before: KubeObject | undefined;
  after: KubeObject | undefined;
}

/** A process as the cluster and its clock see it. */
export interface Process {
  name: string;
  clock: Clock;
  client: KubeClient;
  /** Requests fail and watches end while it is set. */
  cut(is: boolean): void;
  /** Nothing it waits for comes to pass, as with SIGSTOP, until `thaw`. What was on its way out goes out. */
  freeze(): void;
  thaw(): void;
  readonly isFrozen: boolean;
  /** When it was cut off last, if ever: its watches may take half a minute to come back. */
  readonly cutAt: number | undefined;
  /** As SIGKILL: nothing of it ever happens again. */
  kill(): void;
}

export interface Network {
  createProcess(name: string): Process;
  writes: SeenWrite[];
}

/** Changes of every type that anybody watches, so that a watch can begin in the past. */
interface Logged {
  version: number;
  type: ResourceType;
  event: ChangeEvent<KubeObject>;
}

const LATENCY_MS = 3;

/**
 * The sandbox's API server in this process, reached by several processes over a network with a delay; each may be cut
 * off, frozen and killed. All on one fake clock, which no real network and no real process could be.
 */
export function createNetwork(base: FakeClock, api: ClusterApi, types: readonly ResourceType[]): Network {
  const writes: SeenWrite[] = [];
  const log: Logged[] = [];
  const listeners = new Set<(entry: Logged) => void>();
  let newest = 0;
  for (const type of types)
    api.watch<KubeObject>(type, (event) => {
      const version = Number(event.object.metadata.resourceVersion);
      newest = Math.max(newest, version);
      const entry = { version, type, event };
      log.push(entry);
      for (const listener of [...listeners]) listener(entry);
    });

  return {
    writes,
    createProcess: (name) => createProcess(name),
  };

  function createProcess(name: string): Process {
    const state = createProcessClock(base);
    const { clock, freeze, thaw } = state;
    const streams = new Set<() => void>();
    let isCut = false;
    let cutAt: number | undefined;

    const unavailable = () =>
      statusError('reach the API server', toStatus({ code: 503, reason: 'ServiceUnavailable', message: 'away' }, 503));

    /** `beforeSend` is asked when the request goes out; from then on the cluster acts on it, whatever becomes of us. */
    const request = async <T>(
      { beforeSend, signal }: { beforeSend?: (() => void) | undefined; signal?: AbortSignal | undefined },
      act: () => T | Promise<T>,
    ): Promise<T> => {
      signal?.throwIfAborted();
      await clock.sleep(LATENCY_MS, signal);
      if (isCut) {
        await clock.sleep(500, signal);
        throw unavailable();
      }
      beforeSend?.();
      let outcome: () => T;
      try {
        const value = structuredClone(await act());
        outcome = () => value;
      } catch (error) {
        const { code, body } = failureOf(error);
        outcome = () => {
          throw statusError('ask the cluster', toStatus(body, code));
        };
      }
      await clock.sleep(LATENCY_MS, signal);
      return outcome();
    };

    const withKind = <T>(type: ResourceType, object: KubeObject): T => {
      const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
      return { ...structuredClone(object), apiVersion, kind: type.kind } as T;
    };
    const matches = (object: KubeObject, options: SelectOptions): boolean => {
      if (options.namespace !== undefined && object.metadata.namespace !== options.namespace) return false;
      const field = /^metadata\.name=(.*)$/.exec(options.fieldSelector ?? '')?.[1];
      if (field !== undefined && object.metadata.name !== field) return false;
      return (
        options.labelSelector === undefined ||
        matchesLabels(parseSelector(options.labelSelector), object.metadata.labels)
      );
    };
    const listed = <T>(type: ResourceType, options: SelectOptions = {}): T[] =>
      api
        .list<KubeObject>(type)
        .filter((object) => matches(object, options))
        .map((object) => withKind<T>(type, object));
    const read = (type: ResourceType, object: string, namespace: string | undefined, subresource?: string) => {
      const found = api.get<KubeObject>(type, object, namespace);
      if (!found || subresource !== 'scale') return found;
      const { spec } = found as KubeObject & { spec: { replicas?: number } };
      return { ...found, spec: { replicas: spec.replicas }, status: { replicas: spec.replicas } } as KubeObject;
    };
    const write = async (
      seen: Pick<SeenWrite, 'verb' | 'type' | 'name' | 'subresource'> & { namespace: string | undefined },
      act: () => Promise<KubeObject | undefined>,
    ) => {
      const at = base.now();
      const before = seen.name === '' ? undefined : api.get<KubeObject>(seen.type, seen.name, seen.namespace);
      const result = await act();
      const own = seen.name || (result?.metadata.name ?? '');
      const after = api.get<KubeObject>(seen.type, own, seen.namespace);
      writes.push({ ...seen, name: own, namespace: seen.namespace ?? '', at, by: name, before, after });
      return result;
    };

    const openWatch = async (
      type: ResourceType,
      options: SelectOptions & { resourceVersion: string; signal?: AbortSignal | undefined },
    ): Promise<WatchStream<KubeObject>> => {
      await clock.sleep(LATENCY_MS, options.signal);
      if (isCut) throw unavailable();
      const { push, stream } = createWatchQueue<KubeObject>(() => {
        listeners.delete(deliver);
        streams.delete(stream.close);
      });
      const deliver = (entry: Logged) => {
        if (entry.type.plural !== type.plural || entry.type.group !== type.group) return;
        const { object, previous } = entry.event;
        const was = previous !== undefined && matches(previous, options);
        const is = matches(object, options);
        if (!is && !was) return;
        const kind = !is && entry.event.type === 'MODIFIED' ? 'DELETED' : entry.event.type;
        clock.after(LATENCY_MS, () => push({ type: kind, object: withKind(type, object) } as WatchEvent<KubeObject>));
      };
      for (const entry of log) if (entry.version > Number(options.resourceVersion)) deliver(entry);
      listeners.add(deliver);
      streams.add(stream.close);
      options.signal?.addEventListener('abort', () => stream.close());
      return stream;
    };

    const client = {
      server: 'https://simulated',
      defaultNamespace: 'default',
      get: (type, object, o = {}) =>
        request(o, async () => {
          const found = read(type, object, o.namespace, o.subresource);
          if (!found) throw notFound(type, object);
          return withKind(type, found);
        }),
      find: (type, object, o = {}) =>
        request(o, () => {
          const found = read(type, object, o.namespace, o.subresource);
          return found && withKind(type, found);
        }),
      list: (type, o = {}) =>
        request(o, () => ({ items: listed(type, o), resourceVersion: String(newest), continue: undefined })),
      listAll: (type, o = {}) => request(o, () => listed(type, o)),
      create: (type, object, o = {}) =>
        request(o, () =>
          write(
            {
              verb: 'create',
              type,
              namespace: o.namespace ?? (object as KubeObject).metadata.namespace,
              name: (object as KubeObject).metadata.name ?? '',
              subresource: undefined,
            },
            () => api.create(type, object, o.namespace),
          ),
        ),
      patch: (type, object, patch, o) =>
        request(o, () =>
          write({ verb: 'patch', type, namespace: o.namespace, name: object, subresource: o.subresource }, () =>
            api.patch(
              type,
              object,
              o.namespace,
              o.type === 'apply'
                ? { type: 'apply', patch, fieldManager: o.fieldManager ?? 'windlass', force: o.force ?? false }
                : { type: o.type as 'merge', patch },
              o.subresource as 'status' | 'scale' | undefined,
            ),
          ),
        ),
      delete: (type, object, o = {}) =>
        request(o, async () => {
          await write(
            { verb: 'delete', type, namespace: o.namespace, name: object, subresource: undefined },
            async () => {
              await api.delete(type, object, o.namespace, {
                ...(o.propagationPolicy ? { propagationPolicy: o.propagationPolicy } : {}),
              });
              return undefined;
            },
          );
        }),
      openWatch: openWatch as KubeClient['openWatch'],
      close: async () => {},
    } as Partial<KubeClient> as KubeClient;

    return {
      name,
      clock,
      client,
      cut(is) {
        if (isCut || is) cutAt = base.now();
        isCut = is;
        if (is) for (const close of [...streams]) close();
      },
      freeze,
      thaw,
      get cutAt() {
        return cutAt;
      },
      get isFrozen() {
        return state.isFrozen;
      },
      kill() {
        state.kill();
        for (const close of [...streams]) close();
      },
    };
  }
}

interface SelectOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

function notFound(type: ResourceType, name: string): Error {
  return statusError(
    `get ${type.kind} ${name}`,
    toStatus({ code: 404, reason: 'NotFound', message: 'not found' }, 404),
  );
}
