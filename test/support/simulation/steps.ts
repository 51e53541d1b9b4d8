import {
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  SCALED_JOBS,
  SCALED_OBJECTS,
} from '../../../src/api/resources.ts';
import type { ResourceType } from '../../../src/base/object.ts';
import type { createRandom } from '../decision-objects.ts';
import { aDeployment, type Loose } from '../operator.ts';
import { NAMESPACE, type Simulation } from './world.ts';

type Random = ReturnType<typeof createRandom>;

/** Something that happens to the cluster, told as a sentence, so that a failure can be read as a story. */
export interface Step {
  text: string;
  run(): unknown;
}

const OBJECTS = ['web-0', 'web-1', 'web-2'];
const JOB_OBJECTS = ['job-0', 'job-1'];
const MOST_MEMBERS = 3;

/** One trigger's source, by object and index. */
export const selectorOf = (name: string, index: number) => `app=${name}-${index}`;
const trigger = (name: string, index: number) => ({
  type: 'kubernetes-workload',
  metadata: { podSelector: selectorOf(name, index), value: '10' },
});

function scaledObjectSpec(random: Random, name: string) {
  const min = random.pick([0, 0, 1, 2]);
  const idle = min === 2 && random.next() < 0.5 ? random.pick([0, 1]) : undefined;
  return {
    scaleTargetRef: { name },
    pollingInterval: random.pick([1, 5, 10]),
    cooldownPeriod: random.pick([0, 3, 15]),
    minReplicaCount: min,
    maxReplicaCount: random.pick([2, 3, 5]),
    idleReplicaCount: idle ?? null,
    fallback: random.next() < 0.3 ? { failureThreshold: 2, replicas: random.pick([0, 1, 4]) } : null,
    advanced: {
      horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
      cooldownPolicy: random.pick(['immediate', 'immediate', 'afterScaleDown']),
      activationReplicas: random.pick(['minimum', 'minimum', 'computed']),
    },
    triggers: [trigger(name, 0), ...(random.next() < 0.4 ? [trigger(name, 1)] : [])],
  };
}

function scaledJobSpec(random: Random, name: string) {
  return {
    pollingInterval: random.pick([1, 5]),
    minReplicaCount: random.pick([0, 0, 1]),
    maxReplicaCount: random.pick([2, 4]),
    scalingStrategy: { strategy: random.pick(['default', 'accurate', 'eager']) },
    rollout: { strategy: random.pick(['gradual', 'immediate']) },
    triggers: [trigger(name, 0)],
    jobTargetRef: {
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/work:1' }] } },
    },
  };
}

const ANNOTATIONS: [string, (random: Random, now: number) => string][] = [
  ['autoscaling.keda.sh/paused', (random) => random.pick(['true', 'false', ''])],
  ['autoscaling.keda.sh/paused-replicas', (random) => random.pick(['0', '1', '3', 'x'])],
  ['autoscaling.keda.sh/paused-scale-in', () => 'true'],
  ['autoscaling.keda.sh/paused-scale-out', () => 'true'],
  ['autoscaling.keda.sh/force-activation', () => 'true'],
  ['windlass.dev/paused-until', (random, now) => new Date(now + random.pick([-5_000, 10_000, 30_000])).toISOString()],
  ['windlass.dev/dry-run', () => 'true'],
];

/** What the story begins with: everything there is, and two operators. */
export async function setScene({ api, start }: Simulation, random: Random): Promise<void> {
  for (const name of OBJECTS) {
    await api.create(DEPLOYMENTS, aDeployment(name, random.pick([0, 1, 3])), NAMESPACE);
    const spec = Object.entries(scaledObjectSpec(random, name)).filter(([, value]) => value !== null);
    await api.create(SCALED_OBJECTS, { metadata: { name }, spec: Object.fromEntries(spec) }, NAMESPACE);
  }
  for (const name of JOB_OBJECTS)
    await api.create(SCALED_JOBS, { metadata: { name }, spec: scaledJobSpec(random, name) }, NAMESPACE);
  start();
  start();
}

