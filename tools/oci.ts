/** Writes container images without Docker: an OCI image layout as one tar file, which `docker load` understands as well. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type TarEntry, tarOf } from './tar.ts';

export interface Layer {
  name: string;
  entries: TarEntry[];
}

export interface Image {
  name: string;
  tag: string;
  /** Those that change least first. */
  layers: Layer[];
  /** What the container starts, and as whom; names as in the OCI image specification. */
  config: { User: string; Env: string[]; Entrypoint: string[]; Cmd?: string[]; WorkingDir: string };
  annotations?: Record<string, string>;
}

interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}

/**
 * Writes the image.
 * @param level of compression, 1 (quick) to 9 (small)
 */
export function writeImage(file: string, image: Image, level: number): void {
  const entries: TarEntry[] = [];
  const add = (mediaType: string, content: Uint8Array): Blob => {
    const digest = sha256(content);
    entries.push({ path: `blobs/sha256/${digest}`, mode: 0o644, content });
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));

  const plain: { name: string; diffId: string; blob: Blob }[] = [];
  for (const { name, entries: files } of image.layers) {
    const tar = Buffer.concat([...tarOf(files)]);
    const blob = add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar, { level }));
    plain.push({ name, diffId: `sha256:${sha256(tar)}`, blob });
  }
  const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' };
  const { annotations = {} } = image;
  const config = add(
    'application/vnd.oci.image.config.v1+json',
    json({
      ...platform,
      config: { ...image.config, Labels: annotations },
      rootfs: { type: 'layers', diff_ids: plain.map(({ diffId }) => diffId) },
      history: plain.map(({ name }) => ({ created_by: `${image.name} ${name}` })),
    }),
  );
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const layers = plain.map(({ blob }) => blob);
  const manifest = add(manifestType, json({ schemaVersion: 2, mediaType: manifestType, config, layers, annotations }));
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...manifest,
        platform,
        annotations: { 'org.opencontainers.image.ref.name': image.tag },
      },
    ],
  };
  entries.push({ path: 'index.json', mode: 0o644, content: json(index) });
  entries.push({ path: 'oci-layout', mode: 0o644, content: json({ imageLayoutVersion: '1.0.0' }) });
  // For programs that know only the format of `docker save`.
  const blobPath = ({ digest }: Blob) => `blobs/sha256/${digest.slice('sha256:'.length)}`;
  entries.push({
    path: 'manifest.json',
    mode: 0o644,
    content: json([
      { Config: blobPath(config), RepoTags: [`${image.name}:${image.tag}`], Layers: layers.map(blobPath) },
    ]),
  });
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(file, Buffer.concat([...tarOf(withFolders(entries))]));
}

/** The folders that the files need, before them. */
export function withFolders(files: TarEntry[]): TarEntry[] {
  const known = new Set(files.map(({ path: file }) => file));
  const folders = new Set<string>();
  for (const { path: file } of files)
    for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1)) {
      const folder = file.slice(0, at + 1);
      if (!known.has(folder)) folders.add(folder);
    }
  return [...[...folders].sort().map((folder) => ({ path: folder, mode: 0o755 })), ...files];
}

const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
