import { WindlassError } from '../../base/errors.ts';

/** A formatter takes tens of kilobytes and a millisecond to build; thousands of triggers name a handful of zones. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (!formatter) {
    try {
      formatter = new Intl.DateTimeFormat('en-US', {
        // Go's name for the machine's own zone.
        ...(zone === 'Local' ? {} : { timeZone: zone }),
        timeZoneName: 'longOffset',
      });
    } catch {
      throw new WindlassError('InvalidTrigger', `the time zone "${zone}" is not known`, {
        hint: 'give a name of the IANA database, such as Europe/Vienna or Etc/UTC',
      });
    }
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** Whether this is a time zone's name. */
export function isTimezone(zone: string): boolean {
  try {
    formatterOf(zone);
    return true;
  } catch {
    return false;
  }
}

/**
 * Milliseconds that the clocks of a zone are ahead of UTC at a moment.
 * @throws InvalidTrigger for an unknown zone
 */
export function offsetMs(moment: number, zone: string): number {
  const text = formatterOf(zone).format(moment);
  const match = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(text);
  if (!match?.[1]) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return (match[1] === '-' ? -seconds : seconds) * 1000;
}

/** Midnight of the local calendar day of a moment, held as if the local calendar were UTC. */
export function localDay(moment: number, zone: string): number {
  const local = moment + offsetMs(moment, zone);
  return Math.floor(local / 86_400_000) * 86_400_000;
}
