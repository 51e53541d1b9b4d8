import { describe, expect, it } from 'vitest';
import { lastTime, nextTime, parseSchedule } from './schedule.ts';

const next = (schedule: string, after: string, zone?: string) => {
  const at = nextTime(parseSchedule(schedule), Date.parse(after), zone);
  return at === undefined ? undefined : new Date(at).toISOString().replace(':00.000Z', 'Z');
};

describe('the next time of a schedule', () => {
  it.each([
    ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:01Z'],
    ['*/15 * * * *', '2026-01-01T00:14:59Z', '2026-01-01T00:15Z'],
    ['5/20 * * * *', '2026-01-01T00:26:00Z', '2026-01-01T00:45Z'],
    ['0 9-17/4 * * *', '2026-01-01T10:00:00Z', '2026-01-01T13:00Z'],
    ['30 6 * * mon-fri', '2026-01-02T07:00:00Z', '2026-01-05T06:30Z'],
    ['0 0 1,15 * *', '2026-01-01T00:00:00Z', '2026-01-15T00:00Z'],
    // Day and weekday both given: either will do (Friday the 2nd comes before the 13th).
    ['0 0 13 * 5', '2026-01-01T00:00:00Z', '2026-01-02T00:00Z'],
    ['0 0 29 feb *', '2026-01-01T00:00:00Z', '2028-02-29T00:00Z'],
    ['0 0 * * 7', '2026-01-01T00:00:00Z', '2026-01-04T00:00Z'],
    ['@hourly', '2026-01-01T00:30:00Z', '2026-01-01T01:00Z'],
    ['@monthly', '2026-01-31T12:00:00Z', '2026-02-01T00:00Z'],
    ['0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
  ])('%s after %s is %s', (schedule, after, expected) => {
    expect(next(schedule, after)).toBe(expected);
  });

  it.each([
    ['0 9 * * *', '2026-01-01T00:00:00Z', 'Europe/Berlin', '2026-01-01T08:00Z'],
    ['0 9 * * *', '2026-07-01T00:00:00Z', 'Europe/Berlin', '2026-07-01T07:00Z'],
    ['0 9 * * *', '2026-01-01T00:00:00Z', 'Asia/Kolkata', '2026-01-01T03:30Z'],
    // 02:30 does not exist on the day the clocks go forward.
    ['30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin', '2026-03-30T00:30Z'],
    ['0 0 * * *', '2026-01-01T04:00:00Z', 'America/New_York', '2026-01-01T05:00Z'],
  ])('%s after %s in %s is %s', (schedule, after, zone, expected) => {
    expect(next(schedule, after, zone)).toBe(expected);
  });

  it.each(['* * * *', '60 * * * *', '* * 0 * *', '*/0 * * * *', 'a * * * *', '5-1 * * * *', '1-2-3 * * * *'])(
    'refuses %s',
    (schedule) => {
      expect(() => parseSchedule(schedule)).toThrow(/schedule|cannot read/);
    },
  );
});

describe('the last time up to now', () => {
  it.each([
    ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T10:00:30Z', '2026-01-01T10:00:00.000Z'],
    ['0 0 1 * *', '2025-01-01T00:00:00Z', '2026-01-15T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['0 0 1 * *', '2026-01-01T00:00:00Z', '2026-01-15T00:00:00Z', undefined],
  ])('%s between %s and %s is %s', (schedule, from, to, expected) => {
    const at = lastTime(parseSchedule(schedule), Date.parse(from), Date.parse(to));
    expect(at === undefined ? undefined : new Date(at).toISOString()).toBe(expected);
  });
});
