/**
 * Runs every check and every test, says how far it is, and ends with one line: `N passed, N failed, N skipped`.
 * Each check (types, lint, layers, generated files) counts as one test of that sum.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBinaries, MissingBinariesError } from './cluster/build.ts';
import { inspectMachine, NODE_PROGRAMS } from './cluster/machine.ts';
import type { Totals } from './test-reporter.ts';

const root = path.resolve(fileURLToPath(import.meta.url), '../..');
const bin = path.join(root, 'node_modules', '.bin');
const node = process.execPath;
const quiet = '--disable-warning=ExperimentalWarning';

interface Check {
  name: string;
  command: string[];
  /** What to do when it fails. */
  remedy: string;
}

const CHECKS: Check[] = [
  { name: 'types', command: [path.join(bin, 'tsc'), '-p', '.'], remedy: 'mend the types named above' },
  {
    name: 'format and lint',
    command: [path.join(bin, 'biome'), 'check', '--error-on-warnings', '.'],
    remedy: 'run `make format`',
  },
  { name: 'layers', command: [node, quiet, 'tools/layers.ts'], remedy: 'see docs/architecture.md, "Layers"' },
  {
    name: 'generated files are fresh',
    command: [node, quiet, 'tools/generate.ts', '--check'],
    remedy: 'run `make generate` and commit',
  },
];

function run(
  command: string[],
  options: { show: boolean; env?: NodeJS.ProcessEnv },
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const [file = '', ...args] = command;
    const child = spawn(file, args, {
      cwd: root,
      stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
      env: { ...process.env, PATH: pathWith(), ...options.env },
    });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    child.on('error', reject);
    child.on('exit', (code) => resolve({ code: code ?? 1, output }));
  });
}

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
const started = performance.now();
/** Parts that this machine does not allow; said again at the end, where it is read. */
const leftOut: string[] = [];
const onlyChecks = process.argv.includes('--only-checks');

for (const check of CHECKS) {
  const since = performance.now();
  const { code, output } = await run(check.command, { show: false });
  if (code === 0) {
    totals.passed++;
    console.log(`ok    ${check.name} (${seconds(since)})`);
  } else {
    totals.failed++;
    console.log(`${output.trimEnd()}\nFAIL  ${check.name} (${seconds(since)}): ${check.remedy}`);
  }
}

if (!onlyChecks) {
  let programs: { folder?: string | undefined; missing?: string } = {};
  for (const project of ['unit', 'e2e', 'processes', 'cluster', 'node']) {
    // helm and kubectl are needed from here on, the control plane for the last part.
    if (project === 'processes') programs = await clusterPrograms();
    if (project === 'cluster' && programs.missing !== undefined) {
      // With CI=true every part has to run; elsewhere a machine without Go still gets everything else.
      console.log(`${process.env.CI === 'true' ? 'FAIL ' : 'left out:'} cluster tests: ${programs.missing}`);
      if (process.env.CI === 'true') totals.failed++;
      continue;
    }
    if (project === 'node') {
      const missing = await whyNoNode(programs.missing);
      if (missing !== undefined) {
        // Nothing that one installs makes a node of a machine that allows no containers, so this is no failure in CI.
        leftOut.push(`left out: real node: ${missing}`);
        console.log(leftOut.at(-1));
        continue;
      }
    }
    const since = performance.now();
    const report = path.join(root, '.cache', `test-${project}.json`);
    mkdirSync(path.dirname(report), { recursive: true });
    rmSync(report, { force: true });
    const { code } = await run(
      [
        node,
        quiet,
        path.join(root, 'node_modules/vitest/vitest.mjs'),
        'run',
        '--project',
        project,
        '--reporter',
        './tools/test-reporter.ts',
      ],
      { show: true, env: { WINDLASS_TEST_REPORT: report, NODE_OPTIONS: quiet, PATH: pathWith(programs.folder) } },
    );
    const counted = readTotals(report);
    if (!counted || (code !== 0 && counted.failed === 0)) {
      totals.failed++;
      console.log(`FAIL  ${project} tests: the runner stopped with code ${code} before it could report`);
    }
    if (counted) {
      totals.passed += counted.passed;
      totals.failed += counted.failed;
      totals.skipped += counted.skipped;
      console.log(
        `${counted.failed === 0 ? 'ok   ' : 'FAIL '} ${project} tests: ${counted.passed} passed (${seconds(since)})`,
      );
    }
  }
}

if (process.env.CI === 'true' && totals.skipped > 0) {
  console.log(`FAIL  ${totals.skipped} tests were skipped; in CI every test runs`);
  totals.failed++;
}
console.log(`Took ${seconds(started)}.`);
for (const line of leftOut) console.log(line);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 ? 0 : 1);

/** Where the control plane, kubectl and helm are, built first if need be; or why they are not to be had here. */
async function clusterPrograms(): Promise<{ folder?: string | undefined; missing?: string }> {
  if (process.env.KUBEBUILDER_ASSETS || process.env.WINDLASS_TEST_KUBECONFIG)
    return { folder: process.env.KUBEBUILDER_ASSETS };
  try {
    return { folder: await ensureBinaries({ log: (line) => console.log(`      ${line}`) }) };
  } catch (error) {
    if (error instanceof MissingBinariesError) return { missing: error.message };
    throw error;
  }
}

/** Why there can be no kubelet with containers here; builds kubelet and kube-proxy, and installs packages, first. */
async function whyNoNode(noPrograms: string | undefined): Promise<string | undefined> {
  const log = (line: string) => console.log(`      ${line}`);
  if (process.env.WINDLASS_TEST_KUBECONFIG) return 'WINDLASS_TEST_KUBECONFIG names a cluster with nodes of its own';
  if (noPrograms !== undefined) return noPrograms;
  const machine = await inspectMachine(log);
  if ('missing' in machine) return machine.missing;
  try {
    await ensureBinaries({ log, programs: NODE_PROGRAMS });
    return undefined;
  } catch (error) {
    if (error instanceof MissingBinariesError) return error.message;
    throw error;
  }
}

/** PATH with our packages' commands first, and a folder of programs last: what the machine has itself goes first. */
function pathWith(folder?: string): string {
  return [bin, process.env.PATH, folder].filter(Boolean).join(path.delimiter);
}

function readTotals(file: string): Totals | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Totals;
  } catch {
    return undefined;
  }
}
