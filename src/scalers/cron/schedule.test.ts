import { describe, expect, it } from 'vitest';
import { nextTime, parseSchedule } from './schedule.ts';

const next = (expression: string, after: string, zone = 'Etc/UTC') => {
  const found = nextTime(parseSchedule(expression), Date.parse(after), zone);
  return found === undefined ? undefined : new Date(found).toISOString().replace(':00.000Z', 'Z');
};

describe('the next time', () => {
  it.each([
    ['0 8 * * *', '2026-03-02T07:59:59Z', '2026-03-02T08:00Z'],
    ['0 8 * * *', '2026-03-02T08:00:00Z', '2026-03-03T08:00Z'],
    ['*/15 * * * *', '2026-03-02T23:50:00Z', '2026-03-03T00:00Z'],
    ['5/20 1 * * *', '2026-03-02T01:05:00Z', '2026-03-02T01:25Z'],
    ['0 9-17/4 * * *', '2026-03-02T10:00:00Z', '2026-03-02T13:00Z'],
    ['0 0 * * Thu', '2026-03-02T00:00:00Z', '2026-03-05T00:00Z'],
    ['0 0 1 JAN ?', '2026-03-02T00:00:00Z', '2027-01-01T00:00Z'],
    ['0 0 29 2 *', '2026-03-02T00:00:00Z', '2028-02-29T00:00Z'],
    // Both days restricted: either is enough. A step keeps a star from being one.
    ['0 0 15 * 1', '2026-03-10T00:00:00Z', '2026-03-15T00:00Z'],
    ['0 0 15 * 1', '2026-03-15T00:00:00Z', '2026-03-16T00:00Z'],
    ['0 0 */10 * 1', '2026-03-02T00:00:00Z', '2026-03-09T00:00Z'],
    ['0 0 30 2 *', '2026-03-02T00:00:00Z', undefined],
    ['TZ=Asia/Tokyo 0 8 * * *', '2026-03-02T00:00:00Z', '2026-03-02T23:00Z'],
  ])('%s after %s is %s', (expression, after, expected) => {
    expect(next(expression, after)).toBe(expected);
  });

  it.each([
    // Berlin, summer time from 2026-03-29 02:00 (then 03:00) to 2026-10-25 03:00 (then 02:00).
    ['an hour that is left out does not come', '30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T00:30Z'],
    ['the hour after it does', '30 3 * * *', '2026-03-28T12:00:00Z', '2026-03-29T01:30Z'],
    ['an hour that repeats comes once', '30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-25T00:30Z'],
    ['and then again', '30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-25T01:30Z'],
    ['the rest of that day is at its usual time', '0 8 * * *', '2026-10-25T01:30:00Z', '2026-10-25T07:00Z'],
  ])('when the clocks change: %s', (_, expression, after, expected) => {
    expect(next(expression, after, 'Europe/Berlin')).toBe(expected);
  });

  it.each([
    ['0 8 * * *', 'Asia/Kolkata', '2026-03-02T00:00:00Z', '2026-03-02T02:30Z'],
    ['0 8 * * *', 'America/New_York', '2026-03-02T00:00:00Z', '2026-03-02T13:00Z'],
    ['0 0 * * *', 'Pacific/Kiritimati', '2026-03-02T00:00:00Z', '2026-03-02T10:00Z'],
  ])('%s in %s', (expression, zone, after, expected) => {
    expect(next(expression, after, zone)).toBe(expected);
  });

  it('refuses an unknown time zone', () => {
    expect(() => next('0 8 * * *', '2026-03-02T00:00:00Z', 'Mars/Base')).toThrow(
      'the time zone "Mars/Base" is not known',
    );
  });
});

describe('an expression that cannot be read', () => {
  it.each([
    ['@daily', 'descriptors'],
    ['0 8 * *', '4 fields instead of 5'],
    ['0 0 8 * * *', '6 fields instead of 5'],
    ['', '0 fields instead of 5'],
    ['60 * * * *', 'minute "60" is not within 0 to 59'],
    ['-30 * * * *', 'minute "-30" is not a number'],
    ['0 8 * * 7', 'day of week "7" is not within 0 to 6'],
    ['0 8 * foo *', 'month "foo" is not a number'],
    ['5-1 * * * *', 'begins after its end'],
    ['*/0 * * * *', 'step'],
    ['1-2-3 * * * *', 'too many parts'],
    ['1/2/3 * * * *', 'too many parts'],
    ['1.5 * * * *', 'is not a number'],
  ])('%s: %s', (expression, message) => {
    expect(() => parseSchedule(expression)).toThrow(message);
  });
});
