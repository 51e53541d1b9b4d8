import { describe, expect, test } from 'vitest';
import { type AnyObject, ApiError } from '../../types.ts';
import { createSchemas } from '../index.ts';
import type { OpenApiSchema } from '../node.ts';

const GROUP = 'shop.example.com';
const definitions = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: '',
  namespaced: false,
};
const widgets = { group: GROUP, version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };

const definition = (schema: OpenApiSchema, change: (spec: Record<string, unknown>) => void = () => {}): AnyObject => {
  const spec = {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', singular: 'widget', listKind: 'WidgetList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
  };
  change(spec);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${GROUP}` },
    spec,
  };
};

/** A cluster with the definition, as it is after the definition itself was accepted. */
function cluster(spec: OpenApiSchema) {
  const schemas = createSchemas();
  const crd = definition({ type: 'object', properties: { spec: { type: 'object', ...spec } } });
  const accepted = schemas.prepare(definitions, crd, { operation: 'create', fieldValidation: 'Strict' }).object;
  schemas.setCustomResource(accepted);
  const widget = (value: unknown) =>
    ({ apiVersion: `${GROUP}/v1`, kind: 'Widget', metadata: { name: 'x' }, spec: value }) as AnyObject;
  return {
    write: (value: unknown, old?: unknown, fieldValidation: 'Warn' | 'Strict' = 'Warn') =>
      schemas.prepare(widgets, widget(value), {
        operation: old === undefined ? 'create' : 'update',
        fieldValidation,
        old: old === undefined ? undefined : widget(old),
      }),
  };
}

function refusal(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const of = (schema: OpenApiSchema): OpenApiSchema => ({ properties: { a: schema } });

describe('pruning and defaults', () => {
  test('unknown fields are dropped with a warning, known ones stay', () => {
    const { object, warnings } = cluster(of({ type: 'integer' })).write({ a: 1, b: { c: 2 } });
    expect(object.spec).toEqual({ a: 1 });
    expect(warnings).toEqual(['unknown field "spec.b"']);
  });

  test('unknown fields are refused when strict', () => {
    const error = refusal(() => cluster(of({ type: 'integer' })).write({ b: 2 }, undefined, 'Strict'));
    expect(error.reason).toBe('BadRequest');
    expect(error.message).toBe(
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.b"',
    );
  });

  test.each<[string, OpenApiSchema, unknown, unknown]>([
    ['fills a missing field', of({ type: 'integer', default: 3 }), {}, { a: 3 }],
    ['keeps a given zero', of({ type: 'integer', default: 3 }), { a: 0 }, { a: 0 }],
    ['replaces a null that is not allowed', of({ type: 'integer', default: 3 }), { a: null }, { a: 3 }],
    ['keeps a null that is allowed', of({ type: 'integer', default: 3, nullable: true }), { a: null }, { a: null }],
    ['drops a null without a default', of({ type: 'integer' }), { a: null }, {}],
    [
      'fills inside lists',
      of({ type: 'array', items: { type: 'object', properties: { b: { type: 'string', default: 'x' } } } }),
      { a: [{}] },
      { a: [{ b: 'x' }] },
    ],
    [
      'does not make a missing parent',
      of({ type: 'object', properties: { b: { type: 'string', default: 'x' } } }),
      {},
      {},
    ],
    [
      'keeps unknown fields where the schema says so',
      of({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { b: { type: 'string' } } }),
      { a: { b: 'x', c: { d: null } } },
      { a: { b: 'x', c: { d: null } } },
    ],
    [
      'keeps the values of a map',
      of({ type: 'object', additionalProperties: { type: 'string' } }),
      { a: { b: 'x' } },
      { a: { b: 'x' } },
    ],
    [
      'keeps the type and metadata of embedded resources',
      of({ type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }),
      { a: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', nonsense: 1 }, spec: {} } },
      { a: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: {} } },
    ],
  ])('%s', (_name, schema, given, expected) => {
    expect(cluster(schema).write(given).object.spec).toEqual(expected);
  });
});

test.each<[OpenApiSchema, unknown, string]>([
  [
    of({ type: 'integer' }),
    { a: 'x' },
    'spec.a: Invalid value: "string": spec.a in body must be of type integer: "string"',
  ],
  [
    of({ type: 'integer' }),
    { a: 1.5 },
    'spec.a: Invalid value: "number": spec.a in body must be of type integer: "number"',
  ],
  [
    of({ type: 'integer', minimum: 1 }),
    { a: 0 },
    'spec.a: Invalid value: 0: spec.a in body should be greater than or equal to 1',
  ],
  [of({ type: 'integer', minimum: 1, exclusiveMinimum: true }), { a: 1 }, 'spec.a in body should be greater than 1'],
  [
    of({ type: 'number', maximum: 1 }),
    { a: 1.5 },
    'spec.a: Invalid value: 1.5: spec.a in body should be less than or equal to 1',
  ],
  [of({ type: 'integer', multipleOf: 5 }), { a: 7 }, 'spec.a in body should be a multiple of 5'],
  [of({ type: 'integer', format: 'int32' }), { a: 2 ** 31 }, 'spec.a: Invalid value: 2147483648'],
  [of({ type: 'string', enum: ['x', 'y'] }), { a: 'z' }, 'spec.a: Unsupported value: "z": supported values: "x", "y"'],
  [
    of({ type: 'string', pattern: '^a+$' }),
    { a: 'b' },
    `spec.a: Invalid value: "b": spec.a in body should match '^a+$'`,
  ],
  [of({ type: 'string', minLength: 2 }), { a: 'b' }, 'spec.a in body should be at least 2 chars long'],
  [of({ type: 'string', maxLength: 2 }), { a: 'bcd' }, 'spec.a: Too long: may not be more than 2 bytes'],
  [of({ type: 'string', format: 'date-time' }), { a: 'now' }, 'spec.a in body must be of type date-time: "now"'],
  [
    of({ type: 'array', items: { type: 'string' }, minItems: 1 }),
    { a: [] },
    'spec.a: Invalid value: 0: spec.a in body should have at least 1 items',
  ],
  [
    of({ type: 'array', items: { type: 'string' }, maxItems: 1 }),
    { a: ['x', 'y'] },
    'spec.a: Too many: 2: must have at most 1 items',
  ],
  [of({ type: 'array', items: { type: 'string' } }), { a: ['x', 1] }, 'spec.a[1]: Invalid value: "integer"'],
  [
    of({ type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' }),
    { a: ['x', 'x'] },
    'spec.a[1]: Duplicate value: "x"',
  ],
  [
    of({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['b'],
      items: { type: 'object', required: ['b'], properties: { b: { type: 'string' }, c: { type: 'string' } } },
    }),
    {
      a: [
        { b: 'x', c: '1' },
        { b: 'x', c: '2' },
      ],
    },
    'spec.a[1]: Duplicate value: {"b":"x"}',
  ],
  [
    { required: ['a'], ...of({ type: 'string' }) },
    {},
    'Widget.shop.example.com "x" is invalid: spec.a: Required value',
  ],
  [{ minProperties: 1 }, {}, 'spec in body should have at least 1 properties'],
  [of({ 'x-kubernetes-int-or-string': true }), { a: true }, 'spec.a in body must be of type integer,string: "boolean"'],
  [
    {
      ...of({ type: 'string' }),
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
      properties: { a: { type: 'string' }, b: { type: 'string' } },
    },
    { a: 'x', b: 'y' },
    '"spec" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ],
  [
    { anyOf: [{ required: ['a'] }, { required: ['b'] }], properties: { a: { type: 'string' }, b: { type: 'string' } } },
    {},
    '"spec" must validate at least one schema (anyOf)',
  ],
  [{ ...of({ type: 'string' }), not: { required: ['a'] } }, { a: 'x' }, '"spec" must not validate the schema (not)'],
])('%j refuses %j', (schema, value, message) => {
  const error = refusal(() => cluster(schema).write(value));
  expect(error.reason).toBe('Invalid');
  expect(error.message).toContain(message);
});

test('several errors are listed, each with a cause', () => {
  const schema: OpenApiSchema = {
    properties: { a: { type: 'integer', minimum: 1 }, b: { type: 'string' } },
    required: ['b'],
  };
  const error = refusal(() => cluster(schema).write({ a: 0 }));
  expect(error.message).toBe(
    'Widget.shop.example.com "x" is invalid: [spec.b: Required value, spec.a: Invalid value: 0: spec.a in body should be greater than or equal to 1]',
  );
  expect(error.details).toMatchObject({
    name: 'x',
    group: GROUP,
    kind: 'Widget',
    causes: [
      { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.b' },
      { reason: 'FieldValueInvalid', field: 'spec.a' },
    ],
  });
});

test('a stored value that became invalid may stay while it is not changed', () => {
  const { write } = cluster({ properties: { a: { type: 'integer', minimum: 10 }, b: { type: 'string' } } });
  expect(write({ a: 1, b: 'new' }, { a: 1, b: 'old' }).object.spec).toEqual({ a: 1, b: 'new' });
  expect(() => write({ a: 2 }, { a: 1 })).toThrow('greater than or equal to 10');
});

const rules = (...validations: NonNullable<OpenApiSchema['x-kubernetes-validations']>): OpenApiSchema => ({
  'x-kubernetes-validations': validations,
  properties: {
    min: { type: 'integer' },
    max: { type: 'integer' },
    'dash-name': { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    memory: { type: 'string' },
    names: { type: 'array', items: { type: 'string' } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
  },
});

test.each<[string, unknown, boolean]>([
  ['self.min <= self.max', { min: 1, max: 2 }, true],
  ['self.min <= self.max', { min: 3, max: 2 }, false],
  ['!has(self.min) || self.min > 0', {}, true],
  ['self.?min.orValue(1) == 1', {}, true],
  ['has(self.labels) && "has(" in self.labels', { labels: { 'has(': 'x' } }, true],
  ['!has([self][0].min)', { max: 1 }, true],
  ['has([self][0].min)', { min: 1 }, true],
  ['has(self.?labels.min)', {}, false],
  ['self.names.all(name, name.matches("^[a-z]+$"))', { names: ['a', 'B'] }, false],
  ['self.names.exists(name, name.startsWith("b"))', { names: ['a', 'bc'] }, true],
  ['size(self.names) == 2 && self.names.isSorted()', { names: ['a', 'b'] }, true],
  ['self.names.map(n, size(n)).sum() == 3', { names: ['a', 'bc'] }, true],
  ['self.labels.all(key, self.labels[key] != "")', { labels: { 'a/b': '' } }, false],
  ['"a/b" in self.labels', { labels: { 'a/b': 'x' } }, true],
  ['self.__dash__name == "x"', { 'dash-name': 'x' }, false],
  ['self.dash__dash__name == "x"', { 'dash-name': 'x' }, true],
  ['self.at < timestamp("2027-01-01T00:00:00Z")', { at: '2026-01-01T00:00:00Z' }, true],
  ['isQuantity(self.memory) && quantity(self.memory).isLessThan(quantity("1Gi"))', { memory: '10Mi' }, true],
  ['quantity(self.memory).compareTo(quantity("1k")) == 0', { memory: '1000' }, true],
  ['isURL("https://a.b/c") && url("https://a.b:8/c").getHost() == "a.b:8"', {}, true],
])('rule %s on %j', (rule, value, passes) => {
  const write = () => cluster(rules({ rule })).write(value);
  if (passes) expect(write().object.spec).toEqual(value);
  else expect(write).toThrow(expect.objectContaining({ reason: 'Invalid' }));
});

test.each<[string, Parameters<typeof rules>[0], string]>([
  ['its message', { rule: 'self.min <= self.max', message: 'min over max' }, 'spec: Invalid value: min over max'],
  [
    'itself without a message',
    { rule: 'self.min <= self.max' },
    'spec: Invalid value: failed rule: self.min <= self.max',
  ],
  [
    'a message made from the object',
    { rule: 'self.min <= self.max', messageExpression: '"min " + string(self.min) + " is over " + string(self.max)' },
    'spec: Invalid value: min 3 is over 2',
  ],
  ['the field it points at', { rule: 'false', fieldPath: '.min', message: 'no' }, 'spec.min: Invalid value: no'],
  ['its reason', { rule: 'false', reason: 'FieldValueForbidden', message: 'no' }, 'spec: Forbidden: no'],
  ['what went wrong', { rule: 'self.missing > 1' }, 'No such key: missing evaluating rule: self.missing > 1'],
])('a broken rule says %s', (_name, rule, message) => {
  expect(() => cluster(rules(rule)).write({ min: 3, max: 2 })).toThrow(message);
});

describe('transition rules', () => {
  test('run on updates only', () => {
    const { write } = cluster(
      of({ type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'is immutable' }] }),
    );
    expect(write({ a: 'x' }).object.spec).toEqual({ a: 'x' });
    expect(write({ a: 'x' }, {}).object.spec).toEqual({ a: 'x' });
    expect(() => write({ a: 'y' }, { a: 'x' })).toThrow('spec.a: Invalid value: "y": is immutable');
  });

  test('with optionalOldSelf run always', () => {
    const rule = { rule: 'oldSelf.hasValue() || self == "first"', optionalOldSelf: true };
    const { write } = cluster(of({ type: 'string', 'x-kubernetes-validations': [rule] }));
    expect(() => write({ a: 'x' })).toThrow('failed rule');
    expect(write({ a: 'x' }, { a: 'first' }).object.spec).toEqual({ a: 'x' });
  });

  test('find the old item of a keyed list', () => {
    const { write } = cluster(
      of({
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: {
          type: 'object',
          required: ['k'],
          properties: {
            k: { type: 'string' },
            v: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'only grows' }] },
          },
        },
      }),
    );
    const old = {
      a: [
        { k: 'x', v: 1 },
        { k: 'y', v: 5 },
      ],
    };
    expect(
      write(
        {
          a: [
            { k: 'y', v: 6 },
            { k: 'z', v: 0 },
          ],
        },
        old,
      ).warnings,
    ).toEqual([]);
    expect(() => write({ a: [{ k: 'y', v: 4 }] }, old)).toThrow('spec.a[0].v: Invalid value: 4: only grows');
  });
});
