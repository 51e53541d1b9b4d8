import { beforeEach, expect, test } from 'vitest';
import { createSchemas } from '../schema/index.ts';
import { type AnyObject, ApiError } from '../types.ts';
import { applyPatch, trackUpdate } from './index.ts';

const schemas = createSchemas();
const type = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true };

interface Deployment extends AnyObject {
  spec: {
    replicas?: number;
    template: {
      metadata: { labels: Record<string, string> };
      spec: { containers: { name: string; image: string; env?: { name: string; value: string }[] }[] };
    };
  };
}
interface Entry {
  manager: string;
  operation: string;
  subresource?: string;
  time: string;
  fieldsV1: Record<string, unknown>;
}

/** One object as the API server keeps it: every write goes through defaults, like over HTTP. */
function cluster() {
  let stored: Deployment | undefined;
  let clock = 0;
  const tick = () => `2026-01-01T00:00:${String(clock++).padStart(2, '0')}Z`;
  const prepare = (object: AnyObject) =>
    schemas.prepare(type, object, { operation: stored ? 'update' : 'create', fieldValidation: 'Strict', old: stored })
      .object;
  return {
    get: () => stored!,
    entries: () => (stored?.metadata.managedFields ?? []) as Entry[],
    owner: (manager: string) =>
      ((stored?.metadata.managedFields ?? []) as Entry[]).find((entry) => entry.manager === manager)?.fieldsV1,
    apply(fieldManager: string, spec: object, options: { force?: boolean; metadata?: object } = {}) {
      const patch = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', ...options.metadata }, spec };
      const result = applyPatch({
        current: stored,
        patch: { type: 'apply', patch, fieldManager, force: options.force ?? false },
        type,
        now: tick(),
        schemas,
      });
      const same = result === stored;
      if (!same) stored = prepare(result) as Deployment;
      return same ? 'unchanged' : 'changed';
    },
    update(manager: string, change: (object: Deployment) => void, subresource?: string) {
      const after = stored
        ? structuredClone(stored)
        : ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: {} } as Deployment);
      change(after);
      const tracked = trackUpdate({
        before: stored,
        after: prepare(after),
        manager,
        operation: 'Update',
        subresource,
        now: tick(),
        schemas,
      });
      stored = tracked as Deployment;
    },
  };
}

const base = (rest: object = {}, containers: object[] = [{ name: 'c', image: 'i:1' }]) => ({
  selector: { matchLabels: { app: 'x' } },
  template: { metadata: { labels: { app: 'x' } }, spec: { containers } },
  ...rest,
});

let object: ReturnType<typeof cluster>;
beforeEach(() => {
  object = cluster();
});

test('an apply creates, owns exactly what it says, and changes nothing the second time', () => {
  object.apply('a', base({ replicas: 2 }));
  expect(object.owner('a')).toEqual({
    'f:spec': {
      'f:replicas': {},
      'f:selector': {},
      'f:template': {
        'f:metadata': { 'f:labels': { 'f:app': {} } },
        'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
      },
    },
  });
  expect(object.apply('a', base({ replicas: 2 }))).toBe('unchanged');
  expect(object.entries()).toHaveLength(1);
});

test('a field dropped from the applied configuration goes away and gets its default again', () => {
  object.apply('a', base({ replicas: 2, minReadySeconds: 5 }));
  object.apply('a', base());
  expect(object.get().spec).not.toHaveProperty('minReadySeconds');
  expect(object.get().spec.replicas).toBe(1);
});

test('a dropped field stays while somebody else owns it', () => {
  object.apply('a', base({ replicas: 2 }));
  object.apply('b', { replicas: 2 });
  object.apply('a', base());
  expect(object.get().spec.replicas).toBe(2);
  object.apply('b', {});
  expect(object.get().spec.replicas).toBe(1);
  expect(object.owner('b')).toEqual({ 'f:spec': {} });
});

test('changing what another manager set is a conflict that names it', () => {
  object.apply('a', base({ replicas: 2 }));
  object.update('kubectl', (deployment) => {
    deployment.spec.replicas = 5;
  });
  expect(() => object.apply('a', base({ replicas: 2 }))).toThrow(
    'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas',
  );
  try {
    object.apply('a', base({ replicas: 2 }));
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      reason: 'Conflict',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "kubectl" using apps/v1', field: '.spec.replicas' },
        ],
      },
    });
  }
  expect.assertions(3);
});

test('several conflicts are listed by manager', () => {
  object.apply('a', base({ replicas: 2 }, [{ name: 'c', image: 'i:1' }]));
  object.apply('b', { minReadySeconds: 1 });
  expect(() => object.apply('c', base({ replicas: 3, minReadySeconds: 2 }, [{ name: 'c', image: 'i:2' }]))).toThrow(
    [
      'Apply failed with 3 conflicts: conflicts with "a":',
      '- .spec.replicas',
      '- .spec.template.spec.containers[name="c"].image',
      'conflicts with "b":',
      '- .spec.minReadySeconds',
    ].join('\n'),
  );
});

test('force takes the field over', () => {
  object.apply('a', base({ replicas: 2 }));
  object.apply('b', { replicas: 4 }, { force: true });
  expect(object.get().spec.replicas).toBe(4);
  expect(object.owner('b')).toEqual({ 'f:spec': { 'f:replicas': {} } });
  expect(JSON.stringify(object.owner('a'))).not.toContain('replicas');
});

test('two managers may agree on a value and share it', () => {
  object.apply('a', base({ replicas: 2 }));
  expect(object.apply('b', { replicas: 2 })).toBe('changed');
  expect(object.owner('a')).toMatchObject({ 'f:spec': { 'f:replicas': {} } });
  expect(object.owner('b')).toMatchObject({ 'f:spec': { 'f:replicas': {} } });
});

