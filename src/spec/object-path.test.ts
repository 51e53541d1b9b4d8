import { expect, test } from 'vitest';
import { formatPath, parsePath, valueAt } from './object-path.ts';

test.each([
  [[], ''],
  [['spec'], 'spec'],
  [['spec', 'triggers', 0, 'metadata', 'queueName'], 'spec.triggers[0].metadata.queueName'],
  [['metadata', 'annotations', 'autoscaling.keda.sh/paused'], 'metadata.annotations["autoscaling.keda.sh/paused"]'],
  [['a', 'with "quotes" and ]'], 'a["with \\"quotes\\" and ]"]'],
  [['a', 'x-y', 'b c'], 'a.x-y["b c"]'],
])('%j is written as %s and read back', (path, text) => {
  expect(formatPath(path)).toBe(text);
  expect(parsePath(text)).toEqual(path);
});

test.each([
  [['a', 1, 'b'], 2],
  [['a', 7, 'b'], undefined],
  [['a', 1, 'b', 'c'], undefined],
])('the value at %j is %s', (path, value) => {
  expect(valueAt({ a: [{}, { b: 2 }] }, path)).toBe(value);
});
