import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './index.ts';

const CONFIG_MAP = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };

let folder: string;
const open: Sandbox[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'windlass-sandbox-test-'));
});
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.stop();
  await rm(folder, { recursive: true });
});

async function start(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ clock: systemClock, log: silentLogger, ...options });
  open.push(sandbox);
  return sandbox;
}

it('is the same cluster after a restart, with its keys, tokens and objects', async () => {
  const dataDir = path.join(folder, 'data');
  const first = await start({ dataDir });
  await first.api.create(CONFIG_MAP, { metadata: { name: 'kept' }, data: { a: 'b' } }, 'default');
  await first.stop();
  const second = await start({ dataDir });
  expect(second.api.get(CONFIG_MAP, 'kept', 'default')).toMatchObject({ data: { a: 'b' } });
  expect([second.ca, second.token]).toEqual([first.ca, first.token]);
});

it('writes a kubeconfig that only its owner can read', async () => {
  const file = path.join(folder, 'sub', 'kubeconfig');
  const sandbox = await start({ kubeconfig: file, controllers: false });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const written = parse(await readFile(file, 'utf8'));
  expect(written).toEqual(sandbox.kubeconfig);
  expect(written.clusters[0].cluster.server).toBe(sandbox.url);
});

it('says which port is taken', async () => {
  const first = await start({ controllers: false });
  await expect(start({ port: first.port, controllers: false })).rejects.toMatchObject({
    code: 'PortInUse',
    message: `port ${first.port} on 127.0.0.1 is taken`,
  });
});
