import { WindlassError } from '../../base/errors.ts';
import { localDay, offsetMs } from './timezone.ts';

/** A parsed cron expression of five fields; each set holds the values that match. */
export interface Schedule {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  daysOfMonth: ReadonlySet<number>;
  months: ReadonlySet<number>;
  daysOfWeek: ReadonlySet<number>;
  /** Day of month and day of week both have to match; otherwise one of them is enough. */
  bothDays: boolean;
  /** From a `TZ=` prefix; it goes before the trigger's own time zone. */
  timezone: string | undefined;
}

interface FieldRange {
  name: string;
  min: number;
  max: number;
  names?: readonly string[];
}

const MINUTE: FieldRange = { name: 'minute', min: 0, max: 59 };
const HOUR: FieldRange = { name: 'hour', min: 0, max: 23 };
const DAY_OF_MONTH: FieldRange = { name: 'day of month', min: 1, max: 31 };
const MONTH: FieldRange = {
  name: 'month',
  min: 1,
  max: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
};
const DAY_OF_WEEK: FieldRange = {
  name: 'day of week',
  min: 0,
  max: 6,
  names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
};
const HINT = 'write five fields: minute, hour, day of month, month, day of week, such as "0 8 * * 1-5"';

/**
 * Parses a cron expression as KEDA's library (robfig/cron v3, standard five fields) reads it.
 * @throws InvalidArgument saying which field is wrong and why
 */
export function parseSchedule(text: string): Schedule {
  const prefix = /^(?:CRON_)?TZ=(\S*)\s+/.exec(text);
  const rest = text.slice(prefix?.[0].length ?? 0).trim();
  const fail = (why: string) =>
    new WindlassError('InvalidArgument', `cannot read the cron expression "${text}": ${why}`, { hint: HINT });
  if (rest.startsWith('@')) throw fail('descriptors such as @daily are not read');
  const fields = rest.split(/\s+/).filter((field) => field !== '');
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields;
  if (fields.length !== 5 || !minute || !hour || !dayOfMonth || !month || !dayOfWeek)
    throw fail(`it has ${fields.length} fields instead of 5`);
  const days = parseField(dayOfMonth, DAY_OF_MONTH, fail);
  const weekdays = parseField(dayOfWeek, DAY_OF_WEEK, fail);
  return {
    minutes: parseField(minute, MINUTE, fail).values,
    hours: parseField(hour, HOUR, fail).values,
    daysOfMonth: days.values,
    months: parseField(month, MONTH, fail).values,
    daysOfWeek: weekdays.values,
    bothDays: days.isStar || weekdays.isStar,
    timezone: prefix?.[1],
  };
}

function parseField(text: string, range: FieldRange, fail: (why: string) => Error) {
  const values = new Set<number>();
  let isStar = false;
  const bad = (part: string, why: string) => fail(`${range.name} "${part}" ${why}`);
  for (const part of text.split(',')) {
    if (part === '') continue;
    const [span = '', stepText, ...moreSteps] = part.split('/');
    const [low = '', high, ...moreEnds] = span.split('-');
    const step = stepText === undefined ? 1 : parseNumber(stepText, undefined);
    if (moreSteps.length > 0 || moreEnds.length > 0) throw bad(part, 'has too many parts');
    if (step === undefined || step === 0) throw bad(part, 'has a step that is not a whole number above 0');
    let first: number | undefined = range.min;
    let last: number | undefined = range.max;
    if (low === '*' || low === '?') isStar ||= step === 1;
    else {
      first = parseNumber(low, range.names, range.min);
      // `5/10` means from 5 to the end in steps of 10.
      last =
        high === undefined ? (stepText === undefined ? first : range.max) : parseNumber(high, range.names, range.min);
    }
    if (first === undefined || last === undefined) throw bad(part, 'is not a number');
    if (first < range.min || last > range.max) throw bad(part, `is not within ${range.min} to ${range.max}`);
    if (first > last) throw bad(part, 'begins after its end');
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return { values, isStar };
}

function parseNumber(text: string, names: readonly string[] | undefined, base = 0): number | undefined {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  if (index >= 0) return index + base;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** robfig/cron gives up after five years: 30 February never comes. */
const LONGEST_SEARCH_DAYS = 5 * 366;

/**
 * The next moment strictly after `after` (milliseconds since 1970) at which the schedule's minute begins on the clocks of
 * a time zone; undefined when there is none within five years. A local time that a change to summer time leaves out does
 * not match, one that comes twice matches twice.
 */
export function nextTime(schedule: Schedule, after: number, timezone: string): number | undefined {
  const zone = schedule.timezone ?? timezone;
  const today = localDay(after, zone);
  for (let day = 0; day <= LONGEST_SEARCH_DAYS; day++) {
    // Days are counted on the local calendar, held as if it were UTC.
    const midnight = today + day * DAY_MS;
    if (!matchesDay(schedule, new Date(midnight))) continue;
    const found = nextOnDay(schedule, midnight, after, zone);
    if (found !== undefined) return found;
  }
  return undefined;
}

function matchesDay(schedule: Schedule, date: Date): boolean {
  if (!schedule.months.has(date.getUTCMonth() + 1)) return false;
  const dayOfMonth = schedule.daysOfMonth.has(date.getUTCDate());
  const dayOfWeek = schedule.daysOfWeek.has(date.getUTCDay());
  return schedule.bothDays ? dayOfMonth && dayOfWeek : dayOfMonth || dayOfWeek;
}

function nextOnDay(schedule: Schedule, midnight: number, after: number, zone: string): number | undefined {
  // No zone is more than 14 hours from UTC, so these two moments enclose the local day.
  const before = offsetMs(midnight - DAY_MS, zone);
  const later = offsetMs(midnight + 2 * DAY_MS, zone);
  let best: number | undefined;
  for (const hour of [...schedule.hours].sort(ascending)) {
    for (const minute of [...schedule.minutes].sort(ascending)) {
      const local = midnight + (hour * 60 + minute) * MINUTE_MS;
      if (before === later) {
        if (local - before > after) return local - before;
        continue;
      }
      // The clocks change around this day: try both offsets, and look at the whole day, for its hours may repeat.
      for (const offset of [before, later]) {
        const moment = local - offset;
        if (moment > after && offsetMs(moment, zone) === offset && (best === undefined || moment < best)) best = moment;
      }
    }
  }
  return best;
}

const ascending = (a: number, b: number) => a - b;
