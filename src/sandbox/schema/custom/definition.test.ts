import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { AnyObject } from '../../types.ts';
import { createSchemas } from '../index.ts';
import type { OpenApiSchema } from '../node.ts';

const type = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: '',
  namespaced: false,
};

const accept = (crd: AnyObject) =>
  createSchemas().prepare(type, crd, { operation: 'create', fieldValidation: 'Strict' }).object;

const definition = (change: (spec: Record<string, unknown>) => void): AnyObject => {
  const spec = {
    group: 'shop.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', singular: 'widget', listKind: 'WidgetList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  };
  change(spec);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.shop.example.com' },
    spec,
  };
};

const withSchema = (schema: OpenApiSchema) =>
  definition((spec) => {
    spec.versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }];
  });

const SCHEMA = 'spec.versions[0].schema.openAPIV3Schema';

describe('a definition is refused', () => {
  test.each<[string, (spec: Record<string, unknown>) => void, string]>([
    [
      'with another name than plural.group',
      (spec) => (spec.group = 'other.example.com'),
      'metadata.name: Invalid value: "widgets.shop.example.com": must be spec.names.plural+"."+spec.group',
    ],
    [
      'with a group that is no domain',
      (spec) => (spec.group = 'shop'),
      'spec.group: Invalid value: "shop": should be a domain with at least one dot',
    ],
    [
      'with an unknown scope',
      (spec) => (spec.scope = 'Global'),
      'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"',
    ],
    [
      'without a storage version',
      (spec) =>
        (spec.versions = [
          { name: 'v1', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
        ]),
      'must have exactly one version marked as storage version',
    ],
    [
      'without a schema',
      (spec) => (spec.versions = [{ name: 'v1', served: true, storage: true }]),
      `${SCHEMA}: Required value: schemas are required`,
    ],
  ])('%s', (_name, change, message) => {
    expect(() => accept(definition(change))).toThrow(message);
  });

  test.each<[string, OpenApiSchema, string]>([
    ['a root without a type', { properties: {} }, `${SCHEMA}.type: Required value: must not be empty at the root`],
    [
      'a field without a type',
      { type: 'object', properties: { a: {} } },
      `${SCHEMA}.properties[a].type: Required value: must not be empty for specified object fields`,
    ],
    [
      'a list without items',
      { type: 'object', properties: { a: { type: 'array' } } },
      `${SCHEMA}.properties[a].items: Required value: must be specified`,
    ],
    [
      'a type inside anyOf',
      { type: 'object', properties: { a: { type: 'string', anyOf: [{ type: 'string' }] } } },
      `${SCHEMA}.properties[a].anyOf[0].type: Forbidden: must be empty to be structural`,
    ],
    [
      'properties next to additionalProperties',
      {
        type: 'object',
        properties: {
          a: { type: 'object', properties: { b: { type: 'string' } }, additionalProperties: { type: 'string' } },
        },
      },
      'additionalProperties and properties are mutual exclusive',
    ],
    [
      'uniqueItems',
      { type: 'object', properties: { a: { type: 'array', items: { type: 'string' }, uniqueItems: true } } },
      'uniqueItems cannot be set to true',
    ],
    [
      'a default of the wrong type',
      { type: 'object', properties: { a: { type: 'integer', default: 'x' } } },
      `${SCHEMA}.properties[a].default: Invalid value: "string"`,
    ],
    [
      'a pattern that cannot be read',
      { type: 'object', properties: { a: { type: 'string', pattern: '(' } } },
      `${SCHEMA}.properties[a].pattern: Invalid value: "(": must be a valid regular expression`,
    ],
    [
      'a keyed list whose key may be missing',
      {
        type: 'object',
        properties: {
          a: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['k'],
            items: { type: 'object', properties: { k: { type: 'string' } } },
          },
        },
      },
      'so it must have a default or be a required property',
    ],
    [
      'metadata with fields of its own',
      { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } },
      'must not specify anything other than name and generateName',
    ],
  ])('with %s', (_name, schema, message) => {
    expect(() => accept(withSchema(schema))).toThrow(message);
  });

  test.each<[string, string, string]>([
    [
      'a rule with a syntax error',
      'self.a >',
      `${SCHEMA}.x-kubernetes-validations[0].rule: Invalid value: {"rule":"self.a >"}: compilation failed: Unexpected token`,
    ],
    [
      'a rule that calls what does not exist',
      'nonsense(self)',
      `compilation failed: found no matching overload for 'nonsense(dyn)'`,
    ],
    ['a rule about unknown names', 'other.a > 1', 'compilation failed: Unknown variable: other'],
    ['a rule that gives no answer', '1 + 1', 'must evaluate to a bool'],
  ])('with %s', (_name, rule, message) => {
    expect(() => accept(withSchema({ type: 'object', 'x-kubernetes-validations': [{ rule }] }))).toThrow(message);
  });

  test('with a transition rule inside a list that has no keys', () => {
    const items = { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > oldSelf' }] };
    const schema = { type: 'object', properties: { a: { type: 'array', items } } };
    expect(() => accept(withSchema(schema))).toThrow(
      'oldSelf cannot be used on the uncorrelatable portion of the schema',
    );
  });
});

test('an int-or-string may say its two types once more', () => {
  const schema: OpenApiSchema = {
    type: 'object',
    properties: { a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } },
  };
  expect(accept(withSchema(schema)).spec).toMatchObject({ conversion: { strategy: 'None' } });
});

test('group, scope and names cannot change', () => {
  const old = definition(() => {});
  const crd = definition((spec) => {
    spec.scope = 'Cluster';
  });
  expect(() => createSchemas().prepare(type, crd, { operation: 'update', fieldValidation: 'Strict', old })).toThrow(
    'spec.scope: Invalid value: "Cluster": field is immutable',
  );
});

const folder = new URL('../../../../config/crd/', import.meta.url);

test.each(readdirSync(folder).filter((file) => file.includes('keda.sh_')))('%s is accepted as it is', (file) => {
  const crd = parse(readFileSync(new URL(file, folder), 'utf8')) as AnyObject;
  const schemas = createSchemas();
  schemas.setCustomResource(accept(crd));
  const spec = crd.spec as { group: string; names: { kind: string }; versions: { name: string }[] };
  expect(schemas.node({ group: spec.group, version: spec.versions[0]!.name, kind: spec.names.kind })).toBeDefined();
});
