import { expect, test } from 'vitest';
import { aScaledJob, aScaledObject, aTrigger } from '../../../test/support/manifests.ts';
import type { ScaledObject, ScaledObjectSpec } from '../index.ts';
import { checkRules } from './index.ts';

const found = (object: ScaledObject) =>
  checkRules('ScaledObject', object).map(({ effect, rule, path }) => `${effect} ${rule} ${path}`);
const cpu = aTrigger({ type: 'cpu', metricType: 'Utilization', metadata: { value: '50' } });

test('an ordinary object has no problem', () => {
  expect(found(aScaledObject())).toEqual([]);
});

test.each<[string, Partial<ScaledObjectSpec>, string | undefined]>([
  ['min 5, max 4', { minReplicaCount: 5, maxReplicaCount: 4 }, 'minReplicaCount'],
  ['min 5, max 5', { minReplicaCount: 5, maxReplicaCount: 5 }, undefined],
  ['min 101, max absent', { minReplicaCount: 101 }, 'minReplicaCount'],
  ['min 100, max absent', { minReplicaCount: 100 }, undefined],
  ['idle 2, min 2', { idleReplicaCount: 2, minReplicaCount: 2 }, 'idleReplicaCount'],
  ['idle 1, min 2', { idleReplicaCount: 1, minReplicaCount: 2 }, undefined],
  ['idle 0, min 0: as KEDA, which counts the 0 as 1', { idleReplicaCount: 0, minReplicaCount: 0 }, undefined],
  ['idle 0, min absent', { idleReplicaCount: 0 }, 'idleReplicaCount'],
])('bounds %s: %s', (_, spec, field) => {
  expect(found(aScaledObject(spec))).toEqual(field === undefined ? [] : [`refuse incorrect-replicas spec.${field}`]);
});

test.each<[string, Partial<ScaledObjectSpec>, string[]]>([
  ['none', { triggers: [] }, ['refuse incorrect-triggers spec.triggers']],
  [
    'cached cpu beside another',
    { triggers: [aTrigger(), { ...cpu, useCachedMetrics: true }] },
    ['refuse incorrect-triggers spec.triggers[1].useCachedMetrics'],
  ],
  [
    'cached cron',
    { triggers: [aTrigger({ type: 'cron', useCachedMetrics: true })] },
    ['refuse incorrect-triggers spec.triggers[0].useCachedMetrics'],
  ],
  ['cached queue', { triggers: [aTrigger({ useCachedMetrics: true })] }, []],
  [
    'one name twice',
    { triggers: [aTrigger({ name: 'a' }), aTrigger({ name: 'b' }), aTrigger({ name: 'a' })] },
    ['refuse incorrect-triggers spec.triggers[2].name'],
  ],
  ['no name twice', { triggers: [aTrigger({ name: '' }), aTrigger({ name: '' })] }, []],
  ['onError of a queue', { triggers: [aTrigger({ onError: 'ignore' }), aTrigger({ onError: 'hold' })] }, []],
  [
    'onError of cpu',
    { triggers: [aTrigger(), { ...cpu, onError: 'ignore' }] },
    ['refuse incorrect-triggers spec.triggers[1].onError'],
  ],
  [
    'onError fallback without one',
    { triggers: [aTrigger({ onError: 'fallback' })] },
    ['refuse incorrect-triggers spec.triggers[0].onError'],
  ],
  [
    'onError fallback with one',
    { triggers: [aTrigger({ onError: 'fallback' })], fallback: { failureThreshold: 3, replicas: 1 } },
    [],
  ],
  [
    'unknown metric type',
    { triggers: [aTrigger({ metricType: 'Average' as 'Value' })] },
    ['fail incorrect-triggers spec.triggers[0].metricType'],
  ],
])('triggers: %s', (_, spec, expected) => {
  expect(found(aScaledObject(spec))).toEqual(expected);
});