/** Draws what happens next. */
export function drawStep(world: Simulation, random: Random): Step {
  const { api, sources, members, clock } = world;
  const quietly = (text: string, run: () => Promise<unknown>): Step => ({
    text,
    // People write over each other, too; what the API server refuses has not happened.
    run: () => run().catch(() => {}),
  });
  const patch = (type: ResourceType, name: string, body: object) =>
    api.patch(type, name, NAMESPACE, { type: 'merge', patch: body });
  const object = random.pick(OBJECTS);
  const job = random.pick(JOB_OBJECTS);
  const member = [...members.values()][random.whole(Math.max(0, members.size - 1))];
  const pass = (ms: number): Step => ({ text: `${ms / 1000} s pass`, run: () => clock.advance(ms) });

  const draws: [number, () => Step | undefined][] = [
    [14, () => pass(random.pick([200, 1_000, 2_500, 7_000, 20_000]))],
    [
      10,
      () => {
        const name = random.pick([...OBJECTS, ...JOB_OBJECTS]);
        const selector = selectorOf(name, random.whole(1));
        const answer = random.pick([0, 0, 0, 5, 15, 35, 1_000, 'error', 'hang'] as const);
        return { text: `the source ${selector} answers ${answer}`, run: () => sources.set(selector, answer) };
      },
    ],
    [
      8,
      () => {
        const exists = world.get(SCALED_OBJECTS, object) !== undefined;
        const spec = scaledObjectSpec(random, object);
        if (exists)
          return quietly(`${object} is edited to ${JSON.stringify(spec)}`, () =>
            patch(SCALED_OBJECTS, object, { spec }),
          );
        return quietly(`${object} is made as ${JSON.stringify(spec)}`, async () => {
          const kept = Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
          await api.create(SCALED_OBJECTS, { metadata: { name: object, namespace: NAMESPACE }, spec: kept }, NAMESPACE);
        });
      },
    ],
    [
      4,
      () => {
        const exists = world.get(SCALED_JOBS, job) !== undefined;
        const spec = scaledJobSpec(random, job);
        if (exists)
          return quietly(`${job} is edited to ${JSON.stringify(spec)}`, () => patch(SCALED_JOBS, job, { spec }));
        return quietly(`${job} is made as ${JSON.stringify(spec)}`, () =>
          api.create(SCALED_JOBS, { metadata: { name: job, namespace: NAMESPACE }, spec }, NAMESPACE),
        );
      },
    ],
    [
      9,
      () => {
        const [key, value] = random.pick(ANNOTATIONS);
        const isJob = random.next() < 0.2;
        const name = isJob ? job : object;
        const text = random.next() < 0.55 ? null : value(random, clock.now());
        return quietly(`${name} is annotated ${key}=${text}`, () =>
          patch(isJob ? SCALED_JOBS : SCALED_OBJECTS, name, { metadata: { annotations: { [key]: text } } }),
        );
      },
    ],
    [2, () => quietly(`${object} is deleted`, () => api.delete(SCALED_OBJECTS, object, NAMESPACE))],
    [1, () => quietly(`${job} is deleted`, () => api.delete(SCALED_JOBS, job, NAMESPACE))],
    [
      3,
      () =>
        world.get(DEPLOYMENTS, object)
          ? quietly(`the Deployment ${object} is deleted`, () => api.delete(DEPLOYMENTS, object, NAMESPACE))
          : quietly(`the Deployment ${object} is made`, () =>
              api.create(DEPLOYMENTS, aDeployment(object, random.pick([0, 1, 3])), NAMESPACE),
            ),
    ],
    [
      3,
      () => {
        const replicas = random.pick([0, 1, 2, 4]);
        return quietly(`somebody scales ${object} to ${replicas}`, () =>
          api.patch(DEPLOYMENTS, object, NAMESPACE, { type: 'merge', patch: { spec: { replicas } } }, 'scale'),
        );
      },
    ],
    [
      2,
      () =>
        random.next() < 0.5
          ? quietly(`somebody deletes the HPA of ${object}`, () =>
              api.delete(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${object}`, NAMESPACE),
            )
          : quietly(`somebody edits the HPA of ${object}`, () =>
              patch(HORIZONTAL_POD_AUTOSCALERS, `keda-hpa-${object}`, { spec: { maxReplicas: 9 } }),
            ),
    ],
    [
      4,
      () => ({
        text: 'running Jobs complete',
        run: async () => {
          for (const each of world.list(JOBS)) await finish(world, each, random.next() < 0.6);
        },
      }),
    ],
    [
      members.size === 0 ? 20 : 3,
      () => {
        if (members.size >= MOST_MEMBERS) return undefined;
        return { text: 'an operator starts', run: () => world.start() };
      },
    ],
    [
      2,
      () => {
        if (!member || member.process.isFrozen) return undefined;
        const stop = async () => {
          if (await world.stopMember(member.name)) return;
          throw new Error(`${member.name} does not end`);
        };
        return { text: `${member.name} stops`, run: stop };
      },
    ],
    [2, () => member && { text: `${member.name} is killed`, run: () => world.kill(member.name) }],
    [2, () => member && { text: `${member.name} freezes`, run: () => member.process.freeze() }],
    [
      3,
      () => ({
        text: 'whoever is frozen or cut off comes back',
        run: () => {
          for (const { process } of members.values()) {
            process.cut(false);
            process.thaw();
          }
        },
      }),
    ],
    [2, () => member && { text: `${member.name} is cut off from the API server`, run: () => member.process.cut(true) }],
  ];
  const total = draws.reduce((sum, [weight]) => sum + weight, 0);
  for (;;) {
    let at = random.next() * total;
    for (const [weight, draw] of draws) {
      at -= weight;
      if (at >= 0) continue;
      const step = draw();
      if (step) return step;
      break;
    }
  }
}

async function finish({ api }: Simulation, job: Loose, really: boolean): Promise<void> {
  const ended = job.status?.conditions?.some(({ type }: { type: string }) => type === 'Complete' || type === 'Failed');
  if (ended || !really || job.metadata.deletionTimestamp) return;
  const now = new Date(Date.parse(job.metadata.creationTimestamp ?? '') + 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const status = {
    ...job.status,
    startTime: now,
    completionTime: now,
    succeeded: 1,
    conditions: [
      { type: 'SuccessCriteriaMet', status: 'True', lastTransitionTime: now, lastProbeTime: now },
      { type: 'Complete', status: 'True', lastTransitionTime: now, lastProbeTime: now },
    ],
  };
  await api.patch(JOBS, job.metadata.name, NAMESPACE, { type: 'merge', patch: { status } }, 'status').catch(() => {});
}
