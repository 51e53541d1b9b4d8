/** Whether this machine can be a real node (kubelet with containers), and what it has for that. */
import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Machine {
  /** Folder with the plugins `bridge`, `host-local` and `loopback`. */
  cniFolder: string;
  /** How containerd lays the layers of images over each other. */
  snapshotter: 'overlayfs' | 'native';
}

/** Where distributions put them. */
const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
const PLUGINS = ['bridge', 'host-local', 'loopback'];
const COMMANDS = ['bash', 'containerd', 'ctr', 'runc', 'iptables', 'ip', 'unshare', 'nsenter', 'mount'];
/** What Debian and Ubuntu call them. */
const PACKAGES = ['containerd', 'runc', 'containernetworking-plugins', 'iptables', 'iproute2', 'util-linux'];
/** The controllers of cgroup v1 that runc sets something in. */
const CONTROLLERS = ['cpu', 'memory', 'pids', 'devices', 'freezer'];
const UNIFIED_CONTROLLERS = ['cpu', 'memory', 'pids'];
const CGROUPS = '/sys/fs/cgroup';

/**
 * What the machine has, or the reason why it cannot be a node. On Debian, root has missing packages installed; the
 * services that they bring are neither needed nor used.
 */
export async function inspectMachine(
  log: (line: string) => void = () => {},
  { platform, user }: { platform: string; user: number | undefined } = {
    platform: process.platform,
    user: process.getuid?.(),
  },
): Promise<Machine | { missing: string }> {
  if (platform !== 'linux') return { missing: 'containers need Linux' };
  if (user !== 0) return { missing: 'it needs root, for network namespaces, mounts and cgroups' };
  let lacking = await lackingPrograms();
  if (lacking.length > 0 && (await isExecutable('/usr/bin/apt-get'))) {
    log(`installing ${PACKAGES.join(', ')} for a real node`);
    const failure = await install();
    lacking = await lackingPrograms();
    if (lacking.length > 0 && failure) return { missing: `no ${lacking.join(', ')}, and apt-get failed: ${failure}` };
  }
  const cniFolder = await findPlugins();
  if (lacking.length > 0 || cniFolder === undefined)
    return { missing: `no ${lacking.join(', ')} on this machine (Debian: apt-get install ${PACKAGES.join(' ')})` };
  const missing = (await cgroupProblem()) ?? (await namespaceProblem());
  if (missing !== undefined) return { missing };
  return { cniFolder, snapshotter: (await hasOverlay()) ? 'overlayfs' : 'native' };
}

async function lackingPrograms(): Promise<string[]> {
  const lacking: string[] = [];
  for (const command of COMMANDS) if (!(await isOnPath(command))) lacking.push(command);
  if (!(await findPlugins())) lacking.push(`CNI plugins ${PLUGINS.join(', ')}`);
  return lacking;
}

async function findPlugins(): Promise<string | undefined> {
  for (const folder of CNI_FOLDERS) {
    const there = await Promise.all(PLUGINS.map((name) => isExecutable(path.join(folder, name))));
    if (there.every(Boolean)) return folder;
  }
  return undefined;
}

/** Gives back the last line of what went wrong. */
async function install(): Promise<string | undefined> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update', '-qq'], { env, maxBuffer: 16 << 20 });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES], {
      env,
      maxBuffer: 16 << 20,
    });
    return undefined;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    return stderr.trim().split('\n').at(-1) || message;
  }
}

async function cgroupProblem(): Promise<string | undefined> {
  const name = `windlass-probe-${process.pid}`;
  const isUnified = await exists(path.join(CGROUPS, 'cgroup.controllers'));
  for (const controller of isUnified ? [''] : CONTROLLERS) {
    const folder = path.join(CGROUPS, controller, name);
    try {
      await mkdir(folder);
      const handedOn = isUnified ? await readFile(path.join(folder, 'cgroup.controllers'), 'utf8') : undefined;
      await rmdir(folder);
      const withheld = UNIFIED_CONTROLLERS.filter((one) => handedOn?.split(/\s+/).includes(one) === false);
      if (withheld.length > 0) return `${CGROUPS}/cgroup.subtree_control lacks ${withheld.join(', ')}`;
    } catch (error) {
      return `cgroups cannot be made here: ${(error as Error).message}`;
    }
  }
  return undefined;
}

/** A node is a set of namespaces with mounts, a bridge and rules of iptables in it. */
async function namespaceProblem(): Promise<string | undefined> {
  const script = `
set -e
ip link set lo up
ip link add bridge0 type bridge
ip link add veth0 type veth peer name veth1
iptables -w -t nat -N PROBE
iptables -w -t nat -A PROBE -p tcp -m comment --comment probe -m statistic --mode random --probability 0.5 -j DNAT --to-destination 198.18.0.1:1
iptables -w -t nat -A PROBE -m addrtype --dst-type LOCAL -m mark --mark 0x4000/0x4000 -j MASQUERADE
mount -t tmpfs tmpfs /run`;
  try {
    await run('unshare', [...NAMESPACES, '--net', 'bash', '-c', script]);
    return undefined;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    return `namespaces, bridges or iptables do not work here: ${stderr.trim().split('\n').at(-1) || message}`;
  }
}

/** What else a node needs than the control plane has; see programs.ts. */
export const NODE_PROGRAMS = ['kubelet', 'kube-proxy'];

/** Flags of `unshare` for a node; the network is made apart. */
export const NAMESPACES = ['--cgroup', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc'];

async function hasOverlay(): Promise<boolean> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-overlay-'));
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(path.join(folder, name));
    const script = `mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged`;
    await run('unshare', ['--mount', 'bash', '-c', script], { cwd: folder });
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Folders of cgroups of this name in every hierarchy, the innermost first. */
export async function cgroupsNamed(name: string, top = CGROUPS): Promise<string[]> {
  const found: string[] = [];
  const roots = (await exists(path.join(top, 'cgroup.controllers')))
    ? [top]
    : (await readdir(top)).map((entry) => path.join(top, entry));
  for (const root of roots)
    for (const entry of await readdir(root).catch(() => []))
      if (entry === name) found.push(...(await foldersIn(path.join(root, entry))));
  return found;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const inner = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map(({ name }) => foldersIn(path.join(folder, name))),
  );
  return [...inner.flat(), folder];
}

async function isOnPath(command: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter))
    if (folder && (await isExecutable(path.join(folder, command)))) return true;
  return false;
}

const isExecutable = (file: string) => reaches(file, constants.X_OK);
const exists = (file: string) => reaches(file, constants.F_OK);
const reaches = (file: string, mode: number): Promise<boolean> =>
  access(file, mode).then(
    () => true,
    () => false,
  );
