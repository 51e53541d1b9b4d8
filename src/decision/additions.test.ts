import { describe, expect, it } from 'vitest';
import {
  cpu,
  failing,
  NOW,
  type ObjectOptions,
  pending,
  scaledObject,
  secondsAgo,
  trigger,
  value,
} from '../../test/support/decision-objects.ts';
import type { ScaledObject } from '../api/index.ts';
import { leftOutMetrics } from './left-out.ts';
import { withLastGood } from './metric-value.ts';
import { readModifiers } from './modifiers.ts';
import { explain } from './record.ts';
import { decideScale } from './scale.ts';
import type { ExternalTriggerState, TriggerState } from './trigger-state.ts';

type Advanced = NonNullable<ScaledObject['spec']['advanced']>;

interface Case extends ObjectOptions {
  triggers: TriggerState[];
  current: number;
  idleForSeconds?: number;
}

function decide({ triggers, current, idleForSeconds = 9999, ...options }: Case) {
  const named = triggers.map(({ type, name }) => ({ type, ...(name ? { name } : {}), metadata: {} }));
  const object = scaledObject({ ...options, spec: { ...options.spec, triggers: named } });
  const { action, record } = decideScale({
    object,
    cause: 'poll',
    now: NOW,
    lastActiveAt: secondsAgo(idleForSeconds),
    current: { replicas: current },
    readyPods: current,
    triggers,
    modifiers: readModifiers(object),
  });
  const what = action.kind === 'none' || action.kind === 'create-jobs' ? 'none' : `${action.from}→${action.to}`;
  return { outcome: `${what} ${record.rule}`, record };
}

const advanced = (settings: Advanced) => ({ spec: { advanced: settings } });
const behavior = (rules: NonNullable<NonNullable<Advanced['horizontalPodAutoscalerConfig']>['behavior']>) => ({
  horizontalPodAutoscalerConfig: { behavior: rules },
});

describe('activationReplicas: computed', () => {
  const computed: Advanced = { activationReplicas: 'computed' };
  it.each<[string, Case, string]>([
    ['unless asked for, one replica is woken', { triggers: [trigger(value(500))], current: 0 }, '0→1 activate'],
    [
      'wakes as many as the work needs',
      { ...advanced(computed), triggers: [trigger(value(42))], current: 0 },
      '0→9 activate',
    ],
    [
      'the largest demand counts',
      { ...advanced(computed), triggers: [trigger(value(42)), trigger(value(60), { index: 1 })], current: 0 },
      '0→12 activate',
    ],
    [
      'never more than the maximum',
      { spec: { advanced: computed, maxReplicaCount: 4 }, triggers: [trigger(value(500))], current: 0 },
      '0→4 activate',
    ],
    [
      'never fewer than the minimum',
      { spec: { advanced: computed, minReplicaCount: 3 }, triggers: [trigger(value(1))], current: 0 },
      '0→3 activate',
    ],
    [
      'also from idle replicas',
      {
        spec: { advanced: computed, minReplicaCount: 3, idleReplicaCount: 1 },
        triggers: [trigger(value(42))],
        current: 1,
      },
      '1→9 activate',
    ],
    [
      'a value that is set against all replicas says nothing at zero',
      { ...advanced(computed), triggers: [trigger(value(42), { metricType: 'Value' })], current: 0 },
      '0→1 activate',
    ],
    [
      'a source that only says that there is work gives the minimum',
      { ...advanced(computed), triggers: [trigger(pending, { signalled: true })], current: 0 },
      '0→1 activate',
    ],
    [
      'the result of a formula counts',
      {
        ...advanced({ ...computed, scalingModifiers: { formula: 'orders * 2', target: '10' } }),
        triggers: [trigger(value(40), { name: 'orders' })],
        current: 0,
      },
      '0→8 activate',
    ],
    [
      'an HPA that may not scale out is not gone past',
      {
        ...advanced({ ...computed, ...behavior({ scaleUp: { selectPolicy: 'Disabled' } }) }),
        triggers: [trigger(value(42))],
        current: 0,
      },
      '0→1 activate',
    ],
    [
      'a target that runs is the HPA’s',
      { ...advanced(computed), triggers: [trigger(value(42))], current: 2 },
      'none hpa',
    ],
  ])('%s', (_, options, outcome) => {
    expect(decide(options).outcome).toBe(outcome);
  });
});

