import type { Clock } from '../../base/clock.ts';
import { createPool, type Dispatcher, dispatchRequest } from '../../base/connection-pool.ts';
import { WindlassError } from '../../base/errors.ts';
import { withSignal } from '../../kube/request.ts';
import type { MetricAnswer } from '../metrics-api/types.ts';
import { METRICS_PATH } from './server.ts';
import type { PeerAnswer, PeerCredentials } from './types.ts';

export interface PeerClient {
  /**
   * Asks another replica for a metric of a ScaledObject; undefined when it runs elsewhere. Times are those of this
   * machine's clock.
   * @param address `host:port`
   * @throws SourceUnavailable, SourceTimeout
   */
  ask(address: string, namespace: string, name: string, metric: string): Promise<MetricAnswer | undefined>;
  /** For connections from now on. */
  setCredentials(credentials: PeerCredentials): void;
  close(): Promise<void>;
}

/**
 * The owner waits for its source for a second at most before it answers with what it has; the rest is for the way. An
 * HPA that waits longer holds up all others (Kubernetes: five workers).
 */
const DEADLINE_MS = 1_500;
const CONNECTIONS = 8;
const IDLE_MS = 60_000;
/** Replicas that are gone leave a pool without connections behind. */
const MOST_POOLS = 16;

/** Asks other replicas over connections that are kept, with mutual TLS. */
export function createPeerClient(options: { credentials: PeerCredentials; clock: Clock }): PeerClient {
  const { clock } = options;
  let { credentials } = options;
  const pools = new Map<string, Dispatcher>();

  const drop = (address: string) => {
    const pool = pools.get(address);
    pools.delete(address);
    void pool?.close();
  };
  const poolOf = (address: string): Dispatcher => {
    const known = pools.get(address);
    if (known) return known;
    const [oldest] = pools.keys();
    if (oldest !== undefined && pools.size >= MOST_POOLS) drop(oldest);
    const { ca, cert, key, name } = credentials;
    const pool = createPool(`https://${address}`, {
      connections: CONNECTIONS,
      keepAliveTimeout: IDLE_MS,
      connect: { ca, cert, key, servername: name, timeout: DEADLINE_MS },
    });
    pools.set(address, pool);
    return pool;
  };

  return {
    async ask(address, namespace, name, metric) {
      const timeUp = () =>
        new WindlassError('SourceTimeout', `replica ${address} did not answer within ${DEADLINE_MS} ms`);
      const query = new URLSearchParams({ namespace, name, metric });
      const path = `${METRICS_PATH}?${query}`;
      const said = await withSignal(undefined, DEADLINE_MS, timeUp, clock, async (signal) => {
        try {
          const { statusCode, body } = await dispatchRequest(poolOf(address), { method: 'GET', path, signal });
          const text = await body.text();
          if (statusCode === 200) return JSON.parse(text) as PeerAnswer;
          throw new Error(`it answers ${statusCode}: ${text}`);
        } catch (cause) {
          throw new WindlassError('SourceUnavailable', `replica ${address} cannot be asked`, { cause });
        }
      });
      if (said.kind === 'elsewhere') return undefined;
      const { answer, ageMs } = said;
      // Their clock may differ from ours; a duration does not.
      return answer.kind === 'value' ? { ...answer, at: clock.now() - ageMs } : answer;
    },
    setCredentials(fresh) {
      credentials = fresh;
      for (const address of [...pools.keys()]) drop(address);
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}
