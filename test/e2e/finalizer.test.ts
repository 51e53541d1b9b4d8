import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FINALIZER } from '../../src/api/annotations.ts';
import { DEPLOYMENTS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { claim } from '../../src/controllers/finalizer.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { loadConnection } from '../../src/kube/config.ts';
import { isConflict } from '../../src/kube/status.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { aDeployment } from '../support/operator.ts';

const namespace = 'default';
let folder: string;
let sandbox: Sandbox;
let client: KubeClient;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-finalizer-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  sandbox = await startSandbox({ clock: systemClock, log: silentLogger, kubeconfig, controllers: false });
  client = createKubeClient(await loadConnection({ kubeconfig, env: {} }), {
    clock: systemClock,
    log: silentLogger,
  });
});

afterAll(async () => {
  client.close();
  await sandbox.stop();
  await rm(folder, { recursive: true });
});

/** A Deployment as it was read before somebody made `change`. */
async function readBefore(name: string, change: object): Promise<KubeObject> {
  const old = await client.create<KubeObject>(DEPLOYMENTS, aDeployment(name, 0), { namespace });
  await client.patch(DEPLOYMENTS, name, change, { type: 'merge', namespace });
  return old;
}

describe('a finalizer that comes to an object that was read a while ago', () => {
  it('is there once when its own write is what was missed, and counts as no failure', async () => {
    const old = await readBefore('ours', { metadata: { finalizers: [FINALIZER] } });
    expect((await claim(client, DEPLOYMENTS, old)).metadata.finalizers).toEqual([FINALIZER]);
  });

  it('leaves the finalizers that others set in between', async () => {
    const old = await readBefore('others', { metadata: { finalizers: ['example.com/other'] } });
    const { metadata } = await claim(client, DEPLOYMENTS, old, { team: 'a' });
    expect(metadata.finalizers).toEqual(['example.com/other', FINALIZER]);
    expect(metadata.labels).toMatchObject({ team: 'a' });
  });

  it('is a conflict when the spec was changed in between', async () => {
    const old = await readBefore('changed', { spec: { replicas: 3 } });
    await expect(claim(client, DEPLOYMENTS, old)).rejects.toSatisfy(isConflict);
  });

  it('is a conflict when the name belongs to another object by now', async () => {
    const old = await readBefore('gone', {});
    await client.delete(DEPLOYMENTS, 'gone', { namespace });
    await readBefore('gone', {});
    await expect(claim(client, DEPLOYMENTS, old)).rejects.toSatisfy(isConflict);
  });
});
