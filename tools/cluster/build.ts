/**
 * Builds the control plane that tests run against (kube-apiserver and what goes with it) from its Go modules into a
 * cache folder of the user: `node tools/cluster/build.ts [program …]`. Seven minutes once on two cores, then nothing.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type ModuleVersions, PROGRAMS, type Program } from './programs.ts';

const run = promisify(execFile);
const moduleFolder = import.meta.dirname;

/** Static programs: the same on every Linux, and no C compiler is needed. */
const BUILD_ENV = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly' };
const LINK_FLAGS = '-s -w';
/** `go.mod` says `go 1.26.0`; an older Go of this line or later fetches that toolchain by itself. */
const OLDEST_GO = [1, 21] as const;
/** A program that is being built elsewhere: how often to look whether it is done. */
const POLL_MS = 500;

export interface EnsureOptions {
  /** Receives one line at the start and at the end of each program that has to be built. */
  log: (line: string) => void;
  /** Names of programs; all that are not optional unless told otherwise. */
  programs?: readonly string[] | undefined;
}

/** Why there are no programs of the control plane, with what to do about it. */
export class MissingBinariesError extends Error {}

/**
 * Where the programs of the control plane are, without building anything: undefined when some are missing.
 * @param programs names; all that are not optional unless told otherwise
 */
export async function findBinaries(programs?: readonly string[]): Promise<string | undefined> {
  const wanted = chosen(programs);
  const { folder, others } = await cacheFolders();
  for (const candidate of folder === undefined ? others : [folder]) {
    const missing = await missingIn(candidate, wanted);
    if (missing.length === 0) return candidate;
  }
  return undefined;
}

/**
 * Builds what is missing and says where the programs are. Safe when several processes do so at once: one builds, the
 * others wait for it. Throws MissingBinariesError when something is missing and no Go can build it.
 */
export async function ensureBinaries({ log, programs }: EnsureOptions): Promise<string> {
  const found = await findBinaries(programs);
  if (found !== undefined) return found;
  const { folder } = await cacheFolders();
  if (folder === undefined)
    throw new MissingBinariesError(
      `The control plane for the tests is not built, and there is no Go ${OLDEST_GO.join('.')} or later on PATH to build it. ` +
        'Install Go, or set KUBEBUILDER_ASSETS to a folder with kube-apiserver, kube-controller-manager, ' +
        'kube-scheduler, etcd, kubectl and kwok.',
    );
  await mkdir(folder, { recursive: true });
  const wanted = chosen(programs);
  const missing = await missingIn(folder, wanted);
  log(
    `Building ${missing.length} programs of the control plane into ${folder} (once; about seven minutes on two cores)`,
  );
  const versions = await moduleVersions();
  for (const [index, program] of missing.entries()) {
    const unlock = await lock(path.join(folder, `.${program.name}.lock`), () =>
      log(`[${index + 1}/${missing.length}] ${program.name}: another process builds it; waiting`),
    );
    try {
      if (await isProgram(path.join(folder, program.name))) continue;
      log(`[${index + 1}/${missing.length}] ${program.name} ...`);
      const since = performance.now();
      await build(program, folder, versions);
      const seconds = ((performance.now() - since) / 1000).toFixed(0);
      log(`[${index + 1}/${missing.length}] ${program.name}: built in ${seconds} s`);
    } finally {
      await unlock();
    }
  }
  return folder;
}

async function build(program: Program, folder: string, versions: ModuleVersions): Promise<void> {
  const target = path.join(folder, program.name);
  await removeLeftovers(folder, program.name);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await run(
      'nice',
      [
        '-n',
        '10',
        'go',
        'build',
        '-trimpath',
        `-ldflags=${linkFlags(program, versions)}`,
        '-o',
        temporary,
        program.pkg,
      ],
      {
        cwd: moduleFolder,
        env: { ...process.env, ...BUILD_ENV },
        maxBuffer: 64 << 20,
      },
    );
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    const { stderr = String(error) } = error as { stderr?: string };
    throw new Error(`go build of ${program.name} failed:\n${stderr.trim().split('\n').slice(-20).join('\n')}`, {
      cause: error,
    });
  }
}

