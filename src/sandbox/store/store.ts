import type { Logger } from '../../base/log.ts';
import { type AnyObject, ApiError, type ChangeEvent } from '../types.ts';
import { deepFreeze } from './freeze.ts';

/** Where changes are kept beyond this process. Every call returns when the change is on disk. */
export interface Persistence {
  load(): { revision: number; objects: { storage: string; key: string; object: AnyObject }[] };
  put(storage: string, key: string, object: AnyObject, revision: number): void;
  remove(storage: string, key: string, revision: number): void;
  close(): void;
}

export interface StoreChange extends ChangeEvent {
  revision: number;
  key: string;
}

export interface Store {
  /** The resourceVersion of the latest change of anything. */
  revision(): number;
  get(storage: string, key: string): AnyObject | undefined;
  /** The objects of a storage as a live view, in no particular order. */
  entries(storage: string): ReadonlyMap<string, AnyObject>;
  storages(): string[];
  /** Stores the object with the next resourceVersion and tells the watchers; returns the frozen object. */
  put(storage: string, key: string, object: AnyObject): AnyObject;
  /** Removes the object; watchers get it as it was last (`final`, or the stored one) with the next resourceVersion. */
  remove(storage: string, key: string, final?: AnyObject): AnyObject | undefined;
  /**
   * Calls `handle` for each change of the storage after revision `since` (default: from now on), in order.
   * @throws ApiError Expired when the changes since then are no longer kept
   */
  watch(storage: string, handle: (change: StoreChange) => void, since?: number): () => void;
  close(): void;
}

interface Shelf {
  objects: Map<string, AnyObject>;
  watchers: Set<(change: StoreChange) => void>;
  history: StoreChange[];
  /** Changes up to and including this revision are not in the history. */
  forgotten: number;
}

export interface StoreOptions {
  log: Logger;
  persistence?: Persistence | undefined;
  /** How many changes of each storage a watch can resume over, at least; up to twice as many are kept. */
  historyLength?: number;
}

/** All objects in memory, with one resourceVersion that grows by one with every change. */
export function createStore({ log, persistence, historyLength = 1024 }: StoreOptions): Store {
  const shelves = new Map<string, Shelf>();
  const pending: { watchers: ((change: StoreChange) => void)[]; change: StoreChange }[] = [];
  let delivering = false;
  // Kubernetes: 0 means "any version", so the first object must not get it.
  let revision = 1;
  let started = 1;

  const shelf = (storage: string): Shelf => {
    let found = shelves.get(storage);
    if (!found) {
      found = { objects: new Map(), watchers: new Set(), history: [], forgotten: started };
      shelves.set(storage, found);
    }
    return found;
  };

  if (persistence) {
    const saved = persistence.load();
    revision = Math.max(revision, saved.revision);
    started = revision;
    for (const { storage, key, object } of saved.objects) shelf(storage).objects.set(key, deepFreeze(object));
  }

  // A watcher may write, which queues further changes: all watchers still see them in order.
  const deliver = () => {
    if (delivering) return;
    delivering = true;
    try {
      for (let next = pending.shift(); next; next = pending.shift()) {
        for (const watcher of next.watchers) {
          try {
            watcher(next.change);
          } catch (error) {
            log.error('A watcher of the sandbox store failed', { error });
          }
        }
      }
    } finally {
      delivering = false;
    }
  };

  const record = (place: Shelf, change: StoreChange) => {
    place.history.push(change);
    // Trimmed in bulk, so that the cost per change stays constant.
    if (place.history.length >= historyLength * 2) {
      const dropped = place.history.splice(0, place.history.length - historyLength);
      place.forgotten = dropped.at(-1)?.revision ?? place.forgotten;
    }
    if (place.watchers.size === 0) return;
    pending.push({ watchers: [...place.watchers], change });
    deliver();
  };

  const stamped = (object: AnyObject, at: number): AnyObject =>
    deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(at) } });

  return {
    revision: () => revision,
    get: (storage, key) => shelves.get(storage)?.objects.get(key),
    entries: (storage) => shelf(storage).objects,
    storages: () => [...shelves.keys()],
    put(storage, key, object) {
      const place = shelf(storage);
      const previous = place.objects.get(key);
      const stored = stamped(object, revision + 1);
      persistence?.put(storage, key, stored, revision + 1);
      revision++;
      place.objects.set(key, stored);
      record(place, {
        type: previous ? 'MODIFIED' : 'ADDED',
        object: stored,
        ...(previous ? { previous } : {}),
        revision,
        key,
      });
      return stored;
    },
    remove(storage, key, final) {
      const place = shelf(storage);
      const previous = place.objects.get(key);
      if (!previous) return undefined;
      const last = stamped(final ?? previous, revision + 1);
      persistence?.remove(storage, key, revision + 1);
      revision++;
      place.objects.delete(key);
      record(place, { type: 'DELETED', object: last, previous, revision, key });
      return last;
    },
    watch(storage, handle, since) {
      const place = shelf(storage);
      if (since !== undefined) {
        if (since < place.forgotten && since < revision) {
          throw new ApiError('Expired', `too old resource version: ${since} (${place.forgotten})`);
        }
        const missed = place.history.filter((change) => change.revision > since);
        // Changes that wait for delivery are in the history too: a new watcher is not among their receivers.
        for (const change of missed) pending.push({ watchers: [handle], change });
      }
      let open = true;
      const guarded = (change: StoreChange) => {
        if (open) handle(change);
      };
      place.watchers.add(guarded);
      deliver();
      return () => {
        open = false;
        place.watchers.delete(guarded);
      };
    },
    close: () => persistence?.close(),
  };
}
