import { expect, test } from 'vitest';
import { aScaledJob, aScaledObject } from '../../test/support/manifests.ts';
import { PAUSED, readBooleanAnnotation } from './annotations.ts';
import { type Condition, getCondition, hasInitialConditions, initialConditions, setCondition } from './conditions.ts';
import { hpaNameOf, scaledJobSettings, scaledObjectSettings, scaleTargetOf, usesScalingModifiers } from './defaults.ts';
import { kindNamed } from './kinds.ts';

test.each([
  [undefined, false],
  ['true', true],
  ['T', true],
  ['1', true],
  ['false', false],
  ['F', false],
  ['0', false],
  ['', true],
  ['yes', true],
  ['no', true],
  ['tRUE', true],
])('a switch annotation of %j reads as %s', (text, value) => {
  const annotations = text === undefined ? {} : { [PAUSED]: text };
  expect(readBooleanAnnotation(aScaledObject({}, { annotations }), PAUSED)).toBe(value);
});

const ready: Condition & { type: 'Ready' } = {
  type: 'Ready',
  status: 'True',
  reason: 'ScaledObjectReady',
  message: 'ok',
};

test('a condition is replaced in its place', () => {
  const list = setCondition(initialConditions(), ready);
  expect(list.map(({ type, status }) => `${type}=${status}`)).toEqual([
    'Ready=True',
    'Active=Unknown',
    'Fallback=Unknown',
    'Paused=False',
  ]);
});

test('a condition that is new stands at the end', () => {
  const list = setCondition(initialConditions(), { type: 'HPAActive', status: 'True' });
  expect(list.at(-1)).toEqual({ type: 'HPAActive', status: 'True' });
});

test.each<[string, Condition & { type: 'Ready' }, boolean]>([
  ['the same', { ...ready }, true],
  ['another status', { ...ready, status: 'False' }, false],
  ['another reason', { ...ready, reason: 'Other' }, false],
  ['another message', { ...ready, message: 'else' }, false],
])('setting %s gives the same list: %s', (_, next, same) => {
  const list = setCondition(initialConditions(), ready);
  expect(setCondition(list, next) === list).toBe(same);
});

test('an empty reason is no reason', () => {
  const list = initialConditions();
  expect(setCondition(list, { type: 'Ready', status: 'Unknown', reason: '', message: '' })).toBe(list);
});

test('conditions are complete with the four initial ones', () => {
  expect(hasInitialConditions(undefined)).toBe(false);
  expect(hasInitialConditions(initialConditions())).toBe(true);
  expect(hasInitialConditions(initialConditions().slice(1))).toBe(false);
  expect(getCondition(initialConditions(), 'Paused')).toEqual({ type: 'Paused', status: 'False' });
  expect(getCondition(undefined, 'Paused')).toBeUndefined();
});

test('absent fields of a ScaledObject mean what they mean in KEDA', () => {
  expect(scaledObjectSettings(aScaledObject())).toEqual({
    pollingInterval: 30,
    cooldownPeriod: 300,
    initialCooldownPeriod: 0,
    idleReplicaCount: undefined,
    minReplicaCount: 0,
    maxReplicaCount: 100,
    cooldownPolicy: 'immediate',
    activationReplicas: 'minimum',
    hpaMinReplicas: 1,
    hpaName: 'keda-hpa-worker',
    restoreToOriginalReplicaCount: false,
  });
  expect(scaleTargetOf(aScaledObject())).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'worker' });
});

test('zeros and names that are given stay', () => {
  const object = aScaledObject({
    cooldownPeriod: 0,
    minReplicaCount: 2,
    idleReplicaCount: 0,
    advanced: { horizontalPodAutoscalerConfig: { name: 'mine' } },
  });
  expect(scaledObjectSettings(object)).toMatchObject({ cooldownPeriod: 0, idleReplicaCount: 0, hpaMinReplicas: 2 });
  expect(hpaNameOf(object)).toBe('mine');
});

test.each([
  [undefined, false],
  [{}, false],
  [{ formula: '' }, false],
  [{ formula: 'a' }, true],
  [{ target: '5' }, true],
])('modifiers %j are in use: %s', (scalingModifiers, used) => {
  expect(usesScalingModifiers(aScaledObject(scalingModifiers ? { advanced: { scalingModifiers } } : {}))).toBe(used);
});

test('absent fields of a ScaledJob mean what they mean in KEDA', () => {
  expect(scaledJobSettings(aScaledJob())).toEqual({
    pollingInterval: 30,
    minReplicaCount: 0,
    maxReplicaCount: 100,
    successfulJobsHistoryLimit: 100,
    failedJobsHistoryLimit: 100,
    rolloutStrategy: 'immediate',
    propagationPolicy: 'Background',
    scalingStrategy: 'default',
    multipleScalersCalculation: 'max',
  });
});

test.each([
  ['keda.sh/v1alpha1', 'ScaledObject', 'ScaledObject'],
  ['eventing.keda.sh/v1alpha1', 'CloudEventSource', 'CloudEventSource'],
  ['keda.sh/v1alpha1', 'CloudEventSource', undefined],
  ['apps/v1', 'Deployment', undefined],
  ['keda.sh/v1alpha1', 'toString', undefined],
])('%s %s is our kind %s', (apiVersion, kind, name) => {
  expect(kindNamed(apiVersion, kind)).toBe(name);
});
