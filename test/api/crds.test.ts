import { describe, expect, test } from 'vitest';
import { KINDS, type KindName } from '../../src/api/kinds.ts';
import { validateObject } from '../../src/api/validate.ts';
import { createSchemas } from '../../src/sandbox/schema/index.ts';
import type { AnyObject } from '../../src/sandbox/types.ts';
import { crdOf } from '../../src/spec/object-crd.ts';
import { everyField } from '../support/every-field.ts';
import { aScaledObject } from '../support/manifests.ts';

const schemas = createSchemas();
// Throws when a schema is not structural or a rule cannot be compiled.
for (const kind of Object.values(KINDS)) schemas.setCustomResource(crdOf(kind) as unknown as AnyObject);

const manifestOf = (kind: KindName, spec: unknown, name: string) => {
  const { group, version } = KINDS[kind].type;
  return { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec };
};
const create = (kind: KindName, manifest: AnyObject) =>
  schemas.prepare(KINDS[kind].type, manifest, { operation: 'create', fieldValidation: 'Ignore' }).object;

describe.each(Object.keys(KINDS) as KindName[])('%s', (kind) => {
  test('an object with every field is kept whole by an API server and by our own check', () => {
    const spec = everyField(KINDS[kind].spec);
    const manifest = manifestOf(kind, spec, 'full');
    const { object, problems, warnings } = validateObject(kind, manifest);
    expect(problems).toEqual([]);
    expect(warnings.filter(({ message }) => !message.startsWith('is deprecated'))).toEqual([]);
    expect(object?.spec).toEqual(spec);
    expect(create(kind, manifest).spec).toEqual(spec);
  });
});

const scaledObject = aScaledObject().spec;
test.each<[string, KindName, unknown, unknown]>([
  ['an unknown field', 'ScaledObject', { ...scaledObject, minReplicas: 1 }, scaledObject],
  ['a name without a value', 'ScaledObject', { ...scaledObject, minReplicaCount: null }, scaledObject],
  [
    'an absent fallback behaviour',
    'ScaledObject',
    { ...scaledObject, fallback: { failureThreshold: 1, replicas: 1 } },
    { ...scaledObject, fallback: { failureThreshold: 1, replicas: 1, behavior: 'static' } },
  ],
  [
    'an absent OAuth flow',
    'TriggerAuthentication',
    { oauth2: { clientId: 'a', tokenUrl: 'b' } },
    { oauth2: { clientId: 'a', tokenUrl: 'b', type: 'clientCredentials' } },
  ],
])('%s is dropped or filled in alike', (title, kind, spec, expected) => {
  const manifest = manifestOf(kind, spec, title.replaceAll(' ', '-').toLowerCase());
  expect(validateObject(kind, manifest).object?.spec).toEqual(expected);
  expect(create(kind, manifest).spec).toEqual(expected);
});
