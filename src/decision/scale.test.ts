import { describe, expect, it } from 'vitest';
import {
  cpu,
  failing,
  NOW,
  noData,
  type ObjectOptions,
  pending,
  scaledObject,
  secondsAgo,
  trigger,
  value,
} from '../../test/support/decision-objects.ts';
import { readModifiers } from './modifiers.ts';
import { explain } from './record.ts';
import { decideScale, type ScaleInput } from './scale.ts';
import type { TriggerState } from './trigger-state.ts';

interface Case extends ObjectOptions {
  triggers?: TriggerState[];
  current?: number | { problem: string };
  idleForSeconds?: number;
}

function decide({ triggers = [trigger(value(0))], current = 1, idleForSeconds, ...options }: Case) {
  const object = scaledObject(options);
  const input: ScaleInput = {
    object,
    cause: 'poll',
    now: NOW,
    lastActiveAt: idleForSeconds === undefined ? undefined : secondsAgo(idleForSeconds),
    current: typeof current === 'number' ? { replicas: current } : current,
    readyPods: typeof current === 'number' ? current : undefined,
    triggers,
    modifiers: readModifiers(object),
  };
  return decideScale(input);
}

const AUTOSCALING = 'autoscaling.keda.sh';
const busy = [trigger(value(12))];
const quiet = [trigger(value(0))];
const broken = [trigger(failing, { failures: 1, lastKnownActive: false })];
const fallback = { failureThreshold: 3, replicas: 4 };
const onFallback = [trigger(failing, { failures: 4, lastKnownActive: false })];

