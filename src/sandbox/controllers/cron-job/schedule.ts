/** A cron schedule: which minutes, hours, days, months and weekdays. */
export interface Schedule {
  minutes: Set<number>;
  hours: Set<number>;
  days: Set<number>;
  months: Set<number>;
  weekdays: Set<number>;
  /** With both given, a day counts when either matches; with one of them a star, the other decides. */
  anyDay: boolean;
  anyWeekday: boolean;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const NICKNAMES: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Reads a schedule of five fields or one such as `@hourly`. @throws Error naming the field that cannot be read */
export function parseSchedule(text: string): Schedule {
  const plain = NICKNAMES[text.trim().toLowerCase()] ?? text.trim();
  const fields = plain.split(/\s+/);
  if (fields.length !== 5)
    throw new Error(
      `schedule ${JSON.stringify(text)} has ${fields.length} fields: write minute, hour, day, month, weekday`,
    );
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  const weekdays = parseField(weekday, 0, 7, 'weekday', WEEKDAYS);
  if (weekdays.delete(7)) weekdays.add(0);
  return {
    minutes: parseField(minute, 0, 59, 'minute'),
    hours: parseField(hour, 0, 23, 'hour'),
    days: parseField(day, 1, 31, 'day'),
    months: parseField(month, 1, 12, 'month', MONTHS, 1),
    weekdays,
    anyDay: isStar(day),
    anyWeekday: isStar(weekday),
  };
}

const isStar = (field: string) => field.split(',').some((part) => /^[*?]/.test(part));

function parseField(
  field: string,
  low: number,
  high: number,
  what: string,
  names: string[] = [],
  base = 0,
): Set<number> {
  const values = new Set<number>();
  const fail = () =>
    new Error(`cannot read the ${what} ${JSON.stringify(field)}: numbers from ${low} to ${high}, lists, ranges, steps`);
  const number = (text: string): number => {
    const named = names.indexOf(text.toLowerCase());
    if (named >= 0) return named + base;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= low && value <= high)) throw fail();
    return value;
  };
  for (const part of field.split(',')) {
    const match = /^([^/]+?)(?:\/(\d+))?$/.exec(part);
    const [, range = '', stepText] = match ?? [];
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!match || step === 0) throw fail();
    let [first, last] = [low, what === 'weekday' ? 6 : high];
    if (range !== '*' && range !== '?') {
      const [from = '', to, ...more] = range.split('-');
      if (more.length > 0) throw fail();
      first = number(from);
      // `5/15` means from 5 on.
      if (to !== undefined) last = number(to);
      else if (stepText === undefined) last = first;
      if (last < first) throw fail();
    }
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return values;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds to add to UTC to get the zone's local time at a moment. @throws RangeError for an unknown zone */
function offsetAt(ms: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

/** The moment of a local time, undefined when a change of the clocks leaves it out. */
function momentOf(local: number, timeZone: string): number | undefined {
  let ms = local - offsetAt(local, timeZone);
  ms = local - offsetAt(ms, timeZone);
  return ms + offsetAt(ms, timeZone) === local ? ms : undefined;
}

const DAY = 86_400_000;
/** As robfig/cron: what does not come within five years does not come. */
const HORIZON = 5 * 366;

/** The first time after `after` (milliseconds since 1970), undefined when there is none (30 February). */
export function nextTime(schedule: Schedule, after: number, timeZone = 'UTC'): number | undefined {
  const start = after + offsetAt(after, timeZone);
  const firstDay = Math.floor(start / DAY) * DAY;
  const hours = [...schedule.hours].sort((a, b) => a - b);
  const minutes = [...schedule.minutes].sort((a, b) => a - b);
  // One day earlier too: where clocks are set back the local date of `after` comes twice.
  for (let i = -1; i < HORIZON; i++) {
    const day = firstDay + i * DAY;
    if (!matchesDay(schedule, new Date(day))) continue;
    let first: number | undefined;
    for (const hour of hours)
      for (const minute of minutes) {
        const moment = momentOf(day + hour * 3_600_000 + minute * 60_000, timeZone);
        if (moment !== undefined && moment > after && (first === undefined || moment < first)) first = moment;
      }
    if (first !== undefined) return first;
  }
  return undefined;
}

function matchesDay(schedule: Schedule, date: Date): boolean {
  if (!schedule.months.has(date.getUTCMonth() + 1)) return false;
  const day = schedule.days.has(date.getUTCDate());
  const weekday = schedule.weekdays.has(date.getUTCDay());
  return schedule.anyDay || schedule.anyWeekday ? day && weekday : day || weekday;
}

/** The last time in (from, to]; undefined when there is none. Looks at as many as there are, so `from` should not be long ago. */
export function lastTime(schedule: Schedule, from: number, to: number, timeZone = 'UTC'): number | undefined {
  // Going back by doubling spans finds it without counting through every minute since `from`.
  for (let span = 60_000; ; span *= 4) {
    const start = Math.max(from, to - span);
    let last: number | undefined;
    for (
      let at = nextTime(schedule, start, timeZone);
      at !== undefined && at <= to;
      at = nextTime(schedule, at, timeZone)
    )
      last = at;
    if (last !== undefined || start === from) return last;
  }
}
