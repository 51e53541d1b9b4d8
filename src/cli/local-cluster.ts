import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CUSTOM_RESOURCE_DEFINITIONS } from '../api/resources.ts';
import type { Clock } from '../base/clock.ts';
import { WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { createKubeClient, type KubeClient } from '../kube/client.ts';
import type { KubeConnection } from '../kube/config.ts';
import { type Sandbox, startSandbox } from '../sandbox/index.ts';
import type { Program } from '../sandbox/kubelet/index.ts';
import { parseManifests } from './manifests.ts';

/** Folder of the project: where examples and generated manifests are. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export interface LocalClusterOptions {
  clock: Clock;
  log: Logger;
  /** 0 is a free one. */
  port: number;
  kubeconfig?: string | undefined;
  dataDir?: string | undefined;
  programs?: Record<string, Program> | undefined;
  /** Milliseconds between rounds of the autoscaler; default 15000, as in Kubernetes. */
  hpaSyncPeriodMs?: number | undefined;
}

/** A sandbox with our CRDs installed, and a client to it. */
export interface LocalCluster {
  sandbox: Sandbox;
  connection: KubeConnection;
  client: KubeClient;
  stop(): Promise<void>;
}

/** @throws PortInUse when the port is taken */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { clock, log, port, kubeconfig, dataDir, programs, hpaSyncPeriodMs } = options;
  const sandbox = await startSandbox({ clock, log, port, kubeconfig, dataDir, programs, hpaSyncPeriodMs });
  const connection: KubeConnection = {
    server: sandbox.url,
    namespace: 'default',
    source: 'the sandbox',
    ca: sandbox.ca === undefined ? undefined : { data: sandbox.ca },
    insecureSkipTlsVerify: false,
    user: { token: sandbox.token },
  };
  const client = createKubeClient(connection, { clock, log, userAgent: 'windlass-sandbox' });
  const stop = async () => {
    await client.close();
    await sandbox.stop();
  };
  try {
    for (const crd of parseManifests(await readFile(path.join(PROJECT, 'config/crd/all.yaml'), 'utf8'))) {
      await client.patch(CUSTOM_RESOURCE_DEFINITIONS, crd.metadata.name, crd, { type: 'apply', force: true });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { sandbox, connection, client, stop };
}

/**
 * Reads a file that says which programs stand for which images: `image: [command, argument…]`, relative to the file.
 * @throws InvalidArgument naming the file, and the image if one is wrong
 */
export async function readPrograms(file: string): Promise<Record<string, Program>> {
  const { parse } = await import('yaml');
  const hint = 'write it as `image: [command, argument]`';
  let content: unknown;
  try {
    content = parse(await readFile(file, 'utf8')) ?? {};
  } catch (error) {
    throw new WindlassError('InvalidArgument', `the programs in ${file} cannot be read`, { cause: error, hint });
  }
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new WindlassError('InvalidArgument', `${file} does not say which program stands for which image`, { hint });
  }
  return Object.fromEntries(
    Object.entries(content as Record<string, unknown>).map(([image, command]) => {
      if (!Array.isArray(command) || command.length === 0 || !command.every((word) => typeof word === 'string')) {
        throw new WindlassError('InvalidArgument', `${file}: the program of image ${image} is not a list of words`, {
          hint,
        });
      }
      return [image, { command, cwd: path.dirname(path.resolve(file)) }];
    }),
  );
}
