import { expect, test } from 'vitest';
import { refusalText, warningTexts } from './review.ts';

const problem = (path: string, message: string, value?: unknown) => ({ reason: 'r', path, message, value });

test.each([
  ['one problem on one line', [problem('spec.a', 'must be 1', 2)], 'spec.a (2): must be 1'],
  ['a text in quotes', [problem('spec.a', 'must be b', 'c')], 'spec.a ("c"): must be b'],
  ['a list without its value', [problem('spec.a', 'is empty', [])], 'spec.a: is empty'],
  ['what is missing', [problem('spec.a', 'is missing')], 'spec.a: is missing'],
  ['a long value cut off', [problem('a', 'x', 'v'.repeat(200))], `a ("${'v'.repeat(79)}…): x`],
  ['several problems below each other', [problem('a', 'x'), problem('b', 'y')], '2 problems:\n- a: x\n- b: y'],
])('a refusal tells %s', (_, problems, expected) => {
  expect(refusalText(problems)).toBe(expected);
});

test('warnings have no line breaks and at most 256 characters', () => {
  const [short, long] = warningTexts([
    { path: 'a', message: 'one\n  two\tthree' },
    { path: 'b', message: 'x'.repeat(300) },
  ]);
  expect(short).toBe('a: one two three');
  expect(long).toHaveLength(256);
  expect(long?.endsWith('…')).toBe(true);
});

test('more warnings than the API server passes on are counted', () => {
  const texts = warningTexts(Array.from({ length: 30 }, (_, i) => ({ path: `a${i}`, message: 'x'.repeat(250) })));
  expect(texts.join('').length).toBeLessThanOrEqual(4096);
  expect(texts.at(-1)).toBe(`and ${30 - (texts.length - 1)} more warnings; windlass lint shows all of them`);
});
