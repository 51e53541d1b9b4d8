/**
 * Makes the container image without Docker: `node tools/image.ts [FILE]` writes an OCI image layout as one tar file
 * (dist/windlass-image.tar), which `docker load`, `podman load`, `skopeo` and `kind load image-archive` take.
 * `node tools/image.ts --rootfs FOLDER` writes the files of the image into a folder instead, for the Dockerfile.
 */
import { execFileSync } from 'node:child_process';
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
import { bundle } from './bundle.ts';
import { type Image, type Layer, withFolders, writeImage } from './oci.ts';
import { OPERATOR_FLAGS } from './operator-flags.ts';
import type { TarEntry } from './tar.ts';

const PROJECT = path.resolve(fileURLToPath(import.meta.url), '../..');
/** The user that KEDA's images run as. */
const USER = 65_532;
const NODE = 'usr/bin/node';
const HOME = 'windlass';
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/** The files of the image, those that change least first. */
export async function imageLayers(): Promise<Layer[]> {
  return [runtimeLayer(), { name: 'program', entries: withFolders(await programFiles()) }];
}

/** Node.js, the libraries it is linked with, and the few files that a program expects. */
export const runtimeLayer = (): Layer => ({ name: 'runtime', entries: withFolders(runtimeFiles()) });

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

/** How containers with the runtime run. */
export const RUNTIME = {
  User: `${USER}:${USER}`,
  Env: ['PATH=/usr/bin', 'NODE_ENV=production', `SSL_CERT_FILE=${AUTHORITIES}`],
  WorkingDir: '/',
};

/** What the container starts; arguments come after it. */
export const ENTRYPOINT = [`/${NODE}`, ...OPERATOR_FLAGS, `/${HOME}/windlass.mjs`];

/**
 * Writes the image.
 * @param level of compression, 1 (quick) to 9 (small)
 */
export async function buildImage(file: string, level = 9): Promise<void> {
  const about = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as Record<string, string>;
  const image: Image = {
    name: 'windlass',
    tag: about.version ?? '',
    layers: await imageLayers(),
    config: { ...RUNTIME, Entrypoint: ENTRYPOINT, Cmd: ['operator'] },
    annotations: {
      'org.opencontainers.image.title': 'windlass',
      'org.opencontainers.image.description': about.description ?? '',
      'org.opencontainers.image.version': about.version ?? '',
      'org.opencontainers.image.licenses': about.license ?? '',
    },
  };
  writeImage(file, image, level);
}

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