describe('what is done to the target', () => {
  it.each<[string, Case, string, string]>([
    // active
    ['work wakes a sleeping target', { triggers: busy, current: 0 }, 'activate 0→1', 'activate'],
    [
      'work wakes it to the minimum',
      { triggers: busy, current: 0, spec: { minReplicaCount: 3 } },
      'activate 0→3',
      'activate',
    ],
    ['a running target with work is the HPA’s', { triggers: busy, current: 2 }, 'none', 'hpa'],
    [
      'work lifts it from idle to the minimum',
      { triggers: busy, current: 1, spec: { minReplicaCount: 4, idleReplicaCount: 1 } },
      'activate 1→4',
      'activate',
    ],
    [
      'without idle mode the HPA lifts it to the minimum',
      { triggers: busy, current: 1, spec: { minReplicaCount: 4 } },
      'none',
      'hpa',
    ],
    [
      'a value at the activation is not above it',
      { triggers: [trigger(value(5), { activation: 5 })], current: 0 },
      'none',
      'at-rest',
    ],
    [
      'a value just above the activation is',
      { triggers: [trigger(value(5.001), { activation: 5 })], current: 0 },
      'activate 0→1',
      'activate',
    ],
    [
      'the scaler’s own word beats the value',
      { triggers: [trigger(value(0, true))], current: 0 },
      'activate 0→1',
      'activate',
    ],
    ['and the other way round', { triggers: [trigger(value(99, false))], current: 0 }, 'none', 'at-rest'],
    [
      'one active trigger of two is enough',
      { triggers: [trigger(value(0)), trigger(value(1), { index: 1 })], current: 0 },
      'activate 0→1',
      'activate',
    ],
    [
      'force-activation wakes it without work',
      { annotations: { [`${AUTOSCALING}/force-activation`]: 'true' }, current: 0 },
      'activate 0→1',
      'force-activation',
    ],
    [
      'force-activation keeps it awake',
      { annotations: { [`${AUTOSCALING}/force-activation`]: '' }, current: 1, idleForSeconds: 9999 },
      'none',
      'force-activation',
    ],
    ['cpu alone is always active', { triggers: [cpu], current: 1, idleForSeconds: 9999 }, 'none', 'resource-only'],
    [
      'cpu beside a quiet queue is not',
      { triggers: [cpu, ...quiet], current: 1, idleForSeconds: 9999 },
      'deactivate 1→0',
      'deactivate',
    ],
    // pauses
    [
      'paused freezes',
      { annotations: { [`${AUTOSCALING}/paused`]: 'true' }, triggers: busy, current: 0 },
      'none',
      'paused',
    ],
    [
      'paused-replicas freezes even when paused says false',
      {
        annotations: { [`${AUTOSCALING}/paused`]: 'false', [`${AUTOSCALING}/paused-replicas`]: '2' },
        triggers: busy,
        current: 0,
      },
      'none',
      'paused-replicas',
    ],
    [
      'paused: "false" does not',
      { annotations: { [`${AUTOSCALING}/paused`]: 'false' }, triggers: busy, current: 0 },
      'activate 0→1',
      'activate',
    ],
    [
      'paused-scale-out keeps it asleep',
      { annotations: { [`${AUTOSCALING}/paused-scale-out`]: 'true' }, triggers: busy, current: 0 },
      'none',
      'paused-scale-out',
    ],
    [
      'paused-scale-out keeps it below the minimum',
      { annotations: { [`${AUTOSCALING}/paused-scale-out`]: 'true' }, current: 0, spec: { minReplicaCount: 2 } },
      'none',
      'paused-scale-out',
    ],
    [
      'paused-scale-in keeps it awake',
      { annotations: { [`${AUTOSCALING}/paused-scale-in`]: 'true' }, current: 3, idleForSeconds: 9999 },
      'none',
      'paused-scale-in',
    ],
    [
      'paused-scale-out still lets it rest',
      { annotations: { [`${AUTOSCALING}/paused-scale-out`]: 'true' }, current: 3, idleForSeconds: 9999 },
      'deactivate 3→0',
      'deactivate',
    ],
    // inactive
    ['the cooldown holds it', { current: 3, idleForSeconds: 299 }, 'none', 'cooldown'],
    ['to its last moment', { current: 3, idleForSeconds: 300 }, 'none', 'cooldown'],
    ['then it rests', { current: 3, idleForSeconds: 300.001 }, 'deactivate 3→0', 'deactivate'],
    [
      'a cooldown of nothing holds nothing',
      { current: 1, idleForSeconds: 0.001, spec: { cooldownPeriod: 0 } },
      'deactivate 1→0',
      'deactivate',
    ],
    [
      'a new object waits initialCooldownPeriod',
      { current: 1, createdSecondsAgo: 50, spec: { initialCooldownPeriod: 60 } },
      'none',
      'initial-cooldown',
    ],
    [
      'and no longer',
      { current: 1, createdSecondsAgo: 61, spec: { initialCooldownPeriod: 60 } },
      'deactivate 1→0',
      'deactivate',
    ],
    [
      'which does not matter once there was work',
      { current: 1, idleForSeconds: 301, createdSecondsAgo: 400, spec: { initialCooldownPeriod: 3600 } },
      'deactivate 1→0',
      'deactivate',
    ],
    [
      'idle replicas are where it rests',
      { current: 7, idleForSeconds: 301, spec: { minReplicaCount: 3, idleReplicaCount: 1 } },
      'deactivate 7→1',
      'deactivate',
    ],
    [
      'and stays',
      { current: 1, idleForSeconds: 301, spec: { minReplicaCount: 3, idleReplicaCount: 1 } },
      'none',
      'at-rest',
    ],
    [
      'with a minimum the HPA brings it down',
      { current: 7, idleForSeconds: 301, spec: { minReplicaCount: 3 } },
      'none',
      'at-rest',
    ],
    ['below the minimum it is lifted', { current: 1, spec: { minReplicaCount: 3 } }, 'scale-to-min 1→3', 'below-min'],
    ['asleep it stays asleep', { current: 0, idleForSeconds: 9999 }, 'none', 'at-rest'],
    [
      'a scale-up by hand is undone when the cooldown is long over',
      { current: 2, idleForSeconds: 9999 },
      'deactivate 2→0',
      'deactivate',
    ],
    // errors and missing values
    ['an error is no evidence of rest', { triggers: broken, current: 3, idleForSeconds: 9999 }, 'none', 'error-hold'],
    [
      'not even from zero replicas in the fallback before it counts',
      { triggers: broken, current: 3, idleForSeconds: 9999, spec: { fallback: { failureThreshold: 3, replicas: 0 } } },
      'none',
      'error-hold',
    ],
    [
      'an error never wakes anything',
      { triggers: [trigger(failing, { lastKnownActive: true })], current: 0 },
      'none',
      'error-hold',
    ],
    [
      'an error beside a busy trigger hinders nothing',
      { triggers: [...broken, trigger(value(1), { index: 1 })], current: 0 },
      'activate 0→1',
      'activate',
    ],
    [
      'an error beside a quiet one holds',
      { triggers: [...broken, trigger(value(0), { index: 1 })], current: 3, idleForSeconds: 9999 },
      'none',
      'error-hold',
    ],
    [
      'the minimum holds whatever the sources say',
      { triggers: broken, current: 1, spec: { minReplicaCount: 3 } },
      'scale-to-min 1→3',
      'below-min',
    ],
    [
      'no data keeps a busy target awake',
      { triggers: [trigger(noData, { lastKnownActive: true })], current: 3, idleForSeconds: 9999 },
      'none',
      'no-data-hold',
    ],
    [
      'no data keeps what is not known',
      { triggers: [trigger(noData)], current: 3, idleForSeconds: 9999 },
      'none',
      'no-data-hold',
    ],
    [
      'no data after quiet lets it rest',
      { triggers: [trigger(noData, { lastKnownActive: false })], current: 3, idleForSeconds: 9999 },
      'deactivate 3→0',
      'deactivate',
    ],
    [
      'after a restart nothing happens before the first answer',
      { triggers: [trigger(pending, { lastKnownActive: false })], current: 3, idleForSeconds: 9999 },
      'none',
      'no-data-hold',
    ],
    [
      'NaN is an error',
      { triggers: [trigger(value(Number.NaN))], current: 3, idleForSeconds: 9999 },
      'none',
      'error-hold',
    ],
    ['and infinity is one', { triggers: [trigger(value(Number.POSITIVE_INFINITY))], current: 0 }, 'none', 'error-hold'],
    [
      'unknown replicas stay',
      { triggers: busy, current: { problem: 'the API server does not answer' } },
      'none',
      'replicas-unknown',
    ],
    // fallback
    [
      'the fallback wakes a sleeping target',
      { triggers: onFallback, current: 0, spec: { fallback } },
      'activate 0→1',
      'fallback',
    ],
    [
      'the fallback keeps it awake',
      { triggers: onFallback, current: 4, idleForSeconds: 9999, spec: { fallback } },
      'none',
      'fallback',
    ],
    [
      'at the threshold it does not count yet',
      { triggers: [trigger(failing, { failures: 3 })], current: 0, spec: { fallback } },
      'none',
      'error-hold',
    ],
    [
      'a threshold of 0 counts at the first failure',
      {
        triggers: [trigger(failing, { failures: 1 })],
        current: 0,
        spec: { fallback: { failureThreshold: 0, replicas: 2 } },
      },
      'activate 0→1',
      'fallback',
    ],
    [
      'a fallback to zero is a wish for zero',
      {
        triggers: onFallback,
        current: 4,
        idleForSeconds: 301,
        spec: { fallback: { failureThreshold: 3, replicas: 0 } },
      },
      'deactivate 4→0',
      'fallback-zero',
    ],
    [
      'after the cooldown',
      {
        triggers: onFallback,
        current: 4,
        idleForSeconds: 299,
        spec: { fallback: { failureThreshold: 3, replicas: 0 } },
      },
      'none',
      'cooldown',
    ],
    [
      'the current replicas of none are none',
      { triggers: onFallback, current: 0, spec: { fallback: { ...fallback, behavior: 'currentReplicas' } } },
      'none',
      'at-rest',
    ],
    [
      'a fallback that cannot be used is none',
      {
        triggers: onFallback,
        current: 3,
        idleForSeconds: 9999,
        spec: { fallback: { failureThreshold: -1, replicas: 4 } },
      },
      'none',
      'error-hold',
    ],
    [
      'a Value fallback without ready pods holds',
      { triggers: [trigger(failing, { failures: 9, metricType: 'Value' })], current: 0, spec: { fallback } },
      'none',
      'error-hold',
    ],
  ])('%s', (_name, options, action, rule) => {
    const { record } = decide(options);
    const text =
      'from' in record.action ? `${record.action.kind} ${record.action.from}→${record.action.to}` : record.action.kind;
    expect([text, record.rule]).toEqual([action, rule]);
  });
});

