import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import {
  CLUSTER_TRIGGER_AUTHENTICATIONS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  EVENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  NAMESPACES,
  PODS,
  SCALED_JOBS,
  SCALED_OBJECTS,
  STATEFUL_SETS,
  TRIGGER_AUTHENTICATIONS,
} from '../../../src/api/resources.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { PROJECT } from '../../../src/cli/local-cluster.ts';
import { LEASES } from '../../../src/kube/lease.ts';
import { startControllers } from '../../../src/sandbox/controllers/index.ts';
import { createClusterApi } from '../../../src/sandbox/index.ts';
import { createFakeClock } from '../fake-clock.ts';
import type { Loose } from '../operator.ts';
import { createNetwork } from './network.ts';
import { type KnownRecord, type Member, type Sources, startMember } from './operators.ts';
import { followSeed } from './randomness.ts';

export const NAMESPACE = 'shop';
/** Kubernetes: terminationGracePeriodSeconds. */
const GRACE_PERIOD_MS = 30_000;

const WATCHED = [
  DEPLOYMENTS,
  STATEFUL_SETS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  PODS,
  EVENTS,
  LEASES,
  SCALED_OBJECTS,
  SCALED_JOBS,
  TRIGGER_AUTHENTICATIONS,
  CLUSTER_TRIGGER_AUTHENTICATIONS,
];

/**
 * A cluster with all of its controllers, and operators as processes, on one fake clock.
 * @param next numbers that look random, from 0 to 1
 */
export async function startSimulation(next: () => number) {
  const unseed = followSeed(next);
  const clock = createFakeClock();
  const api = await createClusterApi({ clock, log: silentLogger });
  for (const document of parseAllDocuments(readFileSync(path.join(PROJECT, 'config/crd/all.yaml'), 'utf8')))
    await api.create(CUSTOM_RESOURCE_DEFINITIONS, document.toJS());
  for (const name of ['keda', NAMESPACE]) await api.create(NAMESPACES, { metadata: { name } });
  const network = createNetwork(clock, api, WATCHED);
  const sources: Sources = new Map();
  const seen: KnownRecord[] = [];
  const members = new Map<string, Member>();
  const controllers = startControllers({
    api,
    clock,
    log: silentLogger,
    hpaSyncPeriodMs: 5_000,
    // As the aggregated API answers: whoever runs the object.
    metrics: {
      get: async (namespace, metric, selector) => {
        const name = /scaledobject\.keda\.sh\/name=([^,]+)/.exec(selector)?.[1] ?? '';
        for (const { controllers: own } of members.values()) {
          if (!own.locate(namespace, name)?.isHere) continue;
          // Who is frozen or was killed never answers, and the API server does not wait for ever.
          const answer = await Promise.race([own.lookup(namespace, name, metric), clock.sleep(5_000)]);
          if (!answer) throw new Error('no answer in time');
          if (answer.kind === 'error') throw new Error(answer.message);
          if (answer.kind === 'empty') return [];
          return [{ metricName: metric, value: answer.value }];
        }
        throw new Error('no operator runs the object');
      },
    },
  });
  let started = 0;
  /** Lets time pass until the promise settles; whether it did within that time. */
  const within = async (ms: number, promise: Promise<unknown>): Promise<boolean> => {
    let isDone = false;
    promise.then(
      () => {
        isDone = true;
      },
      () => {
        isDone = true;
      },
    );
    for (let passed = 0; passed < ms && !isDone; passed += 250) await clock.advance(250);
    return isDone;
  };
  return {
    clock,
    api,
    network,
    sources,
    /** Every decision that any operator ever recorded. */
    seen,
    members,
    start(): Member {
      const name = `member-${++started}`;
      const member = startMember(name, { api, network, sources, seen });
      members.set(name, member);
      return member;
    },
    /** As SIGTERM, and SIGKILL when that takes longer than Kubernetes would wait. Whether SIGTERM was enough. */
    async stopMember(name: string): Promise<boolean> {
      const member = members.get(name);
      if (!member) return true;
      members.delete(name);
      const isDone = await within(GRACE_PERIOD_MS, member.stop());
      member.process.kill();
      return isDone;
    },
    kill(name: string) {
      members.get(name)?.process.kill();
      members.delete(name);
    },
    get: (type: Parameters<typeof api.get>[0], name: string) => api.get<Loose>(type, name, NAMESPACE),
    list: (type: Parameters<typeof api.list>[0]) => api.list<Loose>(type, { namespace: NAMESPACE }),
    async end() {
      for (const { process } of members.values()) {
        process.cut(false);
        process.thaw();
      }
      for (const name of [...members.keys()]) await this.stopMember(name);
      await within(10_000, controllers.stop());
      unseed();
    },
  };
}

export type Simulation = Awaited<ReturnType<typeof startSimulation>>;
