import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-build-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/**
 * A `go` that writes a file instead of building for minutes, and notes what it was asked for. The only thing of Go that
 * matters here is that it takes its time and can fail.
 */
async function aGo(script = '', version = 'go1.26.8'): Promise<void> {
  await mkdir(path.join(folder, 'bin'), { recursive: true });
  const file = path.join(folder, 'bin', 'go');
  await writeFile(
    file,
    `#!/bin/sh
if [ "$1" = env ]; then echo ${version}; exit; fi
echo "$@" >> ${folder}/asked
${script}
while [ "$1" != -o ]; do shift; done
sleep 0.1
echo program > "$2"; chmod +x "$2"
`,
  );
  await chmod(file, 0o755);
}

interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

function build(...programs: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'build.ts'), ...programs], {
    env: { PATH: `${folder}/bin:/usr/bin:/bin`, HOME: folder, XDG_CACHE_HOME: path.join(folder, 'cache') },
  });
  children.push(child);
  return new Promise((resolve) => {
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk;
    });
    child.once('close', (code) => resolve({ code, out: out.trim(), err }));
  });
}

const asked = async () => (await readFile(path.join(folder, 'asked'), 'utf8')).trim().split('\n');

it('builds each program once, with its version, and then knows where it is', async () => {
  await aGo();
  const first = await build('kubectl', 'helm');
  expect(first.code).toBe(0);
  expect(first.err).toContain('[1/2] kubectl: built in');
  expect((await readdir(first.out)).toSorted()).toEqual(['helm', 'kubectl']);
  const [kubectl, helm] = await asked();
  expect(kubectl).toMatch(
    /-trimpath .*-X k8s\.io\/component-base\/version\.gitVersion=v1\.36\.\d+ .*k8s\.io\/kubernetes\/cmd\/kubectl$/,
  );
  expect(helm).toMatch(/-X helm\.sh\/helm\/v4\/internal\/version\.version=v4\.\d+\.\d+ /);
  expect(await build('kubectl', 'helm')).toEqual({ code: 0, out: first.out, err: '' });
  expect(await asked()).toHaveLength(2);
});

it('builds once when two processes want the same', async () => {
  await aGo();
  const both = await Promise.all([build('kubectl', 'etcd', 'kwok'), build('kubectl', 'etcd', 'kwok')]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(both[0]?.out).toBe(both[1]?.out);
  expect(await asked()).toHaveLength(3);
  expect((await readdir(both[0]?.out ?? '')).toSorted()).toEqual(['etcd', 'kubectl', 'kwok']);
});

it('takes over from a process that was killed, and tidies up after it', async () => {
  const first = path.join(folder, 'first');
  await aGo(
    `[ -e ${first} ] || { while [ "$1" != -o ]; do shift; done; echo part > "$2"; echo $$ > ${first}; exec sleep 1000; }`,
  );
  const killed = build('kubectl');
  await expect.poll(() => readFile(first, 'utf8').then(Number, () => 0)).toBeGreaterThan(0);
  for (const child of children) child.kill('SIGKILL');
  process.kill(Number(await readFile(first, 'utf8')), 'SIGKILL');
  await killed;
  const { code, out } = await build('kubectl');
  expect(code).toBe(0);
  expect(await readdir(out)).toEqual(['kubectl']);
});

it('shows the end of what the compiler said, and leaves nothing behind', async () => {
  await aGo('echo "undefined: everything" >&2; exit 1');
  const { code, err } = await build('kubectl');
  expect(code).toBe(1);
  expect(err).toContain('go build of kubectl failed:\nundefined: everything');
  const [cache = ''] = await readdir(path.join(folder, 'cache/windlass/cluster'));
  expect(await readdir(path.join(folder, 'cache/windlass/cluster', cache))).toEqual([]);
});

it.each([
  ['no Go', undefined],
  ['a Go that is too old to fetch a newer one', 'go1.20.3'],
])('with %s says what to install, and uses what was built before', async (_, version) => {
  await aGo();
  const built = await build('kubectl');
  if (version) await aGo('', version);
  else await rm(path.join(folder, 'bin/go'));
  expect(await build('kubectl')).toEqual(built.out ? { code: 0, out: built.out, err: '' } : built);
  const { code, err } = await build('etcd');
  expect(code).toBe(1);
  expect(err).toContain('no Go 1.21 or later on PATH');
});

it('knows its programs', async () => {
  await aGo();
  const { code, err } = await build('kubeadm');
  expect(code).toBe(1);
  expect(err).toContain('no program called kubeadm; there are kube-apiserver');
});