describe('cooldownPolicy: afterScaleDown', () => {
  const policy: Advanced = { cooldownPolicy: 'afterScaleDown' };
  const quiet = [trigger(value(0))];
  it.each<[string, Case, string]>([
    ['unless asked for, the target rests from any count', { triggers: quiet, current: 8 }, '8→0 deactivate'],
    ['the HPA scales in first', { ...advanced(policy), triggers: quiet, current: 8 }, 'none scale-down-first'],
    ['from one replica the target rests', { ...advanced(policy), triggers: quiet, current: 1 }, '1→0 deactivate'],
    [
      'with idle replicas it rests from the minimum',
      { spec: { advanced: policy, minReplicaCount: 3, idleReplicaCount: 1 }, triggers: quiet, current: 3 },
      '3→1 deactivate',
    ],
    [
      'and not from above it',
      { spec: { advanced: policy, minReplicaCount: 3, idleReplicaCount: 1 }, triggers: quiet, current: 4 },
      'none scale-down-first',
    ],
    [
      'the cooldown counts all the while',
      { ...advanced(policy), triggers: quiet, current: 8, idleForSeconds: 10 },
      'none cooldown',
    ],
    [
      'and has to be over at one replica, too',
      { ...advanced(policy), triggers: quiet, current: 1, idleForSeconds: 10 },
      'none cooldown',
    ],
  ])('%s', (_, options, outcome) => {
    expect(decide(options).outcome).toBe(outcome);
  });

  it('says so when the HPA may not scale in', () => {
    const { record } = decide({
      ...advanced({ ...policy, ...behavior({ scaleDown: { selectPolicy: 'Disabled' } }) }),
      triggers: quiet,
      current: 8,
    });
    expect(explain(record).join('\n')).toContain('forbids it to scale in');
  });
});

