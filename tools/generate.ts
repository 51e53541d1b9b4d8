import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateBehaviourPage } from './behaviour.ts';
import { generateBundle } from './generate-bundle.ts';
import { generateChart } from './generate-chart.ts';
import { generateCliPage, generateFlagsPage } from './generate-cli.ts';
import { generateCrds, generateKindPages, generateKindSchemas } from './generate-crds.ts';
import { generateErrorPage } from './generate-errors.ts';
import { generateRbac } from './generate-rbac.ts';
import { generateScalerPages, generateTriggerSchema } from './generate-scalers.ts';

/** Gives the files it makes: path from the top of the repository -> text. */
export type Generator = () => Map<string, string> | Promise<Map<string, string>>;

const GENERATORS: readonly Generator[] = [
  generateCrds,
  generateKindSchemas,
  generateKindPages,
  generateErrorPage,
  generateCliPage,
  generateFlagsPage,
  generateBehaviourPage,
  generateScalerPages,
  generateTriggerSchema,
  generateRbac,
  generateChart,
  generateBundle,
];

/** Every generated file whose text differs from what is on disk. */
export async function staleFiles(root: string): Promise<Map<string, string>> {
  const stale = new Map<string, string>();
  for (const generate of GENERATORS) for (const [file, text] of await staleOf(generate, root)) stale.set(file, text);
  return stale;
}

async function staleOf(generate: Generator, root: string): Promise<[file: string, text: string][]> {
  return [...(await generate())].filter(([file, text]) => readOrNothing(path.join(root, file)) !== text);
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = path.resolve(fileURLToPath(import.meta.url), '../..');
  const checking = process.argv.includes('--check');
  let found = 0;
  // One after the other: some read what others have written.
  for (const generate of GENERATORS) {
    for (const [file, text] of await staleOf(generate, root)) {
      found++;
      console.error(checking ? `${file} is not up to date: run npm run generate` : `wrote ${file}`);
      if (checking) continue;
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
  }
  process.exit(checking && found > 0 ? 1 : 0);
}