/** Half-written programs of processes that were killed. */
async function removeLeftovers(folder: string, name: string): Promise<void> {
  for (const file of await readdir(folder)) {
    const [owner, pid, end] = file.split('.');
    if (owner === name && end === 'tmp' && !isAlive(Number(pid))) await rm(path.join(folder, file), { force: true });
  }
}

function linkFlags(program: Program, versions: ModuleVersions): string {
  const variables = Object.entries(program.variables(versions)).map(([name, value]) => `-X ${name}=${value}`);
  return [LINK_FLAGS, ...variables].join(' ');
}

function chosen(names: readonly string[] | undefined): Program[] {
  if (names === undefined) return PROGRAMS.filter(({ optional }) => !optional);
  return names.map((name) => {
    const program = PROGRAMS.find((one) => one.name === name);
    if (!program) throw new Error(`no program called ${name}; there are ${PROGRAMS.map((one) => one.name).join(', ')}`);
    return program;
  });
}

async function missingIn(folder: string, programs: Program[]): Promise<Program[]> {
  const present = await Promise.all(programs.map(({ name }) => isProgram(path.join(folder, name))));
  return programs.filter((_, index) => !present[index]);
}

const isProgram = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

/**
 * One folder per content of go.mod, go.sum and our flags, and per version of Go. Without Go on PATH nobody knows the
 * latter; then `others`, the folders of any version, will do.
 */
async function cacheFolders(): Promise<{ folder: string | undefined; others: string[] }> {
  const root = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'windlass', 'cluster');
  const hash = createHash('sha256').update(JSON.stringify([BUILD_ENV, LINK_FLAGS, process.platform, process.arch]));
  for (const file of ['go.mod', 'go.sum', 'programs.ts']) hash.update(await readFile(path.join(moduleFolder, file)));
  const key = hash.digest('hex').slice(0, 16);
  const version = await goVersion();
  if (version !== undefined) return { folder: path.join(root, `${key}-${version}`), others: [] };
  const names = await readdir(root).catch(() => []);
  return {
    folder: undefined,
    others: names.filter((name) => name.startsWith(`${key}-`)).map((name) => path.join(root, name)),
  };
}

/** `go1.26.8`; undefined when there is no Go, or one that cannot even fetch the right toolchain. */
async function goVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await run('go', ['env', 'GOVERSION'], { cwd: moduleFolder });
    const [, major, minor] = /^go(\d+)\.(\d+)/.exec(stdout.trim()) ?? [];
    const isNewEnough = Number(major) > OLDEST_GO[0] || Number(minor) >= OLDEST_GO[1];
    return isNewEnough ? stdout.trim() : undefined;
  } catch {
    return undefined;
  }
}

async function moduleVersions(): Promise<ModuleVersions> {
  const text = await readFile(path.join(moduleFolder, 'go.mod'), 'utf8');
  return (module) => {
    const version = new RegExp(`^\\s*(?:require )?${module.replaceAll('.', '\\.')} (v\\S+)`, 'm').exec(text)?.[1];
    if (version === undefined) throw new Error(`go.mod does not require ${module}`);
    return version;
  };
}

/**
 * Takes a lock file with our process id in it; one whose process is gone counts for nothing. Two that find such a file
 * in the same instant may both go on: they then do the same work twice, and each renames a whole program into place.
 */
async function lock(file: string, onWait: () => void): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(file, 'utf8').catch(() => ''));
    // An empty file is one that its owner is about to write; on the second look it is one that was left behind.
    if (owner > 0 ? !isAlive(owner) : attempt > 0) await rm(file, { force: true });
    else {
      if (attempt === 1) onWait();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  try {
    console.log(
      await ensureBinaries({ log: (line) => console.error(line), programs: names.length > 0 ? names : undefined }),
    );
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
