import { expect, test } from 'vitest';
import { aScaledObject, aTrigger } from '../../../test/support/manifests.ts';
import type { Container } from '../index.ts';
import { checkResourceRequests, type LimitRange } from './resource-requests.ts';

const container = (name: string, resources?: Container['resources']): Container => ({
  name,
  ...(resources ? { resources } : {}),
});
const asking = container('a', { requests: { cpu: '100m' } });
const limited = container('a', { limits: { cpu: 1 } });
const range = (limit: object): LimitRange[] => [{ spec: { limits: [limit] } }];

test.each<[string, Container[], Record<string, string>, LimitRange[], boolean]>([
  ['a request', [asking], {}, [], true],
  ['a limit', [limited], {}, [], true],
  ['a request of 0', [container('a', { requests: { cpu: '0' } })], {}, [], false],
  ['nothing', [container('a')], {}, [], false],
  ['a request of another resource', [container('a', { requests: { memory: '1Gi' } })], {}, [], false],
  ['one container without a request', [asking, container('b')], {}, [], false],
  ['one without, but the other is measured', [asking, container('b')], { containerName: 'a' }, [], true],
  ['one without, and that is measured', [asking, container('b')], { containerName: 'b' }, [], false],
  ['a default of the namespace', [container('a')], {}, range({ type: 'Container', default: { cpu: '1' } }), true],
  ['a default request', [container('a')], {}, range({ type: 'Container', defaultRequest: { cpu: '1' } }), true],
  ['a default for pods', [container('a')], {}, range({ type: 'Pod', default: { cpu: '1' } }), false],
])('cpu with %s: %#', (_, containers, metadata, ranges, fine) => {
  const object = aScaledObject({ triggers: [aTrigger(), aTrigger({ type: 'cpu', metadata })] });
  const found = checkResourceRequests(object, { containers }, ranges).map(({ effect, path }) => `${effect} ${path}`);
  expect(found).toEqual(fine ? [] : ['refuse spec.triggers[1].type']);
});

test.each([
  ['of the whole pod', {}, []],
  ['of the whole pod, where one container is measured', { containerName: 'a' }, ['spec.triggers[0].type']],
])('a request %s', (_, metadata: Record<string, string>, expected) => {
  const object = aScaledObject({ triggers: [aTrigger({ type: 'cpu', metadata })] });
  const pod = { containers: [container('a')], resources: { requests: { cpu: '1' } } };
  expect(checkResourceRequests(object, pod, []).map(({ path }) => path)).toEqual(expected);
});

test('other kinds are not judged', () => {
  const scaleTargetRef = { name: 'w', kind: 'Rollout', apiVersion: 'argoproj.io/v1alpha1' };
  const object = aScaledObject({ scaleTargetRef, triggers: [aTrigger({ type: 'memory' })] });
  expect(checkResourceRequests(object, { containers: [container('a')] }, [])).toEqual([]);
});
