import { expect, test } from 'vitest';
import { createSchemas } from '../schema/index.ts';
import type { AnyObject } from '../types.ts';
import { applyPatch } from './index.ts';

const schemas = createSchemas();
const deployments = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true };

const patched = (podSpec: object, patch: object) => {
  const current = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'x', finalizers: ['a', 'b'] },
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } }, template: { spec: podSpec } },
  } as AnyObject;
  const before = structuredClone(current);
  const result = applyPatch({
    current,
    patch: { type: 'strategic', patch },
    type: deployments,
    now: '2026-01-01T00:00:00Z',
    schemas,
  }) as AnyObject & { spec: { strategy: object; template: { spec: object } } };
  expect(current).toEqual(before);
  return result;
};

const container = (name: string, rest: object = {}) => ({ name, image: `${name}:1`, ...rest });

test.each<[string, object, object, object]>([
  [
    'merges containers by name',
    { containers: [container('a'), container('b')] },
    { containers: [{ name: 'b', image: 'b:2' }] },
    { containers: [container('a'), { name: 'b', image: 'b:2' }] },
  ],
  [
    'adds a container',
    { containers: [container('a')] },
    { containers: [container('b')] },
    { containers: [container('a'), container('b')] },
  ],
  [
    'deletes a container',
    { containers: [container('a'), container('b')] },
    { containers: [{ name: 'a', $patch: 'delete' }] },
    { containers: [container('b')] },
  ],
  [
    'replaces the list',
    { containers: [container('a'), container('b')] },
    { containers: [{ $patch: 'replace' }, container('c')] },
    { containers: [container('c')] },
  ],
  [
    'replaces an object',
    { securityContext: { runAsUser: 1, fsGroup: 2 } },
    { securityContext: { $patch: 'replace', runAsUser: 3 } },
    { securityContext: { runAsUser: 3 } },
  ],
  ['deletes an object', { securityContext: { runAsUser: 1 } }, { securityContext: { $patch: 'delete' } }, {}],
  ['removes with null', { hostname: 'h', subdomain: 's' }, { hostname: null }, { subdomain: 's' }],
  [
    'replaces lists without a merge key',
    { containers: [container('a', { args: ['x', 'y'] })] },
    { containers: [{ name: 'a', args: ['z'] }] },
    { containers: [container('a', { args: ['z'] })] },
  ],
  [
    'orders items as told, and keeps those of others in place',
    { containers: [container('a'), container('b'), container('c')] },
    { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }], containers: [{ name: 'c', image: 'c:2' }] },
    { containers: [container('b'), { name: 'c', image: 'c:2' }, container('a')] },
  ],
])('strategic merge %s', (_name, podSpec, patch, expected) => {
  expect(patched(podSpec, { spec: { template: { spec: patch } } }).spec.template.spec).toEqual(expected);
});

test('retains only the keys named', () => {
  const strategy = { $retainKeys: ['type'], type: 'Recreate' };
  expect(patched({}, { spec: { strategy } }).spec.strategy).toEqual({ type: 'Recreate' });
});

test('merges lists of scalars and removes from them', () => {
  expect(patched({}, { metadata: { finalizers: ['b', 'c'] } }).metadata.finalizers).toEqual(['a', 'b', 'c']);
  expect(patched({}, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }).metadata.finalizers).toEqual([
    'b',
  ]);
});

test.each<[string, object, string]>([
  ['an item without its merge key', { containers: [{ image: 'x' }] }, 'lacks the merge key "name"'],
  ['an unknown directive', { securityContext: { $patch: 'drop' } }, 'unknown $patch "drop"'],
])('strategic merge refuses %s', (_name, patch, message) => {
  expect(() => patched({}, { spec: { template: { spec: patch } } })).toThrow(message);
});

test('strategic merge is refused for custom resources', () => {
  const type = {
    group: 'keda.sh',
    version: 'v1alpha1',
    kind: 'ScaledObject',
    plural: 'scaledobjects',
    namespaced: true,
  };
  const current = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', metadata: { name: 'x' } };
  const patch = { type: 'strategic' as const, patch: {} };
  expect(() => applyPatch({ current, patch, type, now: '', schemas })).toThrow(
    expect.objectContaining({ reason: 'UnsupportedMediaType' }),
  );
});
