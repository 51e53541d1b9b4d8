#!/usr/bin/env node
// Starts the command line on a Node.js that runs TypeScript directly (24 or later): this one if it is new enough,
// otherwise the one that npm installed beside the project.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = `${root}src/cli/main.ts`;
const flags = ['--disable-warning=ExperimentalWarning'];
// Keeps what Node.js makes of the TypeScript: without it every start loads the type stripper, which costs 30 MB and half a second.
const cache = process.env.NODE_COMPILE_CACHE ?? `${root}.cache/compile`;

if (Number(process.versions.node.split('.')[0]) >= 24) {
  module.enableCompileCache?.(cache);
  process.removeAllListeners('warning');
  await import(main);
} else {
  const pinned = `${root}node_modules/.bin/node`;
  if (!existsSync(pinned)) {
    console.error(
      `windlass needs Node.js 24 or later; this is ${process.version} and ${pinned} is not installed. Run "npm ci" in ${root}`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, [...flags, main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal) process.kill(process.pid, signal);
    else process.exit(code ?? 1);
  });
}