describe('a formula', () => {
  const triggers = [
    { type: 'rabbitmq', name: 'orders', metadata: {} },
    { type: 'kafka', name: 'lag', metadata: {} },
  ];
  const spec = (formula: string, more = {}) => ({
    triggers,
    advanced: { scalingModifiers: { formula, target: '10', ...more } },
  });
  const orders = (reading: TriggerState & { kind: 'external' }) => ({ ...reading, name: 'orders' });
  const both = (a: number, b: number) => [orders(trigger(value(a))), trigger(value(b), { index: 1, name: 'lag' })];
  const halfBroken = (failures: number) => [
    orders(trigger(failing, { failures })),
    trigger(value(8), { index: 1, name: 'lag' }),
  ];

  it.each<[string, Case, string]>([
    [
      'decides alone, whatever the triggers say',
      { triggers: both(3, 4), current: 0, spec: spec('orders - lag') },
      'at-rest',
    ],
    [
      'wakes the target above activationTarget',
      { triggers: both(3, 4), current: 0, spec: spec('orders + lag', { activationTarget: '6.9' }) },
      'activate',
    ],
    [
      'does not at it',
      { triggers: both(3, 4), current: 0, spec: spec('orders + lag', { activationTarget: '7' }) },
      'at-rest',
    ],
    [
      'holds while a trigger that it names fails',
      { triggers: halfBroken(1), current: 2, idleForSeconds: 9999, spec: spec('orders + lag') },
      'error-hold',
    ],
    [
      'does not mind one that it does not name',
      { triggers: halfBroken(1), current: 0, spec: spec('lag * 2') },
      'activate',
    ],
    [
      'holds when it cannot be computed',
      { triggers: both(1, 0), current: 2, idleForSeconds: 9999, spec: spec('orders / lag') },
      'formula-hold',
    ],
    [
      'gives way to a fallback',
      { triggers: halfBroken(4), current: 0, spec: { ...spec('orders + lag'), fallback } },
      'fallback',
    ],
    [
      'deals with nil itself when told to',
      {
        triggers: halfBroken(4),
        current: 0,
        spec: {
          ...spec('(orders ?? 0) + lag', { activationTarget: '8' }),
          fallback: { ...fallback, behavior: 'scalingModifiers' },
        },
      },
      'at-rest',
    ],
    [
      'that is nil falls back',
      {
        triggers: halfBroken(4),
        current: 0,
        spec: { ...spec('lag > 5 ? (orders ?? nil) : 1'), fallback: { ...fallback, behavior: 'scalingModifiers' } },
      },
      'fallback',
    ],
    [
      'that does not compile holds',
      { triggers: both(1, 2), current: 2, idleForSeconds: 9999, spec: spec('orders + nothing') },
      'formula-hold',
    ],
  ])('%s', (_name, options, rule) => {
    expect(decide(options).record.rule).toBe(rule);
  });

  it('has its value and what it asks for in the record', () => {
    const { record } = decide({ triggers: both(30, 5), current: 2, spec: spec('orders + lag') });
    expect(record).toMatchObject({ formula: { result: '35', target: '10', activation: '0' }, wanted: 4 });
  });
});

