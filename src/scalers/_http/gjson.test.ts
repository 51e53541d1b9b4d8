import { describe, expect, it } from 'vitest';
import { gjson } from './gjson.ts';

const DOCUMENT = {
  name: { first: 'Tom', last: 'Anderson' },
  age: 37,
  children: ['Sara', 'Alex', 'Jack'],
  'fav.movie': 'Deer Hunter',
  'a*b': 1,
  0: 'zero',
  queues: [
    { name: 'orders', length: 12, tags: ['x', 'y'], open: true },
    { name: 'mail "fast"', length: 3, tags: ['y'], open: false },
    { name: 'orders.old', length: 40, tags: [] },
  ],
  numbers: [1, 5, 9],
};

describe('a GJSON path', () => {
  it.each([
    ['age', 37],
    ['name.last', 'Anderson'],
    ['name|last', 'Anderson'],
    ['children.1', 'Alex'],
    ['children.9', undefined],
    ['children.first', undefined],
    ['age.more', undefined],
    ['nothing', undefined],
    ['constructor', undefined],
    ['0', 'zero'],
    ['fav\\.movie', 'Deer Hunter'],
    ['a\\*b', 1],
    ['na*.first', 'Tom'],
    ['a?e', 37],
    ['children.#', 3],
    ['queues.#.length', [12, 3, 40]],
    ['queues.#.length|1', 3],
    ['queues.#.length.1', []],
    ['queues.#.tags.#', [2, 1, 0]],
    ['queues.#.open|#', 2],
    ['queues.#(name=="orders").length', 12],
    ['queues.#(name="orders").length', 12],
    ['queues.#(name == "mail \\"fast\\"").length', 3],
    ['queues.#(name=="orders.old").length', 40],
    ['queues.#(name=="gone").length', undefined],
    ['queues.#(length>10)#.name', ['orders', 'orders.old']],
    ['queues.#(length>10)#|#', 2],
    ['queues.#(length>=12)#.length|0', 12],
    ['queues.#(length<12).name', 'mail "fast"'],
    ['queues.#(length<=3).name', 'mail "fast"'],
    ['queues.#(name!="orders").length', 3],
    ['queues.#(name%"orders*")#.length', [12, 40]],
    ['queues.#(name!%"orders*").length', 3],
    ['queues.#(open==true).length', 12],
    ['queues.#(open)#.length', [12, 3]],
    ['queues.#(tags.#(=="x")).length', 12],
    ['numbers.#(>4)', 5],
    ['numbers.#(>4)#', [5, 9]],
  ])('%s', (path, expected) => {
    expect(gjson(DOCUMENT, path)).toEqual(expected);
  });

  it('may begin in a list', () => {
    expect(gjson([{ a: 1 }, { a: 2 }], '1.a')).toBe(2);
    expect(gjson([{ a: 1 }, { a: 2 }], '#')).toBe(2);
    expect(gjson([{ a: 1 }, { a: 2 }], '#(a==2).a')).toBe(2);
  });

  it.each([
    ['queues.#(name=="orders"', 'a query is not closed'],
    ['queues.#(name=="x")length', 'a dot is missing'],
    ['queues.@reverse', 'is a modifier'],
    ['{age,name}', 'multipath'],
  ])('refuses %s', (path, message) => {
    expect(() => gjson(DOCUMENT, path)).toThrow(message);
  });
});
