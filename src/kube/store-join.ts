import type { Store, Stored } from './store.ts';

/** Several stores of one type, one for each namespace, as one. */
export function joinStores<T extends Stored>(stores: ReadonlyMap<string, Store<T>>): Store<T> {
  const all = [...stores.values()];
  const endOf = (ends: readonly (() => void)[]) => () => {
    for (const end of ends) end();
  };
  const synced = Promise.all(all.map((store) => store.synced)).then(() => {});
  // Nobody has to wait for it.
  synced.catch(() => {});
  return {
    get: (namespace, name) => stores.get(namespace ?? '')?.get(namespace, name),
    list: (namespace) =>
      namespace === undefined ? all.flatMap((store) => store.list()) : (stores.get(namespace)?.list(namespace) ?? []),
    byIndex: (index, key) => all.flatMap((store) => store.byIndex(index, key)),
    get size() {
      return all.reduce((sum, { size }) => sum + size, 0);
    },
    onChange: (handler) => endOf(all.map((store) => store.onChange(handler))),
    onTrouble: (handler) => endOf(all.map((store) => store.onTrouble(handler))),
    get trouble() {
      return all.find(({ trouble }) => trouble)?.trouble;
    },
    synced,
    get isSynced() {
      return all.every(({ isSynced }) => isSynced);
    },
    stop() {
      for (const store of all) store.stop();
    },
  };
}
