/**
 * Makes the container image without Docker: `node tools/image.ts [FILE]` writes an OCI image layout as one tar file
 * (dist/windlass-image.tar), which `docker load`, `podman load`, `skopeo` and `kind load image-archive` take.
 * `node tools/image.ts --rootfs FOLDER` writes the files of the image into a folder instead, for the Dockerfile.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundle } from './bundle.ts';
import { type TarEntry, tarOf } from './tar.ts';

const PROJECT = path.resolve(fileURLToPath(import.meta.url), '../..');
/** The user that KEDA's images run as. */
const USER = 65_532;
const NODE = 'usr/bin/node';
const HOME = 'windlass';
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

interface Layer {
  name: string;
  entries: TarEntry[];
}

/** The files of the image, those that change least first. */
export async function imageLayers(): Promise<Layer[]> {
  return [
    { name: 'runtime', entries: withFolders(runtimeFiles()) },
    { name: 'program', entries: withFolders(await programFiles()) },
  ];
}

/** Node.js, the libraries it is linked with, and the few files that a program expects. */
function runtimeFiles(): TarEntry[] {
  const text = (file: string, content: string): TarEntry => ({
    path: file,
    mode: 0o644,
    content: Buffer.from(content),
  });
  return [
    { path: NODE, mode: 0o755, content: readFileSync(process.execPath) },
    ...librariesOf(process.execPath).map((file) => ({ path: file.slice(1), mode: 0o755, content: readFileSync(file) })),
    ...(existsSync(AUTHORITIES)
      ? [{ path: AUTHORITIES.slice(1), mode: 0o644, content: readFileSync(AUTHORITIES) }]
      : []),
    text('etc/passwd', `root:x:0:0:root:/:/sbin/nologin\nwindlass:x:${USER}:${USER}:windlass:/:/sbin/nologin\n`),
    text('etc/group', `root:x:0:\nwindlass:x:${USER}:\n`),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    { path: 'tmp/', mode: 0o1777 },
  ];
}

/** Absolute paths of the libraries and of the program that loads them, as the system names them. */
function librariesOf(program: string): string[] {
  const output = execFileSync('ldd', [program]).toString();
  const found = [...output.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, file = '']) => file);
  if (found.length === 0) throw new Error(`ldd names no libraries of ${program}:\n${output}`);
  return found;
}

async function programFiles(): Promise<TarEntry[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'windlass-bundle-'));
  try {
    await bundle(folder);
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => ({
        path: path.join(HOME, path.relative(folder, file)),
        mode: 0o644,
        content: readFileSync(file),
      }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The folders that the files need, before them. */
function withFolders(files: TarEntry[]): TarEntry[] {
  const known = new Set(files.map(({ path: file }) => file));
  const folders = new Set<string>();
  for (const { path: file } of files)
    for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1)) {
      const folder = file.slice(0, at + 1);
      if (!known.has(folder)) folders.add(folder);
    }
  return [...[...folders].sort().map((folder) => ({ path: folder, mode: 0o755 })), ...files];
}

/** What the container starts; arguments come after it. */
export const ENTRYPOINT = [`/${NODE}`, '--disable-warning=ExperimentalWarning', `/${HOME}/windlass.mjs`];

interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}

/**
 * Writes the image.
 * @param level of compression, 1 (quick) to 9 (small)
 */
export async function buildImage(file: string, level = 9): Promise<void> {
  const entries: TarEntry[] = [];
  const add = (mediaType: string, content: Uint8Array): Blob => {
    const digest = sha256(content);
    entries.push({ path: `blobs/sha256/${digest}`, mode: 0o644, content });
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));

  const plain: { name: string; diffId: string; blob: Blob }[] = [];
  for (const { name, entries: files } of await imageLayers()) {
    const tar = Buffer.concat([...tarOf(files)]);
    const blob = add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar, { level }));
    plain.push({ name, diffId: `sha256:${sha256(tar)}`, blob });
  }
  const about = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as Record<string, string>;
  const annotations = {
    'org.opencontainers.image.title': 'windlass',
    'org.opencontainers.image.description': about.description,
    'org.opencontainers.image.version': about.version,
    'org.opencontainers.image.licenses': about.license,
  };
  const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' };
  const config = add(
    'application/vnd.oci.image.config.v1+json',
    json({
      ...platform,
      config: {
        User: `${USER}:${USER}`,
        Env: ['PATH=/usr/bin', 'NODE_ENV=production', `SSL_CERT_FILE=${AUTHORITIES}`],
        Entrypoint: ENTRYPOINT,
        Cmd: ['operator'],
        WorkingDir: '/',
        Labels: annotations,
      },
      rootfs: { type: 'layers', diff_ids: plain.map(({ diffId }) => diffId) },
      history: plain.map(({ name }) => ({ created_by: `windlass ${name}` })),
    }),
  );
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const layers = plain.map(({ blob }) => blob);
  const manifest = add(manifestType, json({ schemaVersion: 2, mediaType: manifestType, config, layers, annotations }));
  const name = `windlass:${about.version}`;
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...manifest,
        platform,
        annotations: { 'org.opencontainers.image.ref.name': about.version },
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
    content: json([{ Config: blobPath(config), RepoTags: [name], Layers: layers.map(blobPath) }]),
  });
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(file, Buffer.concat([...tarOf(withFolders(entries))]));
}

const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

/** Writes the files of the image into a folder. */
async function writeRootfs(folder: string): Promise<void> {
  for (const { entries } of await imageLayers())
    for (const { path: file, mode, content, link } of entries) {
      const target = path.join(folder, file);
      if (link !== undefined) symlinkSync(link, target);
      else if (content === undefined) mkdirSync(target, { recursive: true });
      else writeFileSync(target, content);
      if (link === undefined) chmodSync(target, mode);
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [first, second] = process.argv.slice(2);
  if (first === '--rootfs' && second !== undefined) await writeRootfs(second);
  else {
    const file = first ?? path.join(PROJECT, 'dist/windlass-image.tar');
    await buildImage(file);
    console.log(file);
  }
}
