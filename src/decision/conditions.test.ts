import { describe, expect, it } from 'vitest';
import { failing, NOW, scaledObject, trigger, value } from '../../test/support/decision-objects.ts';
import type { Condition } from '../api/index.ts';
import { hpaActiveCondition } from './conditions.ts';
import { decideScale } from './scale.ts';
import type { ExternalTriggerState, TriggerState } from './trigger-state.ts';

function conditions(stored: Condition[], triggers: TriggerState[], more: { current?: number; spec?: object } = {}) {
  const object = scaledObject({ spec: more.spec ?? {}, status: { conditions: stored } });
  const decision = decideScale({
    object,
    cause: 'poll',
    now: NOW,
    lastActiveAt: NOW,
    current: { replicas: more.current ?? 1 },
    readyPods: 1,
    triggers,
    modifiers: undefined,
  });
  return [...decision.conditions];
}

const shown = (list: Condition[], type: string) => {
  const found = list.find((condition) => condition.type === type);
  return found ? `${found.status} ${found.reason ?? ''}`.trim() : 'absent';
};
const READY: Condition[] = [
  {
    type: 'Ready',
    status: 'True',
    reason: 'ScaledObjectReady',
    message: 'The ScaledObject is set up and ready to scale.',
  },
];
const fails = (failures: number, more: Partial<ExternalTriggerState> = {}) =>
  trigger(failing, { failures, lastKnownActive: true, ...more });
const busy = trigger(value(1), { index: 1 });

describe('Ready', () => {
  it.each<[string, Condition[], TriggerState[], object, string]>([
    ['is True while all sources answer', [], [busy], {}, 'True ScaledObjectReady'],
    ['stays when a source fails for a moment', READY, [fails(1)], {}, 'True ScaledObjectReady'],
    ['stays at the second failure', READY, [fails(2)], {}, 'True ScaledObjectReady'],
    ['is False at the third', READY, [fails(3)], {}, 'False TriggerError'],
    ['is Unknown when other triggers are active', READY, [fails(3), busy], {}, 'Unknown PartialTriggerError'],
    ['tells at once of a source that never worked', READY, [trigger(failing)], {}, 'False TriggerError'],
    [
      'tells at once of what only a person can mend',
      READY,
      [fails(1, { reading: { kind: 'error', message: 'refused', terminal: true } })],
      {},
      'False TriggerError',
    ],
    [
      'comes back with the first answer',
      [{ type: 'Ready', status: 'False', reason: 'TriggerError' }],
      [busy],
      {},
      'True ScaledObjectReady',
    ],
    [
      'stays down while it only may come back',
      [{ type: 'Ready', status: 'False', reason: 'TriggerError' }],
      [fails(1)],
      {},
      'False TriggerError',
    ],
    [
      'stays down after a restart until the source has answered',
      [{ type: 'Ready', status: 'False', reason: 'TriggerError' }],
      [trigger({ kind: 'pending' }, { lastKnownActive: true })],
      {},
      'False TriggerError',
    ],
    [
      'leaves what a reconcile found wrong to the reconcile',
      [{ type: 'Ready', status: 'False', reason: 'ScaledObjectCheckFailed' }],
      [busy],
      {},
      'False ScaledObjectCheckFailed',
    ],
    [
      'stays with a fallback that does not stand in yet',
      READY,
      [fails(3)],
      { fallback: { failureThreshold: 9, replicas: 2 } },
      'True ScaledObjectReady',
    ],
    [
      'stays with one that does',
      READY,
      [fails(10)],
      { fallback: { failureThreshold: 9, replicas: 2 } },
      'True ScaledObjectReady',
    ],
  ])('%s', (_name, stored, triggers, spec, expected) => {
    expect(shown(conditions(stored, triggers, { spec }), 'Ready')).toBe(expected);
  });

  it('does not flap with a source that answers every third time', () => {
    const seen: string[] = [];
    let stored = READY;
    for (let poll = 0; poll < 12; poll++) {
      stored = conditions(stored, [poll % 3 === 2 ? trigger(value(1)) : fails((poll % 3) + 1)]);
      seen.push(shown(stored, 'Ready'));
    }
    expect(new Set(seen)).toEqual(new Set(['True ScaledObjectReady']));
  });

  it('quotes no error, so that a message with a new time in it is no write', () => {
    const first = conditions(READY, [fails(5, { reading: { kind: 'error', message: 'timeout at 12:00:00' } })]);
    expect(conditions(first, [fails(6, { reading: { kind: 'error', message: 'timeout at 12:00:30' } })])).toEqual(
      first,
    );
  });

  it('says that the replicas cannot be read', () => {
    const object = scaledObject({ status: { conditions: READY } });
    const { conditions: list, events } = decideScale({
      object,
      cause: 'poll',
      now: NOW,
      lastActiveAt: undefined,
      current: { problem: 'deployments.apps "worker" not found' },
      readyPods: undefined,
      triggers: [busy],
      modifiers: undefined,
    });
    expect([shown([...list], 'Ready'), list.length, events]).toEqual(['False ErrorGettingCurrentReplicas', 1, []]);
  });
});

it.each<[string, TriggerState[], number, string]>([
  ['work', [busy], 1, 'True ScalerActive'],
  ['the cooldown', [trigger(value(0))], 1, 'False ScalerCooldown'],
  ['rest', [trigger(value(0))], 0, 'False ScalerNotActive'],
  ['an error leaves it alone', [fails(1)], 1, 'absent'],
])('Active follows %s', (_name, triggers, current, expected) => {
  expect(shown(conditions([], triggers, { current }), 'Active')).toBe(expected);
});

it.each<[string, Parameters<typeof hpaActiveCondition>[0], string]>([
  ['works', { status: 'True', reason: 'ValidMetricFound', message: 'ok' }, 'True HPAActive'],
  [
    'stands still at zero',
    { status: 'False', reason: 'ScalingDisabled', message: 'replicas is 0' },
    'True ScalingDisabled',
  ],
  [
    'gets no metrics',
    { status: 'False', reason: 'FailedGetExternalMetric', message: 'no answer' },
    'False FailedGetExternalMetric',
  ],
  ['gives no reason', { status: 'Unknown', reason: '', message: '' }, 'False HPAMetricsUnavailable'],
])('HPAActive tells that the HPA %s', (_name, scalingActive, expected) => {
  const condition = hpaActiveCondition(scalingActive);
  expect(condition && shown([condition], 'HPAActive')).toBe(expected);
});

it('HPAActive says nothing of an HPA that is not known', () => {
  expect(hpaActiveCondition(undefined)).toBeUndefined();
});
