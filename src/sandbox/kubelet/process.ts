import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import { killGroup, type ProcessRecords } from './leftovers.ts';
import type { LogWriter } from './logs.ts';

/** How a run of a container ended. */
export interface Ending {
  exitCode: number;
  signal?: number;
  reason: 'Completed' | 'Error' | 'StartError';
  message?: string;
}

/** One run of a container. */
export interface ContainerRun {
  pid: number | undefined;
  ended: Promise<Ending>;
  /** SIGTERM to the process group, SIGKILL `graceMs` later; safe to call again with less time. */
  kill(graceMs: number): void;
}

export interface LaunchOptions {
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  log: LogWriter;
  clock: Clock;
  records: ProcessRecords;
}

/** Starts a process in a group of its own, its output going to the log. Never throws: a start that fails is an ending. */
export function startProcess({ argv, env, cwd, log, clock, records }: LaunchOptions): ContainerRun {
  const [file = '', ...args] = argv;
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(file, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    log.close();
    return { pid: undefined, ended: Promise.resolve(startError(file, cwd, error)), kill() {} };
  }
  const { pid } = child;
  if (pid !== undefined) records.add(pid);
  child.stdout?.on('data', (chunk: Buffer) => log.write('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => log.write('stderr', chunk));
  let left: { at: number; cancel(): void } | undefined;
  const ended = new Promise<Ending>((resolve) => {
    const finish = (ending: Ending) => {
      left?.cancel();
      log.close();
      if (pid !== undefined) records.remove(pid);
      resolve(ending);
    };
    child.once('error', (error) => {
      if (pid === undefined) finish(startError(file, cwd, error));
    });
    child.once('exit', () => {
      // As in a container, what the first process leaves behind ends with it; otherwise it would also hold the output open.
      if (pid !== undefined) killGroup(pid, 'SIGKILL');
    });
    child.once('close', (code, signal) => {
      if (pid === undefined) return;
      const number = signal === null ? undefined : constants.signals[signal];
      // A shell's convention, and the container runtimes': 128 and the number of the signal.
      const exitCode = code ?? 128 + (number ?? 0);
      finish({ exitCode, ...(number ? { signal: number } : {}), reason: exitCode === 0 ? 'Completed' : 'Error' });
    });
  });
  return {
    pid,
    ended,
    kill(graceMs) {
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const at = clock.monotonic() + graceMs;
      if (left && left.at <= at) return;
      if (!left && graceMs > 0) killGroup(pid, 'SIGTERM');
      left?.cancel();
      if (graceMs <= 0) killGroup(pid, 'SIGKILL');
      const timer = clock.after(Math.max(graceMs, 0), () => killGroup(pid, 'SIGKILL'));
      left = { at, cancel: () => timer.cancel() };
    },
  };
}

function startError(file: string, cwd: string, error: unknown): Ending {
  const { code, message } = error as NodeJS.ErrnoException;
  const why =
    code === 'ENOENT'
      ? `exec: ${JSON.stringify(file)}: executable file not found in $PATH (working directory ${cwd})`
      : code === 'EACCES'
        ? `exec: ${JSON.stringify(file)}: permission denied`
        : message;
  // Kubernetes: containerd reports 128 for a container that could not be started.
  return { exitCode: 128, reason: 'StartError', message: `failed to start the process: ${why}` };
}

/** A run that is no process: it ends by itself after `runsFor` milliseconds, or when killed, then well. */
export function startSimulated(clock: Clock, runsFor: number | undefined, exitCode: number): ContainerRun {
  let end: (ending: Ending) => void = () => {};
  const ended = new Promise<Ending>((resolve) => {
    end = resolve;
  });
  const done = () => end({ exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' });
  const timer = runsFor === undefined ? undefined : clock.after(runsFor, done);
  return {
    pid: undefined,
    ended,
    kill() {
      timer?.cancel();
      end({ exitCode: 0, reason: 'Completed' });
    },
  };
}
