import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { staleFiles } from './generate.ts';

test('every generated file is up to date', async () => {
  const stale = await staleFiles(path.resolve(fileURLToPath(import.meta.url), '../..'));
  expect([...stale.keys()]).toEqual([]);
});