test.each<[string, Partial<ScaledObjectSpec>, string[]]>([
  ['of a queue', { fallback: { failureThreshold: 0, replicas: 0 } }, []],
  [
    'negative',
    { fallback: { failureThreshold: -1, replicas: -1 } },
    ['refuse incorrect-fallback spec.fallback.failureThreshold', 'refuse incorrect-fallback spec.fallback.replicas'],
  ],
  [
    'of cpu alone',
    { minReplicaCount: 1, triggers: [cpu], fallback: { failureThreshold: 3, replicas: 1 } },
    ['refuse incorrect-fallback spec.fallback'],
  ],
  ['of cpu and a queue', { triggers: [cpu, aTrigger()], fallback: { failureThreshold: 3, replicas: 1 } }, []],
  [
    'by formula without one',
    { fallback: { failureThreshold: 3, replicas: 1, behavior: 'scalingModifiers' } },
    ['refuse scaling-modifiers-fallback spec.fallback.behavior'],
  ],
])('fallback %s', (_, spec, expected) => {
  expect(found(aScaledObject(spec))).toEqual(expected);
});

test.each<[number, Partial<ScaledObjectSpec>, string[]]>([
  [54, {}, []],
  [55, {}, ['refuse hpa-name-too-long metadata.name']],
  [55, { advanced: { horizontalPodAutoscalerConfig: { name: 'short' } } }, []],
  [63, { advanced: { horizontalPodAutoscalerConfig: { name: 'short' } } }, []],
  [64, { advanced: { horizontalPodAutoscalerConfig: { name: 'short' } } }, ['refuse name-too-long metadata.name']],
  [
    5,
    { advanced: { horizontalPodAutoscalerConfig: { name: 'h'.repeat(64) } } },
    ['refuse hpa-name-too-long spec.advanced.horizontalPodAutoscalerConfig.name'],
  ],
])('a name of %i characters with %j', (length, spec, expected) => {
  expect(found(aScaledObject(spec, { name: 'n'.repeat(length) }))).toEqual(expected);
});

const modifiers = 'spec.advanced.scalingModifiers';
test.each([
  [{ formula: 'a + b', target: '5' }, []],
  [{ formula: 'a', target: '1e3', activationTarget: '0.5', metricType: 'Value' as const }, []],
  [{ formula: '', target: '' }, []],
  [{ target: '5' }, [`refuse scaling-modifiers ${modifiers}.formula`]],
  [{ formula: 'a' }, [`refuse scaling-modifiers ${modifiers}.target`]],
  [{ formula: 'a', target: '0' }, [`refuse scaling-modifiers ${modifiers}.target`]],
  [{ formula: 'a', target: '-1' }, [`refuse scaling-modifiers ${modifiers}.target`]],
  [{ formula: 'a', target: 'five' }, [`refuse scaling-modifiers ${modifiers}.target`]],
  [{ formula: 'a', target: '5', activationTarget: 'x' }, [`fail scaling-modifiers ${modifiers}.activationTarget`]],
])('scaling modifiers %j', (scalingModifiers, expected) => {
  expect(found(aScaledObject({ advanced: { scalingModifiers } }))).toEqual(expected);
});

test('a formula is judged over the names of triggers that are read', () => {
  const object = aScaledObject({
    triggers: [aTrigger({ name: 'queue' }), { ...cpu, name: 'load' }, aTrigger()],
    advanced: { scalingModifiers: { formula: 'queue + x', target: '5' } },
  });
  const problems = checkRules('ScaledObject', object, {
    checkFormula: (formula, names) => `${formula} over ${names.join()}`,
  });
  expect(problems).toEqual([
    expect.objectContaining({ path: `${modifiers}.formula`, message: 'queue + x over queue', effect: 'refuse' }),
  ]);
});

test.each<[string, Partial<ScaledObjectSpec>, boolean]>([
  ['min absent', {}, true],
  ['min 0', { minReplicaCount: 0 }, true],
  ['min 1', { minReplicaCount: 1 }, false],
  ['a queue as well', { triggers: [cpu, aTrigger()] }, false],
  ['a StatefulSet', { scaleTargetRef: { name: 'w', kind: 'StatefulSet' } }, true],
  ['a Rollout', { scaleTargetRef: { name: 'w', kind: 'Rollout', apiVersion: 'argoproj.io/v1alpha1' } }, false],
])('cpu alone from zero, %s: refused is %s', (_, spec, refused) => {
  const object = aScaledObject({ triggers: [cpu], ...spec });
  expect(found(object)).toEqual(refused ? ['refuse scale-to-zero-requirements-not-met spec.minReplicaCount'] : []);
});