describe('what is kept and told', () => {
  it('says when a cooldown ends, so that nobody polls for it', () => {
    expect(decide({ current: 3, idleForSeconds: 100 }).nextCheckAt).toBe(secondsAgo(100) + 300_000 + 1);
    expect(decide({ current: 0, idleForSeconds: 100 }).nextCheckAt).toBeUndefined();
  });

  it('counts work from its evidence, also while another trigger fails', () => {
    const triggers = [...broken, trigger(value(1), { index: 1 })];
    expect(decide({ triggers, idleForSeconds: 500 }).lastActiveAt).toBe(NOW);
    expect(decide({ triggers: broken, idleForSeconds: 500 }).lastActiveAt).toBe(secondsAgo(500));
  });

  it('does not let a clock that ran ahead keep replicas for ever', () => {
    expect(decide({ idleForSeconds: -86_400 }).lastActiveAt).toBe(NOW);
  });

  it('names the active triggers in the event of an activation', () => {
    const { done, failed } = decide({
      triggers: [trigger(value(1), { name: 'mail' }), trigger(value(2), { index: 1 })],
      current: 0,
    });
    expect(done).toEqual({
      type: 'Normal',
      reason: 'KEDAScaleTargetActivated',
      message: 'Scaled Deployment shop/worker from 0 to 1, triggered by mail (rabbitmq); trigger 1 (rabbitmq)',
    });
    expect(failed?.reason).toBe('KEDAScaleTargetActivationFailed');
  });

  it('tells the fallback’s begin and end, and nothing in between', () => {
    const reasons = (triggers: TriggerState[], status: 'True' | 'False') =>
      decide({ triggers, spec: { fallback }, status: { conditions: [{ type: 'Fallback', status }] } }).events.map(
        (e) => e.reason,
      );
    expect(reasons(onFallback, 'False')).toEqual(['ScaledObjectFallbackActivated']);
    expect(reasons(onFallback, 'True')).toEqual([]);
    expect(reasons(quiet, 'True')).toEqual(['ScaledObjectFallbackDeactivated']);
    expect(reasons(quiet, 'False')).toEqual([]);
  });

  it('gives back the very status when nothing changed, so that nothing is written', () => {
    const first = decide({ triggers: onFallback, current: 4, spec: { fallback } });
    const status = {
      conditions: [...first.conditions],
      triggersActivity: first.triggersActivity!,
      health: first.health!,
    };
    const again = decide({ triggers: [trigger(failing, { failures: 400 })], current: 4, spec: { fallback }, status });
    expect(again.conditions).toBe(status.conditions);
    expect(again.triggersActivity).toBe(status.triggersActivity);
    expect(again.health).toBe(status.health);
    expect(status.health).toEqual({ 's0-rabbitmq-orders': { numberOfFailures: 4, status: 'Failing' } });
  });

  it('reads to a person as sentences', () => {
    const { record } = decide({
      triggers: [trigger(value(12), { name: 'mail' }), ...broken.map((b) => ({ ...b, index: 1 }))],
      current: 0,
    });
    expect(explain(record)).toEqual([
      'mail (rabbitmq): value 12 against target 5, active above 0, read 0.2 s ago: it is active and asks for 3 replicas.',
      'trigger 1 (rabbitmq): cannot be read (1 poll in a row); last known to be inactive: connection refused.',
      '0 replicas now, 3 wanted; 0 to 100 allowed.',
      'The target is woken up: from 0 to 1 replica.',
      'Rule activate: A trigger is active and the target runs fewer replicas than work needs to start: it is woken up.',
    ]);
  });
});