test('a change through the scale subresource is owned apart', () => {
  object.apply('a', base({ replicas: 2 }));
  object.update(
    'hpa',
    (deployment) => {
      deployment.spec.replicas = 7;
    },
    'scale',
  );
  expect(() => object.apply('a', base({ replicas: 2 }))).toThrow(
    'conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas',
  );
  object.apply('a', base());
  expect(object.get().spec.replicas).toBe(7);
});

test('list items are merged by key: containers of others stay, dropped ones go whole', () => {
  object.apply(
    'a',
    base({}, [
      { name: 'c', image: 'i:1' },
      { name: 'side', image: 's:1' },
    ]),
  );
  object.update('injector', (deployment) => {
    deployment.spec.template.spec.containers.push({ name: 'proxy', image: 'p:1' });
  });
  object.apply('a', base({}, [{ name: 'c', image: 'i:2' }]));
  expect(object.get().spec.template.spec.containers.map(({ name, image }) => [name, image])).toEqual([
    ['c', 'i:2'],
    ['proxy', 'p:1'],
  ]);
});

test('a plain write owns what it created, defaults too, and loses what it removes', () => {
  object.update('kubectl-create', (deployment) => {
    Object.assign(deployment.spec, base());
  });
  expect(object.owner('kubectl-create')).toMatchObject({
    'f:spec': {
      'f:replicas': {},
      'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
      'f:template': {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:resources': {} } } },
      },
    },
  });
  expect(JSON.stringify(object.owner('kubectl-create'))).not.toContain('"f:containers":{".":');
  object.update('kubectl-edit', (deployment) => {
    deployment.metadata.labels = { tier: 'x' };
  });
  expect(object.owner('kubectl-edit')).toEqual({ 'f:metadata': { 'f:labels': { '.': {}, 'f:tier': {} } } });
  object.update('kubectl-edit', (deployment) => {
    delete deployment.metadata.labels;
  });
  expect(object.owner('kubectl-edit')).toBeUndefined();
});

test('a write that changes nothing leaves the times alone', () => {
  object.update('a', (deployment) => {
    Object.assign(deployment.spec, base());
  });
  const before = object.entries();
  object.update('a', () => {});
  expect(object.entries()).toEqual(before);
});

test('an amount written in another way is the same amount', () => {
  const resources = (cpu: string) => base({}, [{ name: 'c', image: 'i:1', resources: { requests: { cpu } } }]);
  object.apply('a', resources('1000m'));
  expect(object.apply('a', resources('1000m'))).toBe('unchanged');
  object.apply('b', resources('1'));
  expect(object.owner('b')).toEqual(object.owner('a'));
});

test('a status claimed on the main resource is ignored', () => {
  const patch = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'x' },
    spec: base(),
    status: { replicas: 9 },
  };
  const result = applyPatch({
    current: undefined,
    patch: { type: 'apply', patch, fieldManager: 'a' },
    type,
    now: 't',
    schemas,
  });
  expect(result).not.toHaveProperty('status');
  expect(JSON.stringify(result.metadata.managedFields)).not.toContain('f:status');
});

test('kubectl may take over what its annotation remembers', () => {
  const last = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: base({ replicas: 1 }) };
  object.update('kubectl-client-side-apply', (deployment) => {
    Object.assign(deployment.spec, base({ replicas: 1 }));
    deployment.metadata.annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(last) };
  });
  expect(() => object.apply('other', base({ replicas: 3 }))).toThrow('kubectl-client-side-apply');
  object.apply('kubectl', base({ replicas: 3 }));
  expect(object.get().spec.replicas).toBe(3);
});

test('an object without managers belongs to before-first-apply', () => {
  object.update('a', (deployment) => {
    Object.assign(deployment.spec, base({ replicas: 1 }));
  });
  object.update('a', (deployment) => {
    deployment.metadata.managedFields = [{}];
  });
  expect(object.entries()).toEqual([]);
  expect(() => object.apply('b', { replicas: 2 })).toThrow(
    'conflict with "before-first-apply" using apps/v1: .spec.replicas',
  );
});

test.each<[string, object, string]>([
  ['an unknown field', { sepc: 1 }, '.spec.sepc: field not declared in schema'],
  [
    'an item twice',
    base({}, [{ name: 'c' }, { name: 'c' }]),
    '.spec.template.spec.containers: duplicate entries for key [name="c"]',
  ],
])('%s in the applied configuration is refused', (_name, spec, message) => {
  expect(() => object.apply('a', spec)).toThrow(
    `failed to create typed patch object (/x; apps/v1, Kind=Deployment): ${message}`,
  );
});

test('metadata sets and maps merge: finalizers and labels of several appliers', () => {
  object.apply('a', base(), { metadata: { labels: { a: '1' }, finalizers: ['example.com/a'] } });
  object.apply('b', {}, { metadata: { labels: { b: '1' }, finalizers: ['example.com/b'] } });
  expect(object.get().metadata.labels).toEqual({ a: '1', b: '1' });
  expect(object.get().metadata.finalizers).toEqual(['example.com/a', 'example.com/b']);
  expect(object.owner('b')).toEqual({
    'f:metadata': { 'f:finalizers': { 'v:"example.com/b"': {} }, 'f:labels': { 'f:b': {} } },
    'f:spec': {},
  });
  object.apply('a', base());
  expect(object.get().metadata).toMatchObject({ labels: { b: '1' }, finalizers: ['example.com/b'] });
});
