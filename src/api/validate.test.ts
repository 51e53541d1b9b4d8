import { expect, test } from 'vitest';
import { aScaledJob, aScaledObject } from '../../test/support/manifests.ts';
import { validateObject } from './validate.ts';

const problemsOf = (spec: Record<string, unknown>) =>
  validateObject('ScaledObject', { ...aScaledObject(), spec: { ...aScaledObject().spec, ...spec } });

test('an object without a problem comes back whole, with the default of the API server', () => {
  const object = aScaledObject({ fallback: { failureThreshold: 3, replicas: 2 } });
  const { object: kept, problems, warnings } = validateObject('ScaledObject', object);
  expect({ problems, warnings }).toEqual({ problems: [], warnings: [] });
  expect(kept).toEqual({
    ...object,
    spec: { ...object.spec, fallback: { failureThreshold: 3, replicas: 2, behavior: 'static' } },
  });
});

test.each<[string, Record<string, unknown>, string, string]>([
  [
    'text for a number',
    { maxReplicaCount: '10' },
    'maxReplicaCount',
    'must be a whole number, not text: take off the quotes (10)',
  ],
  ['a fraction', { maxReplicaCount: 1.5 }, 'maxReplicaCount', 'must be a whole number'],
  ['a number that is too small', { pollingInterval: 0 }, 'pollingInterval', 'must be at least 1'],
  ['a number of more than 32 bits', { cooldownPeriod: 2 ** 31 }, 'cooldownPeriod', 'must be at most 2147483647'],
  [
    'a number for text',
    { scaleTargetRef: { name: 5 } },
    'scaleTargetRef.name',
    'must be text, not a number: put it in quotes ("5")',
  ],
  ['an empty name', { scaleTargetRef: { name: '' } }, 'scaleTargetRef.name', 'must not be empty'],
  ['no name', { scaleTargetRef: {} }, 'scaleTargetRef.name', 'is missing: name of the target.'],
  [
    'a name that is blank in YAML',
    { scaleTargetRef: { name: null } },
    'scaleTargetRef.name',
    'is missing: name of the target.',
  ],
  [
    'text for true',
    { advanced: { restoreToOriginalReplicaCount: 'true' } },
    'advanced.restoreToOriginalReplicaCount',
    'must be true or false, not text: take off the quotes (true)',
  ],
  [
    'a map for a list',
    { triggers: { type: 'cron' } },
    'triggers',
    'must be a list, not a map: begin each entry with a dash',
  ],
  ['no triggers', { triggers: [] }, 'triggers', 'must have at least 1 entry'],
  ['a blank trigger', { triggers: [null] }, 'triggers[0]', 'must be a map of fields, not nothing'],
  [
    'a number in metadata',
    { triggers: [{ type: 'x', metadata: { length: 5 } }] },
    'triggers[0].metadata.length',
    'must be text, not a number: put it in quotes ("5")',
  ],
  [
    'an unknown value',
    { fallback: { failureThreshold: 1, replicas: 1, behavior: 'currentreplica' } },
    'fallback.behavior',
    'must be one of static, currentReplicas, currentReplicasIfHigher, currentReplicasIfLower, scalingModifiers; did you mean currentReplicas?',
  ],
  [
    'min above max',
    { minReplicaCount: 3, maxReplicaCount: 2 },
    'minReplicaCount',
    'minReplicaCount must not be greater than maxReplicaCount (100 when that is absent)',
  ],
  [
    'min above the default max',
    { minReplicaCount: 101 },
    'minReplicaCount',
    'minReplicaCount must not be greater than maxReplicaCount (100 when that is absent)',
  ],
  [
    'a long stabilisation',
    { advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 3601 } } } } },
    'advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds',
    'must be at most 3600',
  ],
  [
    'a fraction for a quantity',
    { advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleUp: { tolerance: 0.1 } } } } },
    'advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.tolerance',
    'must be a quantity such as 500m or "0.5", not a number: put it in quotes ("0.1")',
  ],
])('%s is one problem at its field', (_, spec, field, message) => {
  const { object, problems } = problemsOf(spec);
  expect(object).toBeUndefined();
  expect(problems.map(({ path, message }) => ({ path, message }))).toEqual([{ path: `spec.${field}`, message }]);
});

test('everything that is wrong is found in one go', () => {
  const { problems } = validateObject('ScaledObject', {
    apiVersion: 'keda.sh/v1beta1',
    kind: 'ScaledObject',
    metadata: { name: 'Worker', annotations: { 'autoscaling.keda.sh/paused': true } },
    spec: { scaleTargetRef: 'worker', triggers: [{ type: 'cron' }, { metadata: {} }] },
  });
  expect(problems.map(({ path }) => path)).toEqual([
    'apiVersion',
    'metadata.name',
    'metadata.annotations["autoscaling.keda.sh/paused"]',
    'spec.scaleTargetRef',
    'spec.triggers[0].metadata',
    'spec.triggers[1].type',
  ]);
});

test.each<[string, Record<string, unknown>, string, string]>([
  ['a typo', { minReplicas: 1 }, 'minReplicas', 'is not a field here and is ignored; did you mean minReplicaCount?'],
  [
    'another case',
    { CooldownPeriod: 5 },
    'CooldownPeriod',
    'is not a field here and is ignored; did you mean cooldownPeriod?',
  ],
  ['a stranger', { zzz: 1 }, 'zzz', 'is not a field here and is ignored'],
  ['nothing behind a name', { minReplicaCount: null }, 'minReplicaCount', 'has no value and is ignored'],
])('%s is dropped with a warning, as an API server does', (_, spec, field, message) => {
  const { object, problems, warnings } = problemsOf(spec);
  expect(problems).toEqual([]);
  expect(warnings.map(({ path, message }) => ({ path, message }))).toEqual([{ path: `spec.${field}`, message }]);
  expect(object?.spec).toEqual(aScaledObject().spec);
});

test('a pod template passes through untouched', () => {
  const job = aScaledJob({
    jobTargetRef: { template: { spec: { containers: [{ name: 'a' }], whatever: { x: [null] } } } },
  });
  const { object, warnings } = validateObject('ScaledJob', job);
  expect(warnings).toEqual([]);
  expect(object?.spec.jobTargetRef).toEqual(job.spec.jobTargetRef);
});

test.each([
  ['no object', 5, ['']],
  ['no metadata', { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledJob', spec: aScaledJob().spec }, ['metadata']],
  ['no spec', { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledJob', metadata: { name: 'a' } }, ['spec']],
])('%s', (_, manifest, paths) => {
  expect(validateObject('ScaledJob', manifest).problems.map(({ path }) => path)).toEqual(paths);
});

test('the default of oauth2 stands in for its required type', () => {
  const { object, problems } = validateObject('TriggerAuthentication', {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'TriggerAuthentication',
    metadata: { name: 'a' },
    spec: { oauth2: { clientId: 'a', tokenUrl: 'https://b' } },
  });
  expect(problems).toEqual([]);
  expect(object?.spec.oauth2?.type).toBe('clientCredentials');
});
