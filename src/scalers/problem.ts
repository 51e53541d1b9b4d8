import { describeError, WindlassError } from '../base/errors.ts';
import type { FieldProblem } from './definition.ts';

/** The problems of a field whose text is read by `parse`: none, or the one that it throws, with its remedy. */
export function problemsOf(field: string, parse: () => unknown): FieldProblem[] {
  try {
    parse();
    return [];
  } catch (error) {
    const hint = error instanceof WindlassError && error.hint !== undefined ? `; ${error.hint}` : '';
    return [{ field, message: `${field}: ${describeError(error)}${hint}` }];
  }
}
