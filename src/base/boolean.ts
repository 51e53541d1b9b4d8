import { WindlassError } from './errors.ts';

const VALUES = new Map<string, boolean>([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text): [string, boolean] => [text, true]),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text): [string, boolean] => [text, false]),
]);

/**
 * Reads a boolean as Go's strconv.ParseBool does, hence as KEDA does: no `yes`, no `on`, no `tRUE`.
 * @throws InvalidArgument with the text and the values that are read
 */
export function parseBoolean(text: string): boolean {
  const value = VALUES.get(text);
  if (value === undefined)
    throw new WindlassError('InvalidArgument', `"${text.slice(0, 60)}" is not a boolean`, {
      hint: 'write true or false (1, t, T, TRUE, True and 0, f, F, FALSE, False are read as well)',
    });
  return value;
}
