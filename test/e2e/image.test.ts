import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEPLOYMENTS } from '../../src/api/resources.ts';
import { buildImage, ENTRYPOINT } from '../../tools/image.ts';
import { eventually } from '../support/eventually.ts';
import { startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, startWorld } from '../support/operator.ts';

let folder: string;
let root: string;
let config: { config: { User: string; Entrypoint: string[] }; rootfs: { diff_ids: string[] } };
const children: ChildProcess[] = [];

const json = (file: string) => JSON.parse(readFileSync(path.join(folder, 'image', file), 'utf8'));
const blob = ({ digest }: { digest: string }) => `blobs/${digest.replace(':', '/')}`;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'windlass-image-'));
  const file = path.join(folder, 'image.tar');
  await buildImage(file, 1);
  const unpack = (tar: string, target: string) => {
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xf', tar, '-C', target]);
  };
  unpack(file, path.join(folder, 'image'));
  const [first] = json('index.json').manifests;
  const manifest = json(blob(first));
  config = json(blob(manifest.config));
  root = path.join(folder, 'root');
  for (const layer of manifest.layers) unpack(path.join(folder, 'image', blob(layer)), root);
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The command line of the container on this machine: its own loader, libraries, Node.js and program, not ours. */
function inside(...words: string[]): [string, string[]] {
  const [node = '', ...rest] = ENTRYPOINT;
  const loader = execFileSync('find', [root, '-name', 'ld-linux-*']).toString().trim();
  const libraries = execFileSync('find', [root, '-name', 'libc.so.6', '-printf', '%h']).toString().trim();
  const at = (file: string) => (file.startsWith('/') ? path.join(root, file) : file);
  return [loader, ['--library-path', libraries, at(node), ...rest.map(at), ...words]];
}

test('the image says what to run and as whom', () => {
  expect(config.config).toMatchObject({ User: '65532:65532', Entrypoint: ENTRYPOINT });
  expect(config.rootfs.diff_ids).toHaveLength(2);
  const written = /^ENTRYPOINT (.*)$/m.exec(readFileSync(path.join(import.meta.dirname, '../../Dockerfile'), 'utf8'));
  expect(JSON.parse(written?.[1] ?? '')).toEqual(ENTRYPOINT);
  expect(readFileSync(path.join(root, 'etc/passwd'), 'utf8')).toContain(':65532:65532:');
});

test('the program in it tells its commands, and needs nothing but what is in it', () => {
  const [file, words] = inside('operator', '--help');
  const help = execFileSync(file, words, { cwd: root, env: {} }).toString();
  expect(help).toContain('--enable-cert-rotation');
  expect(help).toContain('--metrics-bind-address');
});

test('the operator in it scales a workload of a cluster', async () => {
  const kubeconfig = path.join(folder, 'kubeconfig');
  const world = await startWorld({ operator: false, kubeconfig });
  const source = await startMetricSource(15);
  try {
    const [file, words] = inside(
      ...['operator', '--kubeconfig', kubeconfig, '--metrics-api-host=127.0.0.1', '--secure-port=0'],
      ...['--reachable-at=localhost', '--enable-cert-rotation', '--explain-bind-address=0', '--leader-elect'],
    );
    const child = spawn(file, words, { cwd: root, env: { POD_NAMESPACE: 'keda', WATCH_NAMESPACE: '' } });
    children.push(child);
    let log = '';
    child.stderr.on('data', (piece: Buffer) => {
      log += piece;
    });
    await eventually(() => {
      if (!log.includes('operator is ready')) throw new Error(`the operator is not ready:\n${log}`);
    }, 30_000);
    expect(log).toContain('"--leader-elect":"all replicas work');
    const ns = await world.namespace();
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 2, 20_000);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
  } finally {
    await source.stop();
    await world.stop();
  }
});
