import { describe, expect, it } from 'vitest';
import { queryIdentity, redact } from './identity.ts';
import { type FieldInput, parseFields } from './parse-trigger.ts';
import {
  boolean,
  collected,
  duration,
  type Field,
  type Fields,
  integer,
  integers,
  list,
  map,
  number,
  query,
  string,
} from './trigger-fields.ts';

const parse = (fields: Fields, input: Partial<FieldInput>, rules = {}) =>
  parseFields(fields, { metadata: {}, auth: {}, env: {}, ...input }, rules);
const messages = (fields: Fields, input: Partial<FieldInput>, rules = {}) =>
  parse(fields, input, rules).problems.map((problem) => problem.message);

describe('where a value comes from', () => {
  const fields = { key: string('A key', { from: ['auth', 'env', 'metadata'], aliases: ['token'] }) };

  it.each<[string, Partial<FieldInput>, string | undefined]>([
    ['the first source wins', { auth: { key: 'a' }, metadata: { key: 'm' } }, 'a'],
    ['blank counts as absent', { auth: { key: '  ' }, metadata: { key: 'm' } }, 'm'],
    ['texts are trimmed', { metadata: { key: ' m\n' } }, 'm'],
    [
      'an alias in an earlier source beats the name in a later one',
      { auth: { token: 'a' }, metadata: { key: 'm' } },
      'a',
    ],
    ['the name beats the alias in one source', { auth: { token: 't', key: 'k' } }, 'k'],
    ['a variable named by FromEnv', { metadata: { keyFromEnv: 'KEY' }, env: { KEY: 'e' } }, 'e'],
    ['a variable named by the alias', { metadata: { tokenFromEnv: 'KEY' }, env: { KEY: 'e' } }, 'e'],
    ['an empty variable counts as absent', { metadata: { keyFromEnv: 'KEY', key: 'm' }, env: { KEY: '' } }, 'm'],
    ['nothing', {}, undefined],
    ['a name of an object built-in is not found', { metadata: { keyFromEnv: 'constructor' } }, undefined],
  ])('%s', (_, input, expected) => {
    expect(parse(fields, input).config.key).toBe(expected);
  });

  it('does not read a variable for a field that cannot come from the environment', () => {
    const { config, notices } = parse({ key: string('A key') }, { metadata: { keyFromEnv: 'KEY' }, env: { KEY: 'e' } });
    expect(config.key).toBeUndefined();
    expect(notices).toEqual([
      {
        kind: 'ignored',
        field: 'keyFromEnv',
        message: "keyFromEnv is ignored: key comes only from the trigger's metadata",
      },
    ]);
  });
});

describe('how texts are read', () => {
  const read = (field: Field, text: string) => parse({ f: field }, { metadata: { f: text } });

  it.each<[Field, string, unknown]>([
    [integer('i'), '5', 5],
    [integer('i'), '-5', -5],
    [integer('i'), '-0', 0],
    [number('n'), '1e3', 1000],
    [number('n'), '0.5', 0.5],
    [boolean('b'), 'T', true],
    [boolean('b'), '0', false],
    [duration('d'), '1m30s', 90_000],
    [duration('d'), '250', 250],
    [list('l'), 'a, b,,c', ['a', 'b', '', 'c']],
    [list('l', { separator: ';' }), 'a;b,c', ['a', 'b,c']],
    [integers('i', { rangeSeparator: '-' }), '1,3-5', [1, 3, 4, 5]],
    [integers('i', { rangeSeparator: '-' }), '5-3,9', [9]],
    [map('m'), 'a=1, b = 2', { a: '1', b: '2' }],
    [query('q'), 'a=1&a=2&b=x%20y', { a: ['1', '2'], b: ['x y'] }],
  ])('%# %s', (field, text, expected) => {
    const result = read(field, text);
    expect(result.problems).toEqual([]);
    expect(result.config.f).toEqual(expected);
  });

  it.each<[Field, string]>([
    ...['05', '+5', '5.0', '1e3', '1_000', '"5"', 'null', 'AA', '9223372036854775808'].map((text): [Field, string] => [
      integer('i'),
      text,
    ]),
    ...['.5', '+5', '1e999', 'NaN', '0x10', 'null'].map((text): [Field, string] => [number('n'), text]),
    ...['yes', 'tRUE', '2'].map((text): [Field, string] => [boolean('b'), text]),
    ...['-1', '-5s', 'a', '5 s'].map((text): [Field, string] => [duration('d'), text]),
    ...['1-2-3', '1,,2', 'a-b', '0-999999999'].map((text): [Field, string] => [
      integers('i', { rangeSeparator: '-' }),
      text,
    ]),
    [map('m'), 'a=b=c'],
    [map('m'), 'a'],
    [query('q'), 'a=%zz'],
    [query('q'), 'a=1;b=2'],
    [string('s', { allowed: ['x', 'y'] }), 'X'],
    [list('l', { allowed: ['x', 'y'] }), 'x,z'],
    [list('l', { exclusive: ['x', 'y'] }), 'x, y'],
    [integer('i', { min: 0 }), '-1'],
    [integer('i', { min: 1, max: 32 }), '33'],
    [integer('i', { above: 0 }), '0'],
  ])('%# refuses %s', (field, text) => {
    const result = read(field, text);
    expect(result.problems).toHaveLength(1);
    expect(result.problems[0]?.message).toContain(`f is "${text}", which`);
    expect(result.config.f).toBeUndefined();
  });

  it('checks defaults as well', () => {
    expect(messages({ f: string('f', { default: 'z', allowed: ['x'] }) }, {})).toEqual([
      'f is "z", which must be one of x (upper and lower case count)',
    ]);
  });

  it('collects keys by prefix and puts in the values of variables', () => {
    const input = {
      metadata: { 'q.a': '1', 'q.bFromEnv': 'B', 'q.cFromEnv': 'GONE', other: '2' },
      env: { B: 'secret' },
    };
    const fields = { queries: collected('Queries', { prefix: 'q.' }), other: string('Other') };
    const { config, notices } = parse(fields, input);
    expect(config.queries).toEqual({ 'q.a': '1', 'q.bFromEnv': 'secret' });
    expect(notices).toEqual([]);
    expect(redact(config, fields)).toEqual({ queries: { 'q.a': '1', 'q.bFromEnv': '(hidden)' }, other: '2' });
    expect(queryIdentity(config, fields)).not.toContain('secret');
  });
});

