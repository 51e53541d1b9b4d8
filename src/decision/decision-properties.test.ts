import { describe, expect, it } from 'vitest';
import { scaledJob } from '../../test/support/decision-jobs.ts';
import {
  cpu,
  createRandom,
  failing,
  NOW,
  noData,
  pending,
  scaledObject,
  secondsAgo,
  trigger,
  value,
} from '../../test/support/decision-objects.ts';
import type { ScaledObject } from '../api/index.ts';
import type { JobView } from './job-view.ts';
import { decideJobs, type JobsInput } from './jobs.ts';
import { readModifiers } from './modifiers.ts';
import { explain } from './record.ts';
import { RULES } from './rules.ts';
import { decideScale, type ScaleInput } from './scale.ts';
import type { TriggerState } from './trigger-state.ts';

type Random = ReturnType<typeof createRandom>;
const CASES = 5_000;
const maybe = <T>(random: Random, chance: number, make: () => T): T | undefined =>
  random.next() < chance ? make() : undefined;
/** Without the keys whose value is undefined. */
const given = <T extends object>(fields: { [K in keyof T]: T[K] | undefined }): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)) as Partial<T>;

function randomTrigger(random: Random, index: number): TriggerState {
  if (random.next() < 0.1) return { ...cpu, index };
  const reading = random.pick([
    value(0),
    value(random.whole(500)),
    value(-random.whole(5)),
    value(random.next() * 10, random.next() < 0.5),
    value(Number.NaN),
    value(Number.POSITIVE_INFINITY),
    failing,
    noData,
    pending,
  ]);
  return trigger(reading, {
    index,
    name: index === 0 ? 'first' : undefined,
    target: random.pick([0, 1, 5, 0.5]),
    metricType: random.pick(['AverageValue', 'Value']),
    onError: random.pick([undefined, undefined, 'hold', 'ignore', 'fallback']),
    lastGood: random.pick([undefined, { value: random.whole(50), ageMs: random.whole(600_000) }]),
    activation: random.pick([undefined, 0, 10]),
    failures: reading.kind === 'error' ? 1 + random.whole(6) : 0,
    lastKnownActive: random.pick([undefined, true, false]),
    ageMs: random.whole(60_000),
  });
}

const randomTriggers = (random: Random) =>
  Array.from({ length: 1 + random.whole(3) }, (_, index) => randomTrigger(random, index));

function randomScale(random: Random): ScaleInput {
  const object: ScaledObject = scaledObject({
    createdSecondsAgo: random.whole(600),
    spec: given<ScaledObject['spec']>({
      scaleTargetRef: { name: 'worker' },
      triggers: [{ type: 'rabbitmq', name: 'first', metadata: {} }],
      minReplicaCount: maybe(random, 0.5, () => random.whole(5)),
      maxReplicaCount: maybe(random, 0.5, () => 1 + random.whole(9)),
      idleReplicaCount: maybe(random, 0.3, () => random.whole(3)),
      cooldownPeriod: maybe(random, 0.5, () => random.whole(300)),
      initialCooldownPeriod: maybe(random, 0.3, () => random.whole(300)),
      pollingInterval: undefined,
      fallback: maybe(random, 0.5, () => ({
        failureThreshold: random.whole(4) - 1,
        replicas: random.whole(5),
        behavior: random.pick([
          'static',
          'currentReplicas',
          'currentReplicasIfHigher',
          'currentReplicasIfLower',
          'scalingModifiers',
        ]),
      })),
      advanced: maybe(random, 0.5, () =>
        given<NonNullable<ScaledObject['spec']['advanced']>>({
          scalingModifiers: maybe(random, 0.6, () => ({
            formula: random.pick(['first * 2', '(first ?? 1) / 0', 'first ?? nil', 'nobody']),
            target: '2',
          })),
          cooldownPolicy: random.pick([undefined, 'immediate', 'afterScaleDown']),
          activationReplicas: random.pick([undefined, 'minimum', 'computed']),
          restoreToOriginalReplicaCount: undefined,
          horizontalPodAutoscalerConfig: undefined,
        }),
      ),
    }),
    annotations: Object.fromEntries(
      ['paused', 'paused-replicas', 'paused-scale-in', 'paused-scale-out', 'force-activation'].flatMap((name) =>
        random.next() < 0.08 ? [[`autoscaling.keda.sh/${name}`, random.pick(['true', '', '2'])]] : [],
      ),
    ),
  });
  return {
    object,
    cause: 'poll',
    now: NOW,
    lastActiveAt: maybe(random, 0.8, () => secondsAgo(random.whole(700) - 50)),
    current: random.next() < 0.03 ? { problem: 'no answer' } : { replicas: random.pick([0, 0, 1, 2, 5, 12]) },
    readyPods: random.pick([undefined, 0, 3]),
    triggers: randomTriggers(random),
    modifiers: readModifiers(object),
  };
}

