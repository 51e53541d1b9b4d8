/** Something wrong with a formula, and where: `at` counts characters from 0. */
export interface FormulaProblem {
  message: string;
  at: number;
}

/** Thrown inside this folder only; callers get problems as values. */
export class FormulaError extends Error {
  override readonly name = 'FormulaError';
  readonly at: number;
  /** `value`: other values of the triggers could give a number; `form`: no value can. */
  readonly reason: 'form' | 'value';

  constructor(message: string, at: number, reason: 'form' | 'value' = 'form') {
    super(message);
    this.at = at;
    this.reason = reason;
  }
}

const WINDOW = 60;

/** The problem with the formula under it and a caret where it is, as three lines. */
export function showProblem(formula: string, { message, at }: FormulaProblem): string {
  const lineStart = formula.lastIndexOf('\n', at - 1) + 1;
  const lineEnd = formula.indexOf('\n', at);
  const line = formula.slice(lineStart, lineEnd < 0 ? formula.length : lineEnd).replaceAll('\t', ' ');
  const column = at - lineStart;
  // A long formula is shown around the place, not from its beginning.
  const from = column > WINDOW ? column - WINDOW / 2 : 0;
  return `${message}\n  ${line.slice(from, from + 2 * WINDOW)}\n  ${' '.repeat(column - from)}^`;
}