describe('onError', () => {
  const fallback = { failureThreshold: 3, replicas: 4 };
  const broken = (onError: ExternalTriggerState['onError'], more: Partial<ExternalTriggerState> = {}) =>
    trigger(failing, { failures: 9, lastKnownActive: true, onError, ...more });
  const quiet = trigger(value(0), { index: 1 });
  const busy = trigger(value(12), { index: 1 });

  it.each<[string, Case, string]>([
    ['absent: an error keeps what runs', { triggers: [broken(undefined), quiet], current: 3 }, 'none error-hold'],
    [
      'absent: the fallback stands in',
      { spec: { fallback }, triggers: [broken(undefined), quiet], current: 0 },
      '0→1 fallback',
    ],
    ['fallback: the same', { spec: { fallback }, triggers: [broken('fallback'), quiet], current: 0 }, '0→1 fallback'],
    [
      'hold: no fallback stands in',
      { spec: { fallback }, triggers: [broken('hold'), quiet], current: 3 },
      'none error-hold',
    ],
    [
      'hold: and nothing wakes',
      { spec: { fallback }, triggers: [broken('hold'), quiet], current: 0 },
      'none error-hold',
    ],
    ['hold: another trigger may wake it', { triggers: [broken('hold'), busy], current: 0 }, '0→1 activate'],
    [
      'ignore: the others decide that there is no work',
      { triggers: [broken('ignore'), quiet], current: 3 },
      '3→0 deactivate',
    ],
    ['ignore: and that there is', { triggers: [broken('ignore'), busy], current: 0 }, '0→1 activate'],
    [
      'ignore: no fallback stands in',
      { spec: { fallback }, triggers: [broken('ignore'), quiet], current: 0 },
      'none at-rest',
    ],
    ['ignore: alone it is no evidence', { triggers: [broken('ignore')], current: 3 }, 'none error-hold'],
    [
      'ignore: nor are several',
      { triggers: [broken('ignore'), broken('ignore', { index: 1 })], current: 3 },
      'none error-hold',
    ],
    [
      'ignore: while it answers it counts',
      { triggers: [trigger(value(3), { onError: 'ignore' }), quiet], current: 0 },
      '0→1 activate',
    ],
    [
      'ignore: one that has not answered yet is waited for',
      { triggers: [trigger(pending, { onError: 'ignore' }), quiet], current: 3 },
      'none no-data-hold',
    ],
  ])('%s', (_, options, outcome) => {
    expect(decide(options).outcome).toBe(outcome);
  });

  describe('in a formula', () => {
    const formula = (text: string) => advanced({ scalingModifiers: { formula: text, target: '10' } });
    const a = (onError: ExternalTriggerState['onError'], more: Partial<ExternalTriggerState> = {}) =>
      broken(onError, { name: 'a', lastGood: { value: 30, ageMs: 3_600_000 }, ...more });
    const b = { ...busy, name: 'b' };

    it.each<[string, string, TriggerState[], number, string, string | undefined]>([
      ['hold: keeps what runs', 'a + b', [a('hold'), b], 3, 'none error-hold', undefined],
      ['hold: wakes nothing', 'a + b', [a('hold'), b], 0, 'none error-hold', undefined],
      ['ignore: is nil', '(a ?? 100) + b', [a('ignore'), b], 0, '0→1 activate', '112'],
      [
        'ignore: a formula that does not bear nil keeps what runs',
        'a + b',
        [a('ignore'), b],
        3,
        'none formula-hold',
        undefined,
      ],
      ['ignore: alone it is no evidence', 'a ?? 100', [a('ignore')], 0, 'none error-hold', undefined],
    ])('%s', (_, text, triggers, current, outcome, result) => {
      const decision = decide({ ...formula(text), triggers, current });
      expect(decision.outcome).toBe(outcome);
      expect(decision.record.formula?.result).toBe(result);
    });

    it('hold: the HPA goes on with the last good value', () => {
      const triggers = withLastGood([a('hold'), b], { ttlMs: 60_000, fallback: undefined });
      expect(decide({ ...formula('a + b'), triggers, current: 1 }).record.formula?.result).toBe('42');
    });
  });

  it('is told in the decision', () => {
    const { record } = decide({ triggers: [broken('ignore'), quiet], current: 3 });
    expect(explain(record)[0]).toMatch(
      /^trigger 0 \(rabbitmq\): is left out while it cannot be read \(9 polls in a row\)/,
    );
  });

  it('hold: the HPA gets the last good value however old it is', () => {
    const old = { lastGood: { value: 30, ageMs: 3_600_000 } };
    const options = { ttlMs: 60_000, fallback };
    const readings = (state: TriggerState) =>
      withLastGood([state], options).map((each) => 'reading' in each && each.reading);
    expect(readings(broken('hold', old))).toEqual([value(30)]);
    expect(readings(broken(undefined, old))).toEqual([failing]);
    expect(readings(broken('ignore', old))).toEqual([failing]);
  });

  describe('ignore: the HPA', () => {
    const A = 's0-rabbitmq-orders';
    it.each<[string, TriggerState[], string[], string[]]>([
      ['keeps the metric at first', [broken('ignore', { failures: 2 }), quiet], [], []],
      ['is rid of it after three failed polls', [broken('ignore', { failures: 3 }), quiet], [], [A]],
      ['stays so while it fails, also when counting starts anew', [broken('ignore', { failures: 1 }), quiet], [A], [A]],
      [
        'stays so while it has not answered after a restart',
        [trigger(pending, { onError: 'ignore' }), quiet],
        [A],
        [A],
      ],
      ['gets it back with the first answer', [trigger(value(0), { onError: 'ignore' }), quiet], [A], []],
      ['keeps it when nothing else is there', [broken('ignore')], [], []],
      [
        'gets it back when nothing else is there any more',
        [broken('ignore'), broken('ignore', { index: 1, metricName: 'b' })],
        [A],
        [],
      ],
      ['has cpu as well', [broken('ignore'), cpu], [], [A]],
      ['keeps those that are not to be ignored', [broken(undefined), quiet], [], []],
    ])('%s', (_, triggers, before, after) => {
      expect([...leftOutMetrics(triggers, new Set(before))]).toEqual(after);
    });

    it('is not written again while nothing changes', () => {
      const before = new Set([A]);
      expect(leftOutMetrics([broken('ignore'), quiet], before)).toBe(before);
    });
  });
});
