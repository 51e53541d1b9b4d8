import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RULES } from '../src/decision/rules.ts';
import { CHAPTERS, generateBehaviourPage } from './behaviour.ts';

const all = CHAPTERS.flatMap(({ behaviours }) => behaviours);

test('every rule is held by a test that is there, under the name it has', () => {
  const texts = new Map<string, string>();
  const missing = all.filter(([, file, name]) => {
    if (!texts.has(file)) texts.set(file, readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
    const text = texts.get(file) ?? '';
    const whole = [`'${name}'`, `"${name}"`, `\`${name}\``];
    // The name of a test that is made from a table begins with what the row says.
    return !whole.some((quoted) => text.includes(quoted)) && !text.includes(`${'$'}{what} ${name}\``);
  });
  expect(missing.map(([, file, name]) => `${file} › ${name}`)).toEqual([]);
});

test('every rule that can decide is held by one of them', () => {
  const held = new Set(all.flatMap(([, , , ...rules]) => rules));
  expect(Object.keys(RULES).filter((rule) => !held.has(rule as keyof typeof RULES))).toEqual([]);
});

test('no rule is said twice', () => {
  const said = all.map(([says]) => says);
  expect(said.filter((says, i) => said.indexOf(says) !== i)).toEqual([]);
});

test('the page has them all, in rows that a table can show', () => {
  const page = generateBehaviourPage().get('docs/reference/behaviour.md') ?? '';
  for (const [says] of all) expect(page).toContain(says);
  for (const row of page.split('\n').filter((line) => line.startsWith('|')))
    expect(row.replaceAll('\\|', '').split('|'), row).toHaveLength(5);
});
