import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ScaledObject } from '../../api/index.ts';
import { describeError, WindlassError } from '../../base/errors.ts';
import { formatPath } from '../../spec/object-path.ts';
import { checkManifest } from './check-manifest.ts';
import { checkDuplicates, checkRivals, type ReferenceFinding, type ScaledObjectManifest } from './check-references.ts';
import { type Finding, sortFindings } from './finding.ts';
import { indexManifests, titleOf } from './objects.ts';
import { type Manifest, parseManifestFile } from './parse-manifests.ts';

export interface ManifestText {
  /** How findings name it. */
  file: string;
  text: string;
  /** Found in a folder: documents that are no Kubernetes objects are somebody else's. */
  among?: true;
}

export interface LintResult {
  findings: Finding[];
  /** Objects of our kinds that were checked. */
  checked: number;
}

/** Checks texts of manifests together, so that references between them are followed. */
export function lintTexts(texts: readonly ManifestText[]): LintResult {
  const findings: Finding[] = [];
  const manifests: Manifest[] = [];
  for (const { file, text, among } of texts) {
    const parsed = parseManifestFile(file, text, among);
    findings.push(...parsed.findings);
    manifests.push(...parsed.manifests);
  }
  const index = indexManifests(manifests);
  const scaledObjects: ScaledObjectManifest[] = [];
  let checked = 0;
  for (const manifest of manifests) {
    const { kind, object, findings: own } = checkManifest(manifest, index);
    findings.push(...own);
    if (kind === undefined) continue;
    checked++;
    if (kind === 'ScaledObject' && (object as ScaledObject).spec.scaleTargetRef.name !== '')
      scaledObjects.push({ manifest, object: object as ScaledObject });
  }
  for (const finding of [...checkRivals(scaledObjects, index), ...checkDuplicates(index)])
    findings.push(placed(finding));
  return { findings: sortFindings(findings), checked };
}

function placed({ manifest, path: field, severity, message }: ReferenceFinding): Finding {
  const { file } = manifest;
  return { file, ...manifest.locate(field), object: titleOf(manifest), field: formatPath(field), severity, message };
}

/**
 * Reads files; a folder stands for the .yaml, .yml and .json files in it and below, `-` for standard input.
 * @throws InvalidArgument naming what cannot be read
 */
export async function readManifests(
  files: readonly string[],
  stdin: AsyncIterable<Buffer | string>,
): Promise<ManifestText[]> {
  const texts: ManifestText[] = [];
  for (const file of files) {
    if (file === '-') {
      const chunks: Buffer[] = [];
      for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
      texts.push({ file, text: Buffer.concat(chunks).toString('utf8') });
      continue;
    }
    try {
      if ((await stat(file)).isDirectory())
        for (const name of await filesIn(file))
          texts.push({ file: name, text: await readFile(name, 'utf8'), among: true });
      else texts.push({ file, text: await readFile(file, 'utf8') });
    } catch (error) {
      throw new WindlassError('InvalidArgument', `cannot read ${file}: ${describeError(error)}`, {
        hint: 'name a file, a folder, or - for standard input',
      });
    }
  }
  return texts;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}
