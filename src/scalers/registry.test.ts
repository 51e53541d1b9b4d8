import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { definitions } from './registry.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

it('lists every folder that defines a trigger, under the name of its folder', () => {
  const folders = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
    .map((entry) => entry.name);
  expect([...definitions.keys()]).toEqual(folders.sort());
});

it('loads no package from npm, hence no SDK and no HTTP client', () => {
  // A fresh process, with a hook that sees every file that is loaded on the way.
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    await import(${JSON.stringify(new URL('registry.ts', import.meta.url).href)});
    process.stdout.write(JSON.stringify(loaded));
  `;
  const output = execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    {
      encoding: 'utf8',
    },
  );
  const loaded: string[] = JSON.parse(output);
  expect(loaded.some((url) => url.endsWith('/registry.ts'))).toBe(true);
  expect(loaded.filter((url) => url.includes('/node_modules/'))).toEqual([]);
  expect(loaded.filter((url) => url.endsWith('/scaler.ts'))).toEqual([]);
});

it('knows which triggers have nothing to cache, as KEDA does', () => {
  const uncached = [...definitions.values()].filter(({ cacheable }) => cacheable === false).map(({ type }) => type);
  expect(uncached).toEqual(['cpu', 'cron', 'memory']);
});
