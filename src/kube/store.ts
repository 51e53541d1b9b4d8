import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { KubeObject, ResourceType } from '../base/object.ts';
import type { SelectOptions } from './client.ts';
import { joinStores } from './store-join.ts';
import { runWatch, type WatchDeps } from './watch.ts';

/** What a store keeps of an object: whatever the projection leaves, which includes its identity. */
export interface Stored {
  metadata: { name: string; namespace?: string; uid?: string };
}

export interface StoreChange<T> {
  type: 'added' | 'changed' | 'deleted';
  object: T;
  /** What was stored before; absent for `added`. */
  previous?: T;
}

export interface StoreOptions<T extends Stored, Raw extends KubeObject = KubeObject>
  extends Omit<SelectOptions, 'namespace'> {
  /** One namespace, several (a watch each), or all of them. */
  namespace?: string | readonly string[] | undefined;
  client: WatchDeps['client'];
  type: ResourceType;
  /**
   * The fields to keep. Only what it returns stays in memory and only its differences are changes. It must not keep
   * references to large parts of the raw object. managedFields are gone before it sees the object.
   */
  project: (raw: Raw) => T;
  /** Keys under which `byIndex` finds an object. */
  indexes?: Record<string, (object: T) => string[]> | undefined;
  clock: Clock;
  log: Logger;
  random?: (() => number) | undefined;
}

export interface Store<T> {
  get(namespace: string | undefined, name: string): T | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): T[];
  /** The objects that an index function gave this key. */
  byIndex(index: string, key: string): T[];
  readonly size: number;
  /**
   * Calls the handler for every object that is there (as `added`) and for every real difference from then on. Returns
   * the function that ends that. What a handler throws is logged.
   */
  onChange(handler: (change: StoreChange<T>) => void): () => void;
  /** Calls the handler when the watch stops keeping up (with the reason) and when it does again (undefined). */
  onTrouble(handler: (error: Error | undefined) => void): () => void;
  /** The reason why the store may be behind the server, if it is. */
  readonly trouble: Error | undefined;
  /** Resolves after the first complete list; rejects when stopped before that. */
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  /** Ends the watch and drops the handlers; what is stored can still be read. */
  stop(): void;
}

/**
 * Keeps a projection of every object of a type up to date by a watch, which starts at once. While the server is away
 * the store answers with what it knows; after a new list only the real differences are reported.
 */
export function createStore<T extends Stored, Raw extends KubeObject = KubeObject>(
  options: StoreOptions<T, Raw>,
): Store<T> {
  if (typeof options.namespace === 'object')
    return joinStores(
      new Map(options.namespace.map((namespace) => [namespace, createStore({ ...options, namespace })] as const)),
    );
  const { client, type, project, clock, log, random, indexes = {} } = options;
  const { namespace, labelSelector, fieldSelector } = options;
  const objects = new Map<string, T>();
  const handlers = new Set<(change: StoreChange<T>) => void>();
  const troubleHandlers = new Set<(error: Error | undefined) => void>();
  const indexed = new Map<string, Map<string, Set<string>>>(Object.keys(indexes).map((name) => [name, new Map()]));
  /** Keys seen since the last list began; undefined when no list is under way. */
  let listed: Set<string> | undefined;
  let trouble: Error | undefined;
  let isSynced = false;
  const abort = new AbortController();
  const { promise: synced, resolve: resolveSynced, reject: rejectSynced } = Promise.withResolvers<void>();
  // Nobody has to wait for it.
  synced.catch(() => {});

  const call = <A>(run: (argument: A) => void, argument: A) => {
    try {
      run(argument);
    } catch (error) {
      log.error('a change handler failed', { kind: type.kind, error });
    }
  };

  const reindex = (key: string, previous: T | undefined, object: T | undefined) => {
    for (const [name, keysOf] of Object.entries(indexes)) {
      const index = indexed.get(name);
      for (const at of previous ? keysOf(previous) : []) {
        const keys = index?.get(at);
        keys?.delete(key);
        if (keys?.size === 0) index?.delete(at);
      }
      for (const at of object ? keysOf(object) : []) {
        const keys = index?.get(at) ?? new Set();
        index?.set(at, keys.add(key));
      }
    }
  };

  const put = (raw: Raw) => {
    delete raw.metadata.managedFields;
    const key = storeKey(raw.metadata.namespace, raw.metadata.name);
    listed?.add(key);
    const object = project(raw);
    const previous = objects.get(key);
    if (previous !== undefined && isDeepStrictEqual(previous, object)) return;
    // Deleted and created again while we were not looking: another object, whatever its name.
    if (previous !== undefined && previous.metadata.uid !== object.metadata.uid) remove(key);
    const before = objects.get(key);
    objects.set(key, object);
    reindex(key, before, object);
    const change: StoreChange<T> = before ? { type: 'changed', object, previous: before } : { type: 'added', object };
    for (const handler of handlers) call(handler, change);
  };

  const remove = (key: string) => {
    const previous = objects.get(key);
    if (previous === undefined) return;
    objects.delete(key);
    reindex(key, previous, undefined);
    for (const handler of handlers) call(handler, { type: 'deleted', object: previous, previous });
  };

  runWatch<Raw>(
    type,
    { namespace, labelSelector, fieldSelector },
    {
      restart() {
        listed = new Set();
      },
      page(items) {
        for (const item of items) put(item);
      },
      complete() {
        for (const key of [...objects.keys()]) if (!listed?.has(key)) remove(key);
        listed = undefined;
        isSynced = true;
        resolveSynced();
      },
      applied: put,
      deleted: (raw) => remove(storeKey(raw.metadata.namespace, raw.metadata.name)),
      trouble(error) {
        trouble = error;
        for (const handler of troubleHandlers) call(handler, error);
      },
    },
    { client, clock, log, random },
    abort.signal,
  ).catch((error) => {
    // Only a projection that throws gets here. The store would be wrong without a sign of it.
    log.error('a watch ended by a defect', { kind: type.kind, error });
    trouble = new WindlassError('Internal', `the watch of ${type.plural} ended by a defect`, { cause: error });
    for (const handler of troubleHandlers) call(handler, trouble);
    rejectSynced(trouble);
  });

  const pick = (keys: Iterable<string>): T[] => {
    const found: T[] = [];
    for (const key of keys) {
      const object = objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  };

  return {
    get: (ns, name) => objects.get(storeKey(ns, name)),
    list: (ns) =>
      ns === undefined ? [...objects.values()] : pick([...objects.keys()].filter((key) => key.startsWith(`${ns}/`))),
    byIndex: (name, key) => pick(indexed.get(name)?.get(key) ?? []),
    get size() {
      return objects.size;
    },
    onChange(handler) {
      for (const object of [...objects.values()]) call(handler, { type: 'added', object });
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    onTrouble(handler) {
      troubleHandlers.add(handler);
      return () => troubleHandlers.delete(handler);
    },
    get trouble() {
      return trouble;
    },
    synced,
    get isSynced() {
      return isSynced;
    },
    stop() {
      const reason = new WindlassError('KubernetesUnavailable', `the store of ${type.plural} has been stopped`);
      abort.abort(reason);
      rejectSynced(reason);
      handlers.clear();
      troubleHandlers.clear();
    },
  };
}

function storeKey(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}
