import { describe, expect, it } from 'vitest';
import { parseBoolean } from './boolean.ts';

describe('booleans', () => {
  it.each(['1', 't', 'T', 'TRUE', 'true', 'True'])('%s is true', (text) => expect(parseBoolean(text)).toBe(true));
  it.each(['0', 'f', 'F', 'FALSE', 'false', 'False'])('%s is false', (text) => expect(parseBoolean(text)).toBe(false));
  it.each(['', 'yes', 'on', 'tRUE', ' true', '2'])('refuses "%s" and names the values that are read', (text) => {
    expect(() => parseBoolean(text)).toThrow(/is not a boolean/);
  });
});
