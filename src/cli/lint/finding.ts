/** One thing that lint found. */
export interface Finding {
  /** The file as it was named; `-` for standard input. */
  file: string;
  /** Counted from 1. */
  line: number;
  column: number;
  /** Kind and name of the object, for example `ScaledObject shop/worker`; "" for a text that is no object. */
  object: string;
  /** Path of the field inside the object; "" for the object itself. */
  field: string;
  severity: 'error' | 'warning';
  message: string;
  /** What to do, where the message does not say it. */
  hint?: string;
}

/** Errors before warnings would tear files apart, so findings stay in the order of the text. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const files = [...new Set(findings.map(({ file }) => file))];
  return [...findings].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}
