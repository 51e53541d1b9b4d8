import { expect, test } from 'vitest';
import { ERROR_EXPLANATIONS } from '../src/base/error-explanations.ts';
import { ERROR_CODES } from '../src/base/errors.ts';
import { generateErrorPage } from './generate-errors.ts';

test('every code is explained, and nothing else is', () => {
  expect(Object.keys(ERROR_EXPLANATIONS).sort()).toEqual(Object.keys(ERROR_CODES).sort());
});

test('the page has a section for each code', () => {
  const page = generateErrorPage().get('docs/reference/errors.md') ?? '';
  expect([...page.matchAll(/^### (\w+)$/gm)].map((match) => match[1]).sort()).toEqual(Object.keys(ERROR_CODES).sort());
});
