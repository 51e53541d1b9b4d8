import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../store/store.ts';
import type { AnyObject } from '../types.ts';
import type { Admission, Machinery } from './machinery.ts';
import type { Registry } from './registry.ts';
import { fromStorage, type Resource } from './resource.ts';

/** What every operation works on. */
export interface Core {
  store: Store;
  registry: Registry;
  machinery: Machinery;
  clock: Clock;
  log: Logger;
  /** The admission webhooks; absent while nothing can be called. */
  admission?: Admission | undefined;
}

/** The key of an object in its storage. */
export function storeKey(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** The stored object in the resource's version. */
export function read(
  core: Core,
  resource: Resource,
  namespace: string | undefined,
  name: string,
): AnyObject | undefined {
  const stored = core.store.get(resource.storage, storeKey(resource.type.namespaced ? namespace : undefined, name));
  return stored && fromStorage(resource, stored);
}

/** Now, as metav1.Time writes it: whole seconds. */
export function timestamp(core: Core): string {
  return `${new Date(core.clock.now()).toISOString().slice(0, 19)}Z`;
}

const SERVICES = '/services';

/** A cluster IP that no service has; nothing routes to it. */
export function freeClusterIp(core: Core): string {
  const taken = new Set<unknown>();
  for (const service of core.store.entries(SERVICES).values()) {
    taken.add((service.spec as { clusterIP?: string } | undefined)?.clusterIP);
  }
  // 10.96.0.1 is the API server's own.
  for (let i = 2; i < 1 << 16; i++) {
    const address = `10.96.${i >> 8}.${i & 255}`;
    if (!taken.has(address)) return address;
  }
  throw new Error('no free cluster IP is left');
}
