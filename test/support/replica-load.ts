import { NAMESPACES, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { createDiscovery } from '../../src/kube/discovery.ts';
import { answerJson, startHttpServer } from './http-server.ts';
import { aDeployment, aScaler } from './operator.ts';
import type { ReplicaWorld } from './replicas.ts';

/** A poll of the source of one object. */
export interface Poll {
  /** performance.now(). */
  at: number;
  about: string;
}

export interface Load {
  polls: Poll[];
  /** What the source of the ScaledJob answers. */
  queue: number;
  /** UIDs of the ScaledObjects by their names. */
  uids: Map<string, string>;
  /** Names of the ScaledObjects whose sources go up and down: their owners write all the time. */
  flipping: Set<string>;
  stop(): Promise<void>;
}

export interface LoadOptions {
  objects: number;
  pollingInterval: number;
  /** Every so-manieth source goes up and down all the time, in its own rhythm; the others rest at 5. */
  flipping?: number;
  jobs: boolean;
}

export const LOAD_NAMESPACE = 'load';
/** A source that flips stays up or down for so long; its owner writes each time. */
export const FLIP_MS = 2_000;

/** ScaledObjects `so-<number>` with a Deployment and a source each, and a ScaledJob `sj-0` with a queue. */
export async function createLoad(world: ReplicaWorld, options: LoadOptions): Promise<Load> {
  const { client } = world;
  const polls: Poll[] = [];
  const server = await startHttpServer((request, response) => {
    const about = request.url.slice(1);
    polls.push({ at: performance.now(), about });
    if (about === 'sj-0') return answerJson(response, { depth: load.queue });
    const phase = Number(about.slice(3)) * 137;
    const isUp = !load.flipping.has(about) || Math.floor((performance.now() + phase) / FLIP_MS) % 2 === 0;
    answerJson(response, { depth: isUp ? 5 : 0 });
  });
  const load: Load = { polls, queue: 0, uids: new Map(), flipping: new Set(), stop: () => server.stop() };
  const trigger = (name: string) => ({
    type: 'metrics-api',
    metadata: { url: `${server.url}/${name}`, valueLocation: 'depth', targetValue: '1' },
  });
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: LOAD_NAMESPACE } });
  const discovery = createDiscovery(client, systemClock);
  const create = async (object: object) => {
    const { apiVersion, kind } = object as KubeObject;
    const type = await discovery.resolve(apiVersion, kind);
    if (!type) throw new Error(`the cluster does not serve ${kind}`);
    await client.create(type, object, { namespace: LOAD_NAMESPACE });
  };
  const { pollingInterval } = options;
  for (let i = 0; i < options.objects; i++) {
    const name = `so-${i}`;
    if (options.flipping !== undefined && i % options.flipping === 0) load.flipping.add(name);
    await create(aDeployment(name, 0));
    await create(aScaler(name, [trigger(name)], { pollingInterval, cooldownPeriod: 1, maxReplicaCount: 2 }));
  }
  if (options.jobs) await create(aScaledJob(pollingInterval, trigger('sj-0')));
  for (const { metadata } of await client.listAll<KubeObject>(SCALED_OBJECTS, { namespace: LOAD_NAMESPACE }))
    load.uids.set(metadata.name, metadata.uid ?? '');
  return load;
}

/** Its workers never end, so a queue of n asks for n Jobs however often it is read. */
function aScaledJob(pollingInterval: number, trigger: object): object {
  const containers = [{ name: 'worker', image: 'example.com/simulated:1' }];
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name: 'sj-0' },
    spec: {
      pollingInterval,
      maxReplicaCount: 200,
      jobTargetRef: { template: { spec: { restartPolicy: 'Never', containers } } },
      triggers: [trigger],
    },
  };
}