describe('whatever the state of a ScaledObject', () => {
  const random = createRandom(20260102);
  const cases = Array.from({ length: CASES }, () => {
    const input = randomScale(random);
    return { input, decision: decideScale(input) };
  });
  const holds = (check: (input: ScaleInput, decision: ReturnType<typeof decideScale>) => boolean) =>
    cases.filter(({ input, decision }) => !check(input, decision)).slice(0, 1);
  const annotation = (input: ScaleInput, name: string) =>
    input.object.metadata.annotations?.[`autoscaling.keda.sh/${name}`];

  it('replicas stay within the bounds', () => {
    const broken = holds(({ object }, { action }) => {
      if (!('to' in action)) return true;
      return action.to >= 0 && action.to <= (object.spec.maxReplicaCount ?? 100) && action.to !== action.from;
    });
    expect(broken).toEqual([]);
  });

  it('every decision has a rule, sentences and a record of bounded size', () => {
    const broken = holds((_input, { record }) => {
      const text = JSON.stringify(record);
      return (
        record.rule in RULES &&
        explain(record).length >= 3 &&
        text.length < 4_000 &&
        !/undefined|null/.test(explain(record).join()) &&
        JSON.stringify(JSON.parse(text)) === text
      );
    });
    expect(broken).toEqual([]);
  });

  it('a paused object is left alone', () => {
    const broken = holds((input, { action }) => {
      const paused = annotation(input, 'paused') !== undefined || annotation(input, 'paused-replicas') !== undefined;
      return !paused || action.kind === 'none';
    });
    expect(broken).toEqual([]);
  });

  it('a paused direction is not taken', () => {
    const broken = holds((input, { action }) => {
      if (!('to' in action)) return true;
      if (annotation(input, 'paused-scale-in') !== undefined && action.to < action.from) return false;
      return !(annotation(input, 'paused-scale-out') !== undefined && action.to > action.from);
    });
    expect(broken).toEqual([]);
  });

  it('errors and missing values alone never bring replicas down', () => {
    const broken = holds(({ triggers, object }, { action }) => {
      const silent = triggers.every(
        (t) => t.kind === 'resource' || t.reading.kind === 'error' || t.reading.kind === 'pending',
      );
      return !(silent && object.spec.fallback === undefined && action.kind === 'deactivate');
    });
    expect(broken).toEqual([]);
  });

  it('nor do they wake anything up', () => {
    const broken = holds(({ triggers, object, ...input }, { action }) => {
      const silent = triggers.every((t) => t.kind === 'external' && t.reading.kind !== 'value');
      const forced = annotation({ object, triggers, ...input }, 'force-activation') !== undefined;
      return !(silent && !forced && object.spec.fallback === undefined && action.kind === 'activate');
    });
    expect(broken).toEqual([]);
  });

  it('a decision to wait says until when, and that is ahead', () => {
    const broken = holds((_input, { record, nextCheckAt }) => {
      const waits = record.rule === 'cooldown' || record.rule === 'initial-cooldown';
      return waits ? nextCheckAt !== undefined && nextCheckAt > NOW : nextCheckAt === undefined;
    });
    expect(broken).toEqual([]);
  });

  it('deciding again on what was written writes nothing', () => {
    const broken = holds((input, decision) => {
      const status = {
        conditions: [...decision.conditions],
        ...(decision.triggersActivity ? { triggersActivity: decision.triggersActivity } : {}),
        ...(decision.health ? { health: decision.health } : {}),
      };
      const again = decideScale({ ...input, object: { ...input.object, status } });
      return (
        again.conditions === status.conditions &&
        again.triggersActivity === status.triggersActivity &&
        again.health === status.health &&
        again.events.length === 0
      );
    });
    expect(broken).toEqual([]);
  });

  it('every rule of ScaledObjects is met, so that the cases say something', () => {
    const met = new Set(cases.map(({ decision }) => decision.record.rule));
    const missing = Object.keys(RULES).filter(
      (rule) => !rule.startsWith('jobs-') && !met.has(rule as keyof typeof RULES),
    );
    expect(missing).toEqual([]);
  });
});