describe('problems', () => {
  it('reports all of them at once, in the order of the fields', () => {
    const fields = {
      url: string('u', { required: true }),
      count: integer('c', { default: '5' }),
      password: string('p', { required: true, from: ['auth', 'env'], aliases: ['pass'] }),
    };
    expect(messages(fields, { metadata: { count: 'many' } })).toEqual([
      "url is required: give it in the trigger's metadata",
      'count is "many", which is not a whole number; write digits only, such as 5 (no 05, 5.0, 1e3 or 1k)',
      "password or pass is required: give it in a TriggerAuthentication or the target container's environment (named by passwordFromEnv)",
    ]);
  });

  it('says which variable is missing', () => {
    const fields = { key: string('k', { required: true, from: ['env'] }) };
    expect(messages(fields, { metadata: { keyFromEnv: 'KEY' } })[0]).toContain(
      `keyFromEnv names the variable "KEY", which the target's container does not have or leaves empty`,
    );
  });

  it('never shows a secret, nor a text that did not stand in the metadata', () => {
    const fields = {
      pin: integer('p', { secret: true }),
      port: integer('p', { from: ['auth'] }),
    };
    const found = messages(fields, { metadata: { pin: 'hunter2' }, auth: { port: 'hunter2' } });
    expect(found).toHaveLength(2);
    expect(found.join()).not.toContain('hunter2');
  });

  it('refuses rejected fields and announces deprecated ones', () => {
    const fields = {
      type: string('t', { deprecated: { since: '2.18', use: 'metricType', effect: 'rejected' } }),
      old: string('o', { deprecated: { since: '2.20', use: 'fresh', effect: 'announced' } }),
    };
    const { problems, notices, config } = parse(fields, { metadata: { type: 'Utilization', old: 'x' } });
    expect(problems.map((p) => p.message)).toEqual(['type is not read since KEDA 2.18; use metricType']);
    expect(notices.map((n) => [n.kind, n.message])).toEqual([
      ['deprecated', 'old is deprecated since KEDA 2.20; use fresh'],
    ]);
    expect(config.old).toBe('x');
  });

  it('refuses a zero target unless a formula uses the trigger', () => {
    const fields = { target: number('t', { default: '0', nonZero: true }), size: number('s', { positive: true }) };
    expect(messages(fields, { metadata: { size: '-1' } })).toEqual([
      'target is missing and must not be 0; write the target per replica (0 is allowed only when a formula uses the trigger)',
      'size is "-1", which must be greater than 0 (0 is allowed only when a formula uses the trigger)',
    ]);
    expect(messages(fields, { metadata: { size: '-1' } }, { asMetricSource: true })).toEqual([]);
  });
});

describe('notices about unknown keys', () => {
  const fields = { queueName: string('q'), connection: string('c', { from: ['auth', 'env'] }) };
  const notices = (metadata: Record<string, string>, rules = {}) =>
    parse(fields, { metadata, env: { C: 'x' } }, rules).notices.map((notice) => notice.message);

  it.each<[Record<string, string>, string[]]>([
    [{ queuename: 'a' }, ['queuename is not a field of this trigger; did you mean queueName?']],
    [{ 'queue-naem': 'a' }, ['queue-naem is not a field of this trigger; did you mean queueName?']],
    [{ conectionFromEnv: 'C' }, ['conectionFromEnv is not a field of this trigger; did you mean connectionFromEnv?']],
    [{ somethingElse: 'a' }, ['somethingElse is not a field of this trigger']],
    [{ queueName: 'a', connectionFromEnv: 'C' }, []],
  ])('%j', (metadata, expected) => {
    expect(notices(metadata)).toEqual(expected);
  });

  it('has none where any key is allowed', () => {
    expect(notices({ somethingElse: 'a' }, { openMetadata: true })).toEqual([]);
  });
});

describe('the identity of a query', () => {
  const fields = {
    url: string('u'),
    target: integer('t', { role: 'target' }),
    activation: integer('a', { role: 'activation' }),
    password: string('p', { secret: true }),
    headers: map('h'),
  };
  const base = { url: 'u', target: 5, activation: 1, password: 'hunter2', headers: { a: '1', b: '2' } };

  it('ignores target, activation and the order of map keys, and nothing else', () => {
    const id = queryIdentity(base, fields);
    expect(queryIdentity({ ...base, target: 6, activation: 2, headers: { b: '2', a: '1' } }, fields)).toBe(id);
    expect(queryIdentity({ ...base, url: 'v' }, fields)).not.toBe(id);
    expect(queryIdentity({ ...base, password: 'other' }, fields)).not.toBe(id);
    expect(queryIdentity({ ...base, headers: { a: '2', b: '1' } }, fields)).not.toBe(id);
    expect(id).not.toContain('hunter2');
  });

  it('hides secrets from view', () => {
    expect(redact(base, fields)).toEqual({ ...base, password: '(hidden)' });
  });
});
