import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The rooms of src/, lowest first: a file may import from its own room and from rooms before it. */
const ORDER = [
  'base',
  'spec',
  'api',
  'kube',
  'auth',
  'scalers',
  'decision',
  'sampling',
  'controllers',
  'servers',
  'sandbox',
  'cli',
] as const;

/** Narrower than the order: the sandbox is a cluster, so it knows nothing of the operator; decisions know no I/O. */
const ONLY: Record<string, readonly string[]> = {
  sandbox: ['base'],
  decision: ['base', 'spec', 'api', 'scalers/definition.ts'],
  scalers: ['base', 'spec', 'api', 'kube', 'auth'],
};

export interface LayerViolation {
  file: string;
  line: number;
  imports: string;
  reason: string;
}

/** Every import under `root`/src that goes upward, sideways where that is not allowed, or leaves src/. */
export function findLayerViolations(root: string): LayerViolation[] {
  const src = path.join(root, 'src');
  const found: LayerViolation[] = [];
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
    const file = path.join(entry.parentPath, entry.name);
    const rel = path.relative(src, file);
    const room = rel.split(path.sep)[0] ?? '';
    const rank = ORDER.indexOf(room as (typeof ORDER)[number]);
    const lines = readFileSync(file, 'utf8').split('\n');
    lines.forEach((text, index) => {
      for (const match of text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
        const target = path.relative(src, path.resolve(path.dirname(file), match[1] ?? ''));
        const targetRoom = target.split(path.sep)[0] ?? '';
        const report = (reason: string) =>
          found.push({ file: path.join('src', rel), line: index + 1, imports: target, reason });
        if (targetRoom === room) continue;
        if (target.startsWith('..')) report('leaves src/');
        else if (rank < 0 || ORDER.indexOf(targetRoom as (typeof ORDER)[number]) < 0) report('is in no layer');
        else if (ORDER.indexOf(targetRoom as (typeof ORDER)[number]) > rank) report('goes upward');
        else if (ONLY[room] && !ONLY[room].some((allowed) => target === allowed || target.startsWith(`${allowed}/`)))
          report(`${room} may import only ${ONLY[room].join(', ')}`);
      }
    });
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const violations = findLayerViolations(path.resolve(fileURLToPath(import.meta.url), '../..'));
  for (const v of violations) console.error(`${v.file}:${v.line}: import of ${v.imports} ${v.reason}`);
  process.exit(violations.length === 0 ? 0 : 1);
}
