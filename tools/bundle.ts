/**
 * Makes the program as it is shipped: `node tools/bundle.ts [FOLDER]` writes dist/windlass.mjs, the chunks that it loads
 * when they are needed, and under dist/root/ the data files it reads, at the places they have in the repository.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const PROJECT = path.resolve(fileURLToPath(import.meta.url), '../..');

/** Files that are read at run time. */
const DATA = [
  'config/crd/all.yaml',
  'src/sandbox/schema/data/kubernetes.generated.json.br',
  'src/sandbox/api/protobuf/messages.generated.json.br',
];

/** CommonJS packages ask for Node.js' own modules through `require`, which modules do not have. */
const REQUIRE = `import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);`;

/**
 * A source file finds its data relative to itself. In the bundle it is part of a chunk, so it is told that it lies at
 * its place under root/ next to the chunk.
 */
const ownPlaces: Plugin = {
  name: 'own-places',
  setup(plugin) {
    plugin.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
      const place = path.relative(PROJECT, file);
      const source = readFileSync(file, 'utf8');
      return {
        contents: source.replaceAll('import.meta.url', `new URL('root/${place}', import.meta.url).href`),
        loader: 'ts',
      };
    });
  },
};

/**
 * `await import('some-package')` of a CommonJS package has the names that Node.js finds in it; a chunk that is made of
 * one would have only a default. So such an import goes to a module that names them.
 */
const namedImports: Plugin = {
  name: 'named-imports',
  setup(plugin) {
    plugin.onResolve({ filter: /^[^.]/ }, ({ path: name, kind }) =>
      kind === 'dynamic-import' && !name.startsWith('node:') ? { path: name, namespace: 'named' } : undefined,
    );
    plugin.onLoad({ filter: /.*/, namespace: 'named' }, async ({ path: name }) => {
      const found = Object.keys((await import(name)) as object).filter((key) => /^[A-Za-z_$][\w$]*$/.test(key));
      return { contents: `export { ${found.join(', ')} } from '${name}';`, resolveDir: PROJECT, loader: 'js' };
    });
  },
};

export interface Bundle {
  /** The program: run it with `node`. */
  main: string;
  /** Bytes of all the chunks together, and of the largest. */
  bytes: number;
  chunks: number;
}

/** Writes the bundle into `folder`, which is emptied first. */
export async function bundle(folder: string): Promise<Bundle> {
  rmSync(folder, { recursive: true, force: true });
  const result = await build({
    absWorkingDir: PROJECT,
    entryPoints: { windlass: 'src/cli/main.ts' },
    outdir: folder,
    bundle: true,
    // What only some triggers or commands need stays apart, and out of memory until then.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    banner: { js: REQUIRE },
    // Names stay, so that a stack trace tells something; V8 keeps the source text in memory, so the rest is squeezed.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    plugins: [ownPlaces, namedImports],
    metafile: true,
    logLevel: 'warning',
  });
  for (const file of DATA) {
    const target = path.join(folder, 'root', file);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(PROJECT, file), target);
  }
  const { name, version } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  const about = { name, version, gitCommit: gitCommit() };
  writeFileSync(path.join(folder, 'root/package.json'), `${JSON.stringify(about)}\n`);
  const outputs = Object.values(result.metafile.outputs);
  return {
    main: path.join(folder, 'windlass.mjs'),
    bytes: outputs.reduce((sum, output) => sum + output.bytes, 0),
    chunks: outputs.length,
  };
}

/** The commit that is checked out; none outside of a repository (a source archive). */
function gitCommit(): string | undefined {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: PROJECT, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { main, bytes, chunks } = await bundle(path.resolve(process.argv[2] ?? path.join(PROJECT, 'dist')));
  console.log(`${main}: ${chunks} files, ${(bytes / 1024).toFixed(0)} KiB, entry ${statSync(main).size} bytes`);
}
