import { WindlassError } from '../../base/errors.ts';
import { type LintResult, lintTexts, type ManifestText, readManifests } from './lint-files.ts';
import { findingLines } from './print-findings.ts';

export type { Finding } from './finding.ts';
export type { LintResult, ManifestText } from './lint-files.ts';

/** Checks files, folders or `-` for standard input together. */
export async function lintFiles(files: readonly string[], stdin: AsyncIterable<Buffer | string>): Promise<LintResult> {
  return lintTexts(await readManifests(files, stdin));
}

export interface RunLint {
  /** Files, folders, or `-` for standard input. */
  files: readonly string[];
  /** `text`, a line per finding and a summary; or `json`, a list of findings. */
  format: string;
  stdin: AsyncIterable<Buffer | string>;
  /** Writes one line. */
  write(line: string): void;
}

/**
 * The command `windlass lint`: prints findings and gives the exit code, 1 when there is an error among them.
 * @throws InvalidArgument for an unknown format, no files, or a file that cannot be read
 */
export async function runLint({ files, format, stdin, write }: RunLint): Promise<number> {
  if (format !== 'text' && format !== 'json')
    throw new WindlassError('InvalidArgument', `there is no format "${format}"`, { hint: 'use text or json' });
  if (files.length === 0)
    throw new WindlassError('InvalidArgument', 'no file is given', {
      hint: 'name files or folders, or - for standard input',
    });
  const texts: ManifestText[] = await readManifests(files, stdin);
  const result = lintTexts(texts);
  if (format === 'json') write(JSON.stringify(result.findings, null, 2));
  else for (const line of findingLines(result, texts.length)) write(line);
  return result.findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}
