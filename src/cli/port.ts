import { WindlassError } from '../base/errors.ts';

/** Reads a port number. @throws InvalidArgument */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535))
    throw new WindlassError('InvalidArgument', `"${text}" is not a port`, { hint: 'give a number from 0 to 65535' });
  return port;
}
