import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../base/object.ts';
import { createStore, type Store } from './store.ts';
import type { WatchDeps } from './watch.ts';

/** One user's hold on the watch of a single object. */
export interface NamedWatch<T extends KubeObject = KubeObject> {
  /** The object as last seen; undefined when it does not exist (or before `synced`). */
  readonly current: T | undefined;
  /** Resolves once it is known whether the object exists. */
  readonly synced: Promise<void>;
  /** The reason why `current` may be outdated, if it may. */
  readonly trouble: Error | undefined;
  /** Calls the handler when the object appears, changes or disappears (undefined) from now on. */
  onChange(handler: (object: T | undefined) => void): () => void;
  /** Ends this hold; the watch ends with its last one. Safe to call twice. */
  release(): void;
}

export interface NamedWatches {
  /** Joins the watch of one object, or starts it. For Secrets and ConfigMaps, which must not be held cluster-wide. */
  watchNamed<T extends KubeObject = KubeObject>(type: ResourceType, namespace: string, name: string): NamedWatch<T>;
  /** Watches that run. */
  readonly size: number;
  stop(): void;
}

interface Shared {
  store: Store<KubeObject>;
  users: number;
  linger: Timer | undefined;
}

/**
 * Single-object watches, shared by everybody who names the same object. `lingerMs` (0) keeps a watch that long after its
 * last user, for users who let go and come back.
 */
export function createNamedWatches(options: {
  client: WatchDeps['client'];
  clock: Clock;
  log: Logger;
  lingerMs?: number | undefined;
  random?: (() => number) | undefined;
}): NamedWatches {
  const { client, clock, log, random, lingerMs = 0 } = options;
  const watches = new Map<string, Shared>();

  return {
    watchNamed<T extends KubeObject>(type: ResourceType, namespace: string, name: string): NamedWatch<T> {
      const key = `${apiVersionOf(type)}/${type.plural}/${namespace}/${name}`;
      let shared = watches.get(key);
      if (!shared) {
        const fieldSelector = `metadata.name=${name}`;
        const project = (raw: KubeObject) => raw;
        const store = createStore({ client, type, namespace, fieldSelector, project, clock, log, random });
        shared = { store, users: 0, linger: undefined };
        watches.set(key, shared);
      }
      const { store } = shared;
      const held = shared;
      held.users++;
      held.linger?.cancel();
      held.linger = undefined;

      const end = () => {
        if (watches.get(key) === held) watches.delete(key);
        store.stop();
      };
      const ends: (() => void)[] = [];
      let released = false;
      return {
        get current() {
          return store.get(namespace, name) as T | undefined;
        },
        synced: store.synced,
        get trouble() {
          return store.trouble;
        },
        onChange(handler) {
          // The store repeats what is there to every new handler; this one asked for what comes.
          let replaying = true;
          const endHandler = store.onChange(({ type: change, object }) => {
            if (!replaying) handler(change === 'deleted' ? undefined : (object as T));
          });
          replaying = false;
          ends.push(endHandler);
          return endHandler;
        },
        release() {
          if (released) return;
          released = true;
          for (const endHandler of ends) endHandler();
          if (--held.users > 0) return;
          if (lingerMs > 0) held.linger = clock.after(lingerMs, end);
          else end();
        },
      };
    },
    get size() {
      return watches.size;
    },
    stop() {
      for (const { store, linger } of watches.values()) {
        linger?.cancel();
        store.stop();
      }
      watches.clear();
    },
  };
}
