/**
 * Memory and CPU of `windlass operator` that has nothing to do: a sandbox in one process, the operator in another, no
 * objects. `node test/bench/idle.ts [source|bundle] [seconds]`; without a name both are measured.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../tools/bundle.ts';
import { OPERATOR_FLAGS } from '../../tools/operator-flags.ts';
import { usageOf } from './process-usage.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCE = path.join(PROJECT, 'bin/windlass.js');
/** Resident megabytes of the operator with no objects; KEDA's three processes took 298 on the same kind of machine. */
const TARGET_MB = 120;
const KEDA_MB = 298;
const SETTLE_MS = 5_000;

const asked = process.argv[2];
const seconds = Number(process.argv[3] ?? 10);

const folder = mkdtempSync(path.join(tmpdir(), 'windlass-idle-'));
const kubeconfig = path.join(folder, 'kubeconfig');
const children: ChildProcess[] = [];

/** Starts a command and waits until it has written what shows that it is ready. */
function start(program: string, words: string[], ready: string): Promise<{ child: ChildProcess; tookMs: number }> {
  const began = performance.now();
  const flags = OPERATOR_FLAGS;
  const child = spawn(process.execPath, [...flags, program, ...words], {
    env: { ...process.env, KUBECONFIG: kubeconfig, POD_NAMESPACE: 'keda', WATCH_NAMESPACE: '' },
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    let output = '';
    const see = (piece: Buffer) => {
      output += piece;
      if (output.includes(ready)) resolve({ child, tookMs: performance.now() - began });
    };
    child.stdout.on('data', see);
    child.stderr.on('data', see);
    child.on('exit', (code) => reject(new Error(`${program} ${words[0]} ended with ${code}:\n${output}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.removeAllListeners('exit');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

try {
  await start(SOURCE, ['sandbox', '--operator', 'no', '--kubeconfig', kubeconfig], 'The sandbox is up');
  for (const name of ['source', 'bundle']) {
    if (asked !== undefined && asked !== name) continue;
    const program = name === 'source' ? SOURCE : (await bundle(path.join(folder, 'bundle'))).main;
    const words = ['operator', '--metrics-api-host', '127.0.0.1', '--secure-port', '0', '--reachable-at', 'localhost'];
    // From source, the first start after a change also translates it; what counts is every start after that.
    if (name === 'source') await end((await start(program, words, 'operator is ready')).child);
    const { child, tookMs } = await start(program, words, 'operator is ready');
    await pause(SETTLE_MS);
    const before = usageOf(child.pid ?? 0);
    await pause(seconds * 1_000);
    const after = usageOf(child.pid ?? 0);
    const cores = (after.cpuSeconds - before.cpuSeconds) / seconds;
    console.log(
      `idle, ${name}: ${after.residentMb.toFixed(0)} MB resident (${after.fileMb.toFixed(0)} of them the program's files; ` +
        `target ${TARGET_MB}, KEDA ${KEDA_MB}), ${cores.toFixed(3)} cores, ready after ${(tookMs / 1000).toFixed(1)} s`,
    );
    await end(child);
  }
} finally {
  await Promise.all(children.map(end));
  rmSync(folder, { recursive: true, force: true });
}
