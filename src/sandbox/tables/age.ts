const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A duration in seconds as kubectl shows it: two units while they matter (`5m10s`, `3h5m`, `2d4h`), else one. */
export function humanDuration(seconds: number): string {
  // Kubernetes: clocks of two machines may differ a little, so less than two seconds into the future is now.
  if (seconds <= -2) return '<invalid>';
  if (seconds < 0) return '0s';
  const whole = (unit: number) => Math.floor(seconds / unit);
  const both = (unit: number, name: string, smaller: number, smallName: string) => {
    const rest = Math.floor((seconds % unit) / smaller);
    return rest === 0 ? `${whole(unit)}${name}` : `${whole(unit)}${name}${rest}${smallName}`;
  };
  if (seconds < 2 * MINUTE) return `${whole(1)}s`;
  if (seconds < 10 * MINUTE) return both(MINUTE, 'm', 1, 's');
  if (seconds < 3 * HOUR) return `${whole(MINUTE)}m`;
  if (seconds < 8 * HOUR) return both(HOUR, 'h', MINUTE, 'm');
  if (seconds < 2 * DAY) return `${whole(HOUR)}h`;
  if (seconds < 8 * DAY) return both(DAY, 'd', HOUR, 'h');
  if (seconds < 2 * 365 * DAY) return `${whole(DAY)}d`;
  if (seconds < 8 * 365 * DAY) return both(365 * DAY, 'y', DAY, 'd');
  return `${whole(365 * DAY)}y`;
}

/** The time since a timestamp (RFC 3339) at `now` (milliseconds since 1970). */
export function since(timestamp: unknown, now: number): string {
  if (typeof timestamp !== 'string' || timestamp === '') return '<unknown>';
  const at = Date.parse(timestamp);
  return Number.isNaN(at) ? '<invalid>' : humanDuration((now - at) / 1000);
}
