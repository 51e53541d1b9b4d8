import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './index.ts';

const CONFIG_MAP = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const DEFINITIONS = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};
const DEFINITION = {
  metadata: { name: 'boats.sea.dev' },
  spec: {
    group: 'sea.dev',
    scope: 'Namespaced',
    names: { plural: 'boats', kind: 'Boat' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

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

it('serves custom resources after a restart, and refuses to resume watches over it', async () => {
  const dataDir = path.join(folder, 'data');
  const first = await start({ dataDir, controllers: false });
  await first.api.create(DEFINITIONS, DEFINITION);
  const boats = first.api.resolve('sea.dev/v1', 'Boat');
  if (!boats) throw new Error('the definition is not served');
  const { resourceVersion } = (await first.api.create(boats, { metadata: { name: 'ark' } }, 'default')).metadata;
  await first.api.create(boats, { metadata: { name: 'raft' } }, 'default');
  await first.stop();
  const second = await start({ dataDir, controllers: false, tls: false });
  const get = async (url: string) => {
    const response = await fetch(`${second.url}${url}`, { headers: { authorization: `Bearer ${second.token}` } });
    return JSON.parse(await response.text());
  };
  const boatsUrl = '/apis/sea.dev/v1/namespaces/default/boats';
  expect((await get(boatsUrl)).items).toHaveLength(2);
  expect(await get(`${boatsUrl}?watch=true&resourceVersion=${resourceVersion}`)).toMatchObject({
    type: 'ERROR',
    object: {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: expect.stringMatching(/^too old resource version/),
    },
  });
});

it('refuses a definition that cannot be served', async () => {
  const { api } = await start({ controllers: false });
  const broken = structuredClone(DEFINITION);
  const [version] = broken.spec.versions;
  Object.assign(version?.schema.openAPIV3Schema ?? {}, { 'x-kubernetes-validations': [{ rule: 'self.' }] });
  await expect(api.create(DEFINITIONS, broken)).rejects.toMatchObject({ reason: 'Invalid' });
  expect(api.list(DEFINITIONS)).toEqual([]);
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
