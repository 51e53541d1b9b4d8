import type { Finding } from './finding.ts';
import type { LintResult } from './lint-files.ts';

/** Findings as editors and terminals read them: `file:line:column: severity: field message`. */
export function findingLines({ findings, checked }: LintResult, files: number): string[] {
  const lines = findings.map(({ file, line, column, object, field, severity, message, hint }) => {
    const place = `${file === '-' ? '<stdin>' : file}:${line}:${column}`;
    const subject = [object, field].filter(Boolean).join(' ');
    return `${place}: ${severity}: ${subject}${subject === '' ? '' : ': '}${message}${hint === undefined ? '' : ` (${hint})`}`;
  });
  return [...lines, summary(findings, checked, files)];
}

function summary(findings: readonly Finding[], checked: number, files: number): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const found =
    findings.length === 0
      ? 'no problems'
      : [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : '']
          .filter(Boolean)
          .join(', ');
  return `${found} in ${count(checked, 'object')} of ${count(files, 'file')}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