test.each([
  [{ name: 'w', kind: 'Rollout' }, 'set scaleTargetRef.apiVersion'],
  [{ name: 'w', kind: 'Rollout', apiVersion: 'apps/v1' }, 'not a kind of apps/v1'],
  [{ name: 'w', kind: 'DaemonSet' }, 'cannot be scaled'],
])('target %j cannot work', (scaleTargetRef, text) => {
  expect(checkRules('ScaledObject', aScaledObject({ scaleTargetRef }))).toEqual([
    expect.objectContaining({
      effect: 'fail',
      path: 'spec.scaleTargetRef.kind',
      message: expect.stringContaining(text),
    }),
  ]);
});

test('behaviour that Kubernetes will refuse in the HPA is named field by field', () => {
  const scaleDown = {
    selectPolicy: 'Most' as 'Max',
    policies: [{ type: 'Pod' as 'Pods', value: 0, periodSeconds: 1801 }],
  };
  const object = aScaledObject({ advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown } } } });
  const at = 'fail hpa-behavior spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown';
  expect(found(object)).toEqual([
    `${at}.selectPolicy`,
    `${at}.policies[0].type`,
    `${at}.policies[0].value`,
    `${at}.policies[0].periodSeconds`,
  ]);
});

const keda = (name: string) => `metadata.annotations["autoscaling.keda.sh/${name}"]`;
test.each([
  [{ paused: 'true' }, []],
  [{ paused: 'yes' }, [`warn annotations ${keda('paused')}`]],
  [{ 'paused-replicas': '3' }, []],
  [{ 'paused-replicas': 'three' }, [`fail annotations ${keda('paused-replicas')}`]],
  [{ paused: 'false', 'paused-replicas': '3' }, [`warn annotations ${keda('paused')}`]],
])('annotations %j', (short, expected) => {
  const annotations = Object.fromEntries(Object.entries(short).map(([k, v]) => [`autoscaling.keda.sh/${k}`, v]));
  expect(found(aScaledObject({}, { annotations }))).toEqual(expected);
});

test.each<[Partial<ScaledObjectSpec>, string[]]>([
  [{ minReplicaCount: 1, pollingInterval: 5, cooldownPeriod: 5 }, ['pollingInterval', 'cooldownPeriod']],
  [{ minReplicaCount: 1, idleReplicaCount: 0, pollingInterval: 5, cooldownPeriod: 5 }, []],
  [{ minReplicaCount: 0, pollingInterval: 5, cooldownPeriod: 5 }, []],
  [{ minReplicaCount: 1, pollingInterval: 5, triggers: [aTrigger({ useCachedMetrics: true })] }, []],
])('settings without effect in %j: %j', (spec, fields) => {
  expect(found(aScaledObject(spec))).toEqual(fields.map((field) => `warn no-effect spec.${field}`));
});

const own = (name: string) => `metadata.annotations["windlass.dev/${name}"]`;
test.each<[Record<string, string>, string[]]>([
  [{ 'paused-until': '2026-01-02T15:04:05Z', 'dry-run': 'true' }, []],
  [{ 'paused-until': '2026-01-02T15:04:05.5+02:00', 'dry-run': 'false' }, []],
  [{ 'paused-until': 'tomorrow' }, [`refuse annotations ${own('paused-until')}`]],
  [{ 'paused-until': '2026-01-02' }, [`refuse annotations ${own('paused-until')}`]],
  [{ 'paused-until': '2026-02-30T99:00:00Z' }, [`refuse annotations ${own('paused-until')}`]],
  [{ 'dry-run': 'perhaps' }, [`warn annotations ${own('dry-run')}`]],
])('annotations of ours %j, on both kinds', (short, expected) => {
  const annotations = Object.fromEntries(Object.entries(short).map(([k, v]) => [`windlass.dev/${k}`, v]));
  expect(found(aScaledObject({}, { annotations }))).toEqual(expected);
  const job = aScaledJob({});
  const problems = checkRules('ScaledJob', { ...job, metadata: { ...job.metadata, annotations } });
  expect(problems.map(({ effect, rule, path }) => `${effect} ${rule} ${path}`)).toEqual(expected);
});
