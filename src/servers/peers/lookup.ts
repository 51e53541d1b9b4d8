import type { Clock } from '../../base/clock.ts';
import { describeError } from '../../base/errors.ts';
import type { MetricAnswer, MetricLookup } from '../metrics-api/types.ts';
import type { PeerClient } from './client.ts';

export interface ReplicatedLookupOptions {
  /** Answers for what runs in this replica. */
  local: MetricLookup;
  /** The ScaledObject; undefined when there is none. `ttlMs`: how long a value may stand in for a newer one. */
  locate(namespace: string, name: string): { uid: string; isHere: boolean; ttlMs: number } | undefined;
  /** The replica whose turn an object is: its address, `here`, or undefined when it has none. */
  ownerOf(uid: string): { member: string; address: string | undefined } | 'here';
  ask: PeerClient['ask'];
  clock: Clock;
}

type Value = Extract<MetricAnswer, { kind: 'value' }>;

interface Remembered {
  value: Value;
  /** Monotonic. */
  until: number;
}

/** Past this many remembered values those that are too old are looked for and dropped. */
const TIDY_AT = 1_000;

/**
 * Answers for every ScaledObject, wherever it runs: from memory if that is here, else its owner is asked. When the owner
 * cannot say (it died, or the object is on its way from one replica to another) its last value stands in while it is
 * young enough, and after that the answer is an error. What an owner says is never second-guessed: its error is ours.
 */
export function createReplicatedLookup(options: ReplicatedLookupOptions): MetricLookup {
  const { local, locate, ownerOf, ask, clock } = options;
  const remembered = new Map<string, Remembered>();
  const underWay = new Map<string, Promise<MetricAnswer>>();
  let tidyAt = TIDY_AT;

  const remember = (key: string, value: Value, ttlMs: number) => {
    remembered.set(key, { value, until: clock.monotonic() + ttlMs - (clock.now() - value.at) });
    if (remembered.size < tidyAt) return;
    for (const [each, { until }] of remembered) if (until < clock.monotonic()) remembered.delete(each);
    tidyAt = Math.max(TIDY_AT, remembered.size * 2);
  };
  const recall = (key: string): Value | undefined => {
    const known = remembered.get(key);
    return known && clock.monotonic() <= known.until ? known.value : undefined;
  };

  /** What was answered from here is of use as well, once the object has moved. */
  const keep = (key: string, answer: ReturnType<MetricLookup>, ttlMs: number): ReturnType<MetricLookup> => {
    if (answer instanceof Promise) return answer.then((late) => keep(key, late, ttlMs));
    if (answer.kind === 'value') remember(key, answer, ttlMs);
    return answer;
  };

  const askOwner = async (
    key: string,
    { namespace, name, metric }: { namespace: string; name: string; metric: string },
    { uid, ttlMs }: { uid: string; ttlMs: number },
  ): Promise<MetricAnswer> => {
    const owner = ownerOf(uid);
    // On its way to us: what was known of it is better than nothing until it runs.
    if (owner === 'here') return recall(key) ?? local(namespace, name, metric);
    let problem = 'it says that it does not run it';
    try {
      if (owner.address === undefined) problem = 'it does not say where it can be asked';
      const answer = owner.address === undefined ? undefined : await ask(owner.address, namespace, name, metric);
      if (answer?.kind === 'value') remember(key, answer, ttlMs);
      if (answer) return answer;
    } catch (error) {
      problem = describeError(error);
    }
    return (
      recall(key) ?? {
        kind: 'error',
        message: `ScaledObject ${namespace}/${name} runs in the replica ${owner.member}: ${problem}`,
      }
    );
  };

  return (namespace, name, metric) => {
    const found = locate(namespace, name);
    if (!found) return local(namespace, name, metric);
    const key = `${found.uid} ${metric.toLowerCase()}`;
    if (found.isHere) return keep(key, local(namespace, name, metric), found.ttlMs);
    const known = underWay.get(key);
    if (known) return known;
    const answer = askOwner(key, { namespace, name, metric }, found).finally(() => underWay.delete(key));
    underWay.set(key, answer);
    return answer;
  };
}
