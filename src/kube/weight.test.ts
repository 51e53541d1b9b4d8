import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MODULES = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => path.join(import.meta.dirname, file));

describe('importing all of src/kube', () => {
  it('loads the connection pool and nothing else that is heavy', async () => {
    const script = `
      import { createRequire } from 'node:module';
      for (const file of ${JSON.stringify(MODULES)}) await import(file);
      console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    const loaded = (JSON.parse(stdout) as string[]).map((file) => file.split('/node_modules/').at(-1) ?? file);
    expect(loaded).toContain('undici/lib/dispatcher/pool.js');
    expect(loaded.filter((file) => !file.startsWith('undici/'))).toEqual([]);
    // The front door, which pulls in fetch, WebSocket, caches and mocks.
    expect(loaded).not.toContain('undici/index.js');
    expect(loaded.filter((file) => /undici\/lib\/(web\/websocket|cache|mock)\//.test(file))).toEqual([]);
  });
});
