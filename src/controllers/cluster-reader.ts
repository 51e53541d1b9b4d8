import { ENDPOINT_SLICES, PODS } from '../api/resources.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { KubeObject } from '../base/object.ts';
import type { KubeClient } from '../kube/client.ts';
import { createStore, type Store } from '../kube/store.ts';
import type { ClusterReader } from '../scalers/definition.ts';

interface Pod extends KubeObject {
  spec?: { nodeName?: string };
  status?: { phase?: string };
}

/** What is kept of a pod: its phase and node. */
interface PodView {
  metadata: { name: string; namespace: string };
  phase: string;
  nodeName: string | undefined;
}

interface EndpointSlice extends KubeObject {
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[];
  ports?: { port?: number }[];
}

const viewOf = (raw: Pod): PodView => ({
  metadata: { name: raw.metadata.name, namespace: raw.metadata.namespace ?? '' },
  phase: raw.status?.phase ?? 'Unknown',
  nodeName: raw.spec?.nodeName || undefined,
});

/** Reads of the cluster for scalers that look at Kubernetes itself. Equal watches are one watch. */
export function createClusterReader(deps: { client: KubeClient; clock: Clock; log: Logger }): ClusterReader {
  const { client, clock, log } = deps;
  const shared = new Map<string, { store: Store<PodView>; users: number }>();

  const join = (namespace: string, labelSelector: string) => {
    const key = `${namespace}/${labelSelector}`;
    let entry = shared.get(key);
    if (!entry) {
      const store = createStore<PodView, Pod>({
        client,
        type: PODS,
        namespace,
        labelSelector,
        project: viewOf,
        clock,
        log,
      });
      entry = { store, users: 0 };
      shared.set(key, entry);
    }
    const held = entry;
    held.users++;
    return {
      store: held.store,
      leave() {
        if (--held.users > 0) return;
        held.store.stop();
        shared.delete(key);
      },
    };
  };

  return {
    async watchPods(namespace, selector, signal, onChange) {
      const { store, leave } = join(namespace, selector);
      try {
        await Promise.race([store.synced, aborted(signal)]);
        if (signal.aborted) return;
        let told = false;
        const tell = () => {
          // Changes come in bursts (a scale-out, a list): one report for each turn of the event loop.
          if (told) return;
          told = true;
          setImmediate(() => {
            told = false;
            if (!signal.aborted) onChange(store.list());
          });
        };
        const stop = store.onChange(tell);
        tell();
        // A watch that fell behind is a broken stream: what it last said may no longer be true.
        const broken = new Promise<never>((_, reject) => store.onTrouble((error) => error && reject(error)));
        await Promise.race([aborted(signal), broken]).finally(stop);
      } finally {
        leave();
      }
    },
    async listPods(namespace, selector, signal) {
      const pods = await client.listAll<Pod>(PODS, { namespace, labelSelector: selector, signal });
      return pods.map(viewOf);
    },
    async serviceEndpoints(namespace, service, signal) {
      const labelSelector = `kubernetes.io/service-name=${service}`;
      const slices = await client.listAll<EndpointSlice>(ENDPOINT_SLICES, { namespace, labelSelector, signal });
      const found = new Map<string, { address: string; ports: number[] }>();
      for (const { endpoints = [], ports = [] } of slices) {
        for (const { addresses = [], conditions } of endpoints) {
          if (conditions?.ready === false) continue;
          for (const address of addresses) {
            found.set(address, { address, ports: ports.flatMap(({ port }) => (port === undefined ? [] : [port])) });
          }
        }
      }
      return [...found.values()];
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
