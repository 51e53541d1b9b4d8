import { describeError, WindlassError } from './errors.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Record<string, unknown>;

/** Messages are constant strings; everything that varies is a field. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface LoggerOptions {
  level?: LogLevel;
  /** `json` for machines, `console` for people. */
  encoder?: 'json' | 'console';
  write?: (line: string) => void;
  now?: () => number;
}

/** Writes one line per message to standard error unless told otherwise. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = 'info', encoder = 'json', now = Date.now } = options;
  const write = options.write ?? ((line: string) => process.stderr.write(`${line}\n`));
  const make = (bound: LogFields): Logger => {
    const emit = (at: LogLevel, message: string, fields: LogFields = {}) => {
      if (RANK[at] < RANK[level]) return;
      const time = new Date(now()).toISOString();
      const all = plain({ ...bound, ...fields });
      if (encoder === 'json') return write(JSON.stringify({ level: at, ts: time, msg: message, ...all }));
      const tail = Object.entries(all).map(
        ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      write(`${time} ${at.toUpperCase().padEnd(5)} ${message}${tail.join('')}`);
    };
    return {
      debug: (message, fields) => emit('debug', message, fields),
      info: (message, fields) => emit('info', message, fields),
      warn: (message, fields) => emit('warn', message, fields),
      error: (message, fields) => emit('error', message, fields),
      with: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

/** Errors as text (and their code), everything else as it is. */
function plain(fields: LogFields): LogFields {
  const out: LogFields = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (value instanceof Error) {
      out[key] = describeError(value);
      if (value instanceof WindlassError) out.code = value.code;
    } else out[key] = value;
  }
  return out;
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
};
