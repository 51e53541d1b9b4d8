import { describe, expect, it } from 'vitest';
import { findSample, parseMetricSelector } from './prometheus-text.ts';

const PAGE = `# HELP queue_length Messages {in} the queue
# TYPE queue_length gauge
queue_length{queue="orders",zone="a"} 12
queue_length{queue="mail",zone="b",} 3.5 1700000000000
queue_length{queue="br}ace \\"q\\"",zone="c"} 1e3
queue_length_total 7
up 1
broken
missing NaN
full +Inf
`;

describe('a sample of a Prometheus page', () => {
  it.each([
    ['up', 1],
    ['queue_length', 12],
    ['queue_length_total', 7],
    ['queue_length{queue="mail"}', 3.5],
    ['queue_length{ queue = "orders" , zone="a", }', 12],
    ['queue_length{queue="br}ace \\"q\\""}', 1000],
    ['queue_length{queue!="orders"}', 3.5],
    ['queue_length{queue=~"m.*"}', 3.5],
    ['queue_length{queue!~"orders|mail"}', 1000],
    ['queue_length{queue="orders",zone="b"}', undefined],
    ['queue_length{other=""}', 12],
    ['queue', undefined],
    ['broken', undefined],
    ['missing', Number.NaN],
    ['full', Number.POSITIVE_INFINITY],
  ])('%s', (selector, expected) => {
    expect(findSample(PAGE, parseMetricSelector(selector))).toBe(expected);
  });

  it.each(['', 'a b', 'a{b}', 'a{b=c}', 'a{b="c"', 'a{b="c" d="e"}', 'a{b=~"("}', '{a="b"}', 'components.0.tasks'])(
    'refuses the selector %s',
    (selector) => {
      expect(() => parseMetricSelector(selector)).toThrow('cannot read the metric selector');
    },
  );
});