function randomJob(random: Random, index: number): JobView {
  const outcome = random.pick([undefined, undefined, 'complete', 'failed'] as const);
  return {
    name: `job-${index}`,
    createdAt: secondsAgo(random.whole(60)),
    ...(outcome ? { outcome, finishedAt: random.pick([undefined, secondsAgo(random.whole(30))]) } : {}),
    deleting: random.next() < 0.1,
    pods: Array.from({ length: random.whole(2) }, () => ({
      phase: random.pick(['Pending', 'Running', 'Succeeded', 'Failed']),
      startedAt: random.pick([undefined, secondsAgo(random.whole(60))]),
      conditions: random.pick([[], ['Ready']]),
    })),
  };
}

function randomJobs(random: Random): JobsInput {
  const strategy = random.pick(['default', 'custom', 'accurate', 'eager'] as const);
  return {
    object: scaledJob({
      spec: {
        ...given({
          minReplicaCount: maybe(random, 0.4, () => random.whole(6)),
          maxReplicaCount: maybe(random, 0.7, () => 1 + random.whole(20)),
        }),
        scalingStrategy: {
          strategy,
          customScalingQueueLengthDeduction: random.whole(6) - 2,
          customScalingRunningJobPercentage: random.pick(['', '0.5', '-1', 'x']),
          pendingPodConditions: random.pick([[], ['Ready']]),
          multipleScalersCalculation: random.pick(['max', 'min', 'avg', 'sum']),
        },
      },
      annotations: random.next() < 0.05 ? { 'autoscaling.keda.sh/paused': 'true' } : {},
    }),
    cause: 'poll',
    now: NOW,
    lastActiveAt: undefined,
    triggers: randomTriggers(random),
    jobs:
      random.next() < 0.05
        ? undefined
        : Array.from({ length: random.whole(25) }, (_, index) => randomJob(random, index)),
    expected: Array.from({ length: random.whole(3) }, (_, index) => ({
      name: `new-${index}`,
      createdAt: secondsAgo(random.whole(5)),
    })),
  };
}

describe('whatever the state of a ScaledJob', () => {
  const random = createRandom(20260103);
  const cases = Array.from({ length: CASES }, () => {
    const input = randomJobs(random);
    return { input, decision: decideJobs(input) };
  });
  const holds = (check: (input: JobsInput, decision: ReturnType<typeof decideJobs>) => boolean) =>
    cases.filter(({ input, decision }) => !check(input, decision)).slice(0, 1);

  it('Jobs stay within the maximum, those on their way included', () => {
    const broken = holds(({ object, jobs, expected }, { create }) => {
      const { minReplicaCount: min = 0, maxReplicaCount } = object.spec;
      const running = (jobs ?? []).filter(({ outcome }) => outcome === undefined).length + expected.length;
      return (
        Number.isInteger(create) && create >= 0 && (create === 0 || running + create <= (maxReplicaCount ?? min + 100))
      );
    });
    expect(broken).toEqual([]);
  });

  it('none are created without a value, above the minimum', () => {
    const broken = holds(({ object, triggers }, { create }) => {
      const silent = triggers.every((t) => t.kind === 'resource' || t.reading.kind !== 'value');
      return !silent || create <= (object.spec.minReplicaCount ?? 0);
    });
    expect(broken).toEqual([]);
  });

  it('none are created while the list of Jobs is not known, or while paused', () => {
    const broken = holds(({ object, jobs }, { create }) => {
      const paused = object.metadata.annotations?.['autoscaling.keda.sh/paused'] !== undefined;
      return create === 0 || (jobs !== undefined && !paused);
    });
    expect(broken).toEqual([]);
  });

  it('every decision has a rule and sentences', () => {
    const broken = holds((_input, { record, create }) => {
      const count = record.action.kind === 'create-jobs' ? record.action.count : 0;
      return record.rule in RULES && count === create && explain(record).length >= 3;
    });
    expect(broken).toEqual([]);
  });

  it('deciding again on what was written writes nothing', () => {
    const broken = holds((input, decision) => {
      const status = { conditions: [...decision.conditions] };
      const again = decideJobs({ ...input, object: { ...input.object, status } });
      return again.conditions === status.conditions && again.events.length === 0;
    });
    expect(broken).toEqual([]);
  });

  it('every rule of ScaledJobs is met, so that the cases say something', () => {
    const met = new Set(cases.map(({ decision }) => decision.record.rule));
    const missing = Object.keys(RULES).filter(
      (rule) => rule.startsWith('jobs-') && !met.has(rule as keyof typeof RULES),
    );
    expect(missing).toEqual([]);
  });
});
