import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Pod, Volume } from '../controllers/kinds.ts';
import { CONFIG_MAPS, namespaceOf, SECRETS } from '../controllers/kinds.ts';
import type { ClusterApi } from '../types.ts';
import { ContainerConfigError } from './command.ts';
import { fieldOf, readData } from './env.ts';

/** A token for a service account of the sandbox, for projected volumes; absent when the sandbox gives none. */
export type TokenSource = (namespace: string, serviceAccount: string) => string;

interface KeyPath {
  key: string;
  path: string;
}

interface Projection {
  configMap?: { name: string; optional?: boolean; items?: KeyPath[] };
  secret?: { name: string; optional?: boolean; items?: KeyPath[] };
  downwardAPI?: { items?: { path: string; fieldRef?: { fieldPath: string } }[] };
  serviceAccountToken?: { path: string };
}

/**
 * Makes the pod's volumes as folders below `dir`, those of persistent volume claims below `claims`. A process sees no mounts, so each folder is named to it in the environment as
 * SANDBOX_VOLUME_<NAME>, the name in capitals with `_` for `-` and `.`.
 * @throws ContainerConfigError for a missing Secret or ConfigMap, or a kind of volume that a process cannot have
 */
export function makeVolumes(
  api: ClusterApi,
  pod: Pod,
  dir: string,
  claims: string,
  token: TokenSource | undefined,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const volume of pod.spec.volumes ?? []) {
    const claim = (volume.persistentVolumeClaim as { claimName: string } | undefined)?.claimName;
    // What a claim holds outlives the pod.
    const target = claim === undefined ? path.join(dir, volume.name) : path.join(claims, namespaceOf(pod), claim);
    mkdirSync(target, { recursive: true });
    for (const [name, data] of Object.entries(filesOf(api, pod, volume, token))) write(target, name, data);
    env[`SANDBOX_VOLUME_${volume.name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`] = target;
  }
  return env;
}

type Files = Record<string, Buffer | string>;

function filesOf(api: ClusterApi, pod: Pod, volume: Volume, token: TokenSource | undefined): Files {
  const { configMap, secret, projected, downwardAPI } = volume as Volume & {
    projected?: { sources?: Projection[] };
    downwardAPI?: NonNullable<Projection['downwardAPI']>;
  };
  if (volume.emptyDir || volume.persistentVolumeClaim) return {};
  if (configMap) return pick(readData(api, CONFIG_MAPS, pod, configMap.name, configMap.optional), configMap.items);
  if (secret) return pick(readData(api, SECRETS, pod, secret.secretName, secret.optional), secret.items);
  if (downwardAPI) return downward(pod, downwardAPI);
  if (projected) {
    const files: Files = {};
    for (const source of projected.sources ?? []) Object.assign(files, projectedFiles(api, pod, source, token));
    return files;
  }
  throw new ContainerConfigError(
    `volume "${volume.name}" is of a kind that a local process cannot have: use emptyDir, configMap, secret, projected, downwardAPI or persistentVolumeClaim`,
    'ContainerCreating',
  );
}

function projectedFiles(api: ClusterApi, pod: Pod, source: Projection, token: TokenSource | undefined): Files {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap) return pick(readData(api, CONFIG_MAPS, pod, configMap.name, configMap.optional), configMap.items);
  if (secret) return pick(readData(api, SECRETS, pod, secret.name, secret.optional), secret.items);
  if (downwardAPI) return downward(pod, downwardAPI);
  if (serviceAccountToken && token)
    return { [serviceAccountToken.path]: token(namespaceOf(pod), pod.spec.serviceAccountName ?? 'default') };
  return {};
}

function downward(pod: Pod, { items = [] }: NonNullable<Projection['downwardAPI']>): Files {
  const files: Files = {};
  for (const item of items) if (item.fieldRef) files[item.path] = fieldOf(pod, item.fieldRef.fieldPath);
  return files;
}

function pick(data: Record<string, Buffer> | undefined, items: KeyPath[] | undefined): Files {
  if (!data || !items) return data ?? {};
  const files: Files = {};
  for (const { key, path: name } of items) {
    const value = data[key];
    if (value === undefined) throw new ContainerConfigError(`references non-existent config key: ${key}`);
    files[name] = value;
  }
  return files;
}

function write(dir: string, name: string, data: Buffer | string): void {
  const file = path.resolve(dir, name);
  // Paths come from manifests: they must not lead out of the volume.
  if (!file.startsWith(`${path.resolve(dir)}${path.sep}`))
    throw new ContainerConfigError(`path "${name}" leads out of its volume`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, data, { mode: 0o600 });
}

/** Removes everything a pod had on disk. */
export function removePodDir(dir: string): Promise<void> {
  return rm(dir, { recursive: true, force: true });
}
