import type { Clock } from '../../src/base/clock.ts';
import type { KubeObject, ResourceType } from '../../src/base/object.ts';
import type { KubeClient, WatchEvent, WatchStream } from '../../src/kube/client.ts';
import { statusError } from '../../src/kube/status.ts';
import type { FakeClock } from './fake-clock.ts';
import { createProcessClock, createWatchQueue } from './process-clock.ts';

type Fields = Record<string, unknown>;
interface Stored extends KubeObject {
  spec: Fields;
}

/** What a process sees of the cluster: a network with a delay, and a clock that stops for it while it is frozen. */
export interface Node {
  clock: Clock;
  client: Pick<KubeClient, 'create' | 'patch' | 'delete' | 'list' | 'openWatch'>;
  /** Stops the process, as SIGSTOP or a long garbage collection does: nothing it waits for comes to pass. */
  freeze(): void;
  /** Everything that came to pass meanwhile happens now. */
  thaw(): void;
  frozen(): boolean;
  /** While true requests fail after a second and the watch is silent. */
  cut: boolean;
  /** Milliseconds that events take to arrive. */
  watchDelay: number;
}

/**
 * One collection of an API server in memory, with several processes around it that can be frozen and cut off, all on one
 * fake clock. In memory, because no real server can freeze a process and the clock at the same time.
 */
export function createLeaseCluster(base: FakeClock, delay = 5) {
  const objects = new Map<string, Stored>();
  const watchers = new Set<(event: WatchEvent<Stored>) => void>();
  let version = 0;
  const status = (code: number, reason: string) =>
    statusError('reach the test cluster', { code, reason, message: reason, details: {} });
  const tell = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Stored) => {
    for (const watcher of watchers) watcher({ type, object: structuredClone(object) });
  };

  const createNode = (): Node => {
    const process = createProcessClock(base);
    const { clock, freeze, thaw } = process;

    /** A request on its way out is out: the cluster acts on it even when the process is frozen by then. */
    const request = async <T>(act: () => T): Promise<T> => {
      if (node.cut) {
        await clock.sleep(1_000);
        throw status(503, 'ServiceUnavailable');
      }
      await base.sleep(delay);
      let outcome: () => T;
      try {
        const value = structuredClone(act());
        outcome = () => value;
      } catch (error) {
        outcome = () => {
          throw error;
        };
      }
      await clock.sleep(delay);
      return outcome();
    };
    const find = (name: string): Stored => {
      const found = objects.get(name);
      if (!found) throw status(404, 'NotFound');
      return found;
    };

    const openWatch = async (
      _: ResourceType,
      { resourceVersion, signal }: { resourceVersion: string; signal?: AbortSignal | undefined },
    ): Promise<WatchStream<Stored>> => {
      const { push, stream } = createWatchQueue<Stored>(() => watchers.delete(deliver));
      const deliver = (event: WatchEvent<Stored>) => {
        clock.after(node.watchDelay, () => {
          if (!node.cut) push(event);
        });
      };
      // What happened between the list and the watch.
      for (const object of objects.values())
        if (Number(object.metadata.resourceVersion) > Number(resourceVersion))
          deliver({ type: 'MODIFIED', object: structuredClone(object) });
      watchers.add(deliver);
      signal?.addEventListener('abort', () => stream.close());
      return stream;
    };

    const client = {
      list: () =>
        request(() => ({ items: [...objects.values()], resourceVersion: String(version), continue: undefined })),
      openWatch,
      create: (_: ResourceType, object: Stored) =>
        request(() => {
          if (objects.has(object.metadata.name)) throw status(409, 'AlreadyExists');
          const stored = structuredClone(object);
          stored.metadata.resourceVersion = String(++version);
          objects.set(object.metadata.name, stored);
          tell('ADDED', stored);
          return stored;
        }),
      patch: (_: ResourceType, name: string, patch: { spec: Fields }) =>
        request(() => {
          const stored = find(name);
          Object.assign(stored.spec, patch.spec);
          stored.metadata.resourceVersion = String(++version);
          tell('MODIFIED', stored);
          return stored;
        }),
      delete: (_: ResourceType, name: string) =>
        request(() => {
          const stored = find(name);
          objects.delete(name);
          stored.metadata.resourceVersion = String(++version);
          tell('DELETED', stored);
        }),
    } as unknown as Node['client'];

    const node: Node = {
      clock,
      client,
      cut: false,
      watchDelay: delay,
      freeze,
      thaw,
      frozen: () => process.isFrozen,
    };
    return node;
  };

  return { createNode, objects };
}
