import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { clusterApiOf } from './api/cluster-api.ts';
import type { Core } from './api/core.ts';
import { createDefaults, fillNamespaces, serveDefinitions } from './api/lifecycle.ts';
import { plainMachinery } from './api/plain-machinery.ts';
import { createRegistry } from './api/registry.ts';
import { createStore, type Persistence } from './store/store.ts';
import type { ClusterApi } from './types.ts';

export interface ClusterOptions {
  clock: Clock;
  log: Logger;
  persistence?: Persistence | undefined;
}

/** An API without a network: the store, the types and what belongs to every cluster. */
export async function createCluster({
  clock,
  log,
  persistence,
}: ClusterOptions): Promise<{ core: Core; api: ClusterApi }> {
  const core: Core = {
    store: createStore({ log, persistence }),
    registry: createRegistry(),
    machinery: plainMachinery(),
    clock,
    log,
  };
  serveDefinitions(core);
  fillNamespaces(core, undefined);
  await createDefaults(core);
  return { core, api: clusterApiOf(core) };
}

/** The in-process API alone, for controllers and their tests. */
export async function createClusterApi(options: ClusterOptions): Promise<ClusterApi> {
  return (await createCluster(options)).api;
}
