import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { PROJECT } from '../../src/cli/local-cluster.ts';
import { eventually } from './eventually.ts';

/** A run of the command line in a process of its own. */
export interface CommandRun {
  pid: number;
  /** Everything written so far to standard output and standard error. */
  readonly out: string;
  readonly err: string;
  /** The exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  /** Until the output holds the text. */
  says(text: string | RegExp, ms?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Sends the signal to it and everything in its process group, as a terminal does with Ctrl-C. */
  interrupt(): void;
}

export interface CommandOptions {
  env?: Record<string, string>;
  input?: string;
}

/** Starts `windlass` with these words. */
export function startCommand(words: string[], { env, input }: CommandOptions = {}): CommandRun {
  const child: ChildProcess = spawn(process.execPath, [path.join(PROJECT, 'bin/windlass.js'), ...words], {
    cwd: PROJECT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input ?? '');
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  });
  const run: CommandRun = {
    pid: child.pid ?? 0,
    get out() {
      return out;
    },
    get err() {
      return err;
    },
    ended,
    async says(text, ms = 60_000) {
      await eventually(() => {
        const all = `${out}${err}`;
        if (typeof text === 'string' ? all.includes(text) : text.test(all)) return;
        throw new Error(`"windlass ${words.join(' ')}" did not say ${text}, but:\n${all}`);
      }, ms);
    },
    kill: (signal) => child.kill(signal),
    interrupt: () => process.kill(-run.pid, 'SIGINT'),
  };
  return run;
}

/** Runs `windlass` to its end. */
export async function runCommand(words: string[], options: CommandOptions = {}) {
  const run = startCommand(words, options);
  const code = await run.ended;
  return { code, out: run.out, err: run.err };
}
