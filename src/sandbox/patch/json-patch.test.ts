import { expect, test } from 'vitest';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

test.each<[string, unknown, unknown[], unknown]>([
  ['adds a field', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
  ['adds null', {}, [{ op: 'add', path: '/b', value: null }], { b: null }],
  ['inserts into a list', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
  ['appends to a list', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
  ['removes from a list', { a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
  ['replaces', { a: { b: 1 } }, [{ op: 'replace', path: '/a/b', value: 'x' }], { a: { b: 'x' } }],
  ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ['moves', { a: { x: 1 }, b: {} }, [{ op: 'move', from: '/a/x', path: '/b/y' }], { a: {}, b: { y: 1 } }],
  ['copies', { a: { x: 1 } }, [{ op: 'copy', from: '/a', path: '/b' }], { a: { x: 1 }, b: { x: 1 } }],
  ['unescapes keys', { 'a/b~c': 1 }, [{ op: 'replace', path: '/a~1b~0c', value: 2 }], { 'a/b~c': 2 }],
  [
    'tests before it changes',
    { a: { l: [1] } },
    [
      { op: 'test', path: '/a', value: { l: [1] } },
      { op: 'remove', path: '/a' },
    ],
    {},
  ],
])('JSON patch %s', (_name, document, patch, expected) => {
  const before = structuredClone(document);
  expect(jsonPatch(document, patch)).toEqual(expected);
  expect(document).toEqual(before);
});

test.each<[string, unknown, unknown, string, RegExp]>([
  ['a failed test', { a: 1 }, [{ op: 'test', path: '/a', value: 2 }], 'Invalid', /test failed: "\/a"/],
  ['removing what is not there', {}, [{ op: 'remove', path: '/a' }], 'Invalid', /missing value/],
  ['replacing what is not there', {}, [{ op: 'replace', path: '/a', value: 1 }], 'Invalid', /missing value/],
  ['a path through nothing', {}, [{ op: 'add', path: '/a/b', value: 1 }], 'Invalid', /missing path/],
  ['an index past the end', { a: [] }, [{ op: 'add', path: '/a/1', value: 1 }], 'Invalid', /invalid index/],
  ['an unknown operation', {}, [{ op: 'merge', path: '/a' }], 'BadRequest', /unknown operation "merge"/],
  ['an operation without a value', {}, [{ op: 'add', path: '/a' }], 'BadRequest', /operation 0 needs a value/],
  ['no list', {}, { op: 'add' }, 'BadRequest', /is a list/],
])('JSON patch refuses %s', (_name, document, patch, reason, message) => {
  expect(() => jsonPatch(document, patch)).toThrow(
    expect.objectContaining({ reason, message: expect.stringMatching(message) }),
  );
});

test.each<[string, unknown, unknown, unknown]>([
  ['merges objects', { a: { b: 1, c: 2 } }, { a: { c: 3 } }, { a: { b: 1, c: 3 } }],
  ['removes with null', { a: 1, b: 2 }, { a: null }, { b: 2 }],
  ['drops nulls of new objects', {}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
  ['replaces lists', { a: [1, 2] }, { a: [3] }, { a: [3] }],
  ['replaces a scalar by an object', { a: 1 }, { a: { b: 2 } }, { a: { b: 2 } }],
])('merge patch %s', (_name, target, patch, expected) => {
  expect(mergePatch(target, patch)).toEqual(expected);
});
