import type { Reading, Scaler, ScalerDeps } from '../definition.ts';
import type { Config } from './definition.ts';

type Pods = Awaited<ReturnType<ScalerDeps['cluster']['listPods']>>;

/** Counts pods, or the nodes they run on, and follows every change. */
export function createScaler(config: Config, { cluster, context }: Pick<ScalerDeps, 'cluster' | 'context'>): Scaler {
  const count = (pods: Pods): Reading => {
    const alive = pods.filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed');
    if (!config.groupByNode) return { value: alive.length };
    return { value: new Set(alive.map(({ nodeName }) => nodeName).filter(Boolean)).size };
  };
  const read = async (signal: AbortSignal) =>
    count(await cluster.listPods(context.namespace, config.podSelector, signal));
  return {
    read,
    async watch(signal, onReading) {
      let last: number | undefined;
      await cluster.watchPods(context.namespace, config.podSelector, signal, (pods) => {
        const reading = count(pods);
        // Pods change several times while they start; only the number matters here.
        if (reading.value !== last) onReading(reading);
        last = reading.value;
      });
    },
    async check(signal) {
      const { value } = await read(signal);
      const what = config.groupByNode ? 'nodes with pods' : 'pods';
      return { ok: true, message: `${value} ${what} match "${config.podSelector}" in namespace ${context.namespace}` };
    },
    async close() {},
  };
}
