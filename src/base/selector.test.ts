import { describe, expect, it } from 'vitest';
import { formatSelector, matchesLabels, parseSelector } from './selector.ts';

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'front', size: '5' };
  it.each([
    ['app=web', true],
    ['app==web', true],
    ['app=api', false],
    ['app!=api', true],
    ['missing!=x', true],
    ['app in (web, api)', true],
    ['app notin (web)', false],
    ['missing notin (web)', true],
    ['tier', true],
    ['!tier', false],
    ['!missing', true],
    ['size>4', true],
    ['size<5', false],
    ['app=web,tier=front', true],
    ['app=web,tier=back', false],
    ['', true],
  ])('%s matches: %s', (text, expected) => {
    expect(matchesLabels(parseSelector(text), labels)).toBe(expected);
  });

  it.each(['a=b=c', 'in (a)', 'app in web', 'size>x', 'a b', '=x'])('refuses %s and says how to write one', (text) => {
    expect(() => parseSelector(text)).toThrow(/cannot read the label selector/);
  });

  it('writes a selector object as text that parses back to the same meaning', () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['front', 'back'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    };
    expect(formatSelector(selector)).toBe('app=web,tier in (front,back),!old');
    expect(matchesLabels(parseSelector(formatSelector(selector)), labels)).toBe(true);
  });
});
