import { ERROR_EXPLANATIONS } from '../src/base/error-explanations.ts';
import { ERROR_CODES, type ErrorCode, type ErrorFamily } from '../src/base/errors.ts';

const FAMILIES: Record<ErrorFamily, { title: string; text: string }> = {
  user: { title: 'Somebody has to change something', text: 'No retry helps before that.' },
  unavailable: {
    title: 'The other side is not there',
    text: 'Retried with growing pauses; the fallback counts meanwhile.',
  },
  'no-data': { title: 'There is no value', text: 'Neither an error nor a zero: replicas are held.' },
  internal: { title: 'A defect', text: 'Nothing that a user did.' },
};

/** The page of all error codes. */
export function generateErrorPage(): Map<string, string> {
  const lines = [
    '# Errors',
    '',
    'Every error has a code, which stands in logs, conditions and answers. The message beside it says which object and field it is about.',
  ];
  const codes = Object.entries(ERROR_CODES) as [ErrorCode, ErrorFamily][];
  for (const [family, { title, text }] of Object.entries(FAMILIES)) {
    lines.push('', `## ${title}`, '', text);
    for (const [code, of] of codes) {
      if (of !== family) continue;
      const { cause, remedy } = ERROR_EXPLANATIONS[code];
      lines.push('', `### ${code}`, '', cause, '', `**What to do:** ${remedy}`);
    }
  }
  return new Map([['docs/reference/errors.md', `${lines.join('\n')}\n`]]);
}
