import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { cgroupsNamed, inspectMachine } from './machine.ts';

it.each([
  ['darwin', 501, 'containers need Linux'],
  ['win32', undefined, 'containers need Linux'],
  ['linux', 1000, 'it needs root, for network namespaces, mounts and cgroups'],
])('says why there is no real node on %s for user %s', async (platform, user, missing) => {
  expect(await inspectMachine(() => {}, { platform, user })).toEqual({ missing });
});

it.each([
  ['one hierarchy', ['cgroup.controllers'], 'node-1/pods/a', ['node-1/pods/a', 'node-1/pods', 'node-1']],
  ['a hierarchy per controller', [], 'cpu/node-1/pods', ['cpu/node-1/pods', 'cpu/node-1']],
])('finds the cgroups of a node in %s, the innermost first', async (_, files, made, found) => {
  const root = await mkdtemp(path.join(os.tmpdir(), 'windlass-cgroups-'));
  try {
    for (const folder of [...files, made, 'cpu/node-10']) await mkdir(path.join(root, folder), { recursive: true });
    expect(await cgroupsNamed('node-1', root)).toEqual(found.map((one) => path.join(root, one)));
  } finally {
    await rm(root, { recursive: true });
  }
});
