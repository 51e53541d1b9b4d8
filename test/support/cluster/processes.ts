import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';

/** A program that can be stopped and started again with the same flags. */
export interface Program {
  readonly name: string;
  /** Of the process that runs or ran last. */
  readonly pid: number | undefined;
  start(): void;
  /** Asks it to end, by SIGKILL after `graceMs` (0: at once); resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
  /** Throws with the end of its log when it has ended by itself. */
  assertRunning(): Promise<void>;
  /** The last lines of what it wrote. */
  tail(lines?: number): Promise<string>;
}

/** Knows what runs, and sees to it that nothing of it outlives this process. */
export interface ProgramTable {
  add(name: string, file: string, args: readonly string[], env?: NodeJS.ProcessEnv): Program;
  /** Kills everything, latest first. */
  stop(): Promise<void>;
  /** The last lines of every program's log. */
  tails(lines?: number): Promise<string>;
}

/**
 * A shell that reads process ids until its standard input ends, as it does when our process is gone for whatever
 * reason, SIGKILL included; then it kills them and removes the folder. "forget" says that all of them are gone.
 */
const GUARD = `
while read -r line; do
  if [ "$line" = forget ]; then pids=; else pids="$pids $line"; fi
done
[ -z "$pids" ] && exit
kill -9 $pids 2>/dev/null
eval "$AFTERWARDS"
[ -n "$KEEP" ] || rm -rf -- "$FOLDER"
`;

/**
 * @param afterwards commands of a shell for when this process was killed and its programs with it
 */
export function createProgramTable(folder: string, keep: boolean, afterwards = ''): ProgramTable {
  const programs: Program[] = [];
  // In a process group of its own, so that Ctrl-C does not end it before its work is done.
  const guard = spawn('sh', ['-c', GUARD], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH, FOLDER: folder, AFTERWARDS: afterwards, ...(keep ? { KEEP: '1' } : {}) },
  });
  guard.unref();
  const pipe = guard.stdin;
  if ('unref' in pipe) (pipe as unknown as { unref(): void }).unref();
  return {
    add(name, file, args, env = process.env) {
      const program = createProgram({ name, file, args, env, folder, onStart: (pid) => pipe.write(`${pid}\n`) });
      programs.push(program);
      return program;
    },
    async stop() {
      for (const program of programs.toReversed()) await program.stop(0);
      pipe.end('forget\n');
    },
    async tails(lines) {
      return (await Promise.all(programs.map((program) => program.tail(lines)))).join('\n');
    },
  };
}

interface Start {
  name: string;
  file: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  folder: string;
  onStart: (pid: number) => void;
}

function createProgram({ name, file, args, env, folder, onStart }: Start): Program {
  const logFile = path.join(folder, `${name}.log`);
  let child: ChildProcess | undefined;
  let failure: Error | undefined;
  const isRunning = () => child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const program: Program = {
    name,
    get pid() {
      return child?.pid;
    },
    start() {
      if (isRunning()) throw new Error(`${name} is already running`);
      const log = openSync(logFile, 'a');
      failure = undefined;
      child = spawn(file, args, { stdio: ['ignore', log, log], env, cwd: folder });
      closeSync(log);
      child.once('error', (error) => {
        failure = error;
      });
      if (child.pid !== undefined) onStart(child.pid);
    },
    async stop(graceMs = 10_000) {
      const running = child;
      if (!running || !isRunning()) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => running.kill('SIGKILL'), graceMs);
        running.once('exit', () => {
          clearTimeout(timer);
          resolve();
        });
        running.kill(graceMs === 0 ? 'SIGKILL' : 'SIGTERM');
      });
    },
    async assertRunning() {
      if (failure) throw new Error(`${name} cannot be started`, { cause: failure });
      if (!isRunning())
        throw new Error(`${name} has ended (${child?.signalCode ?? child?.exitCode})\n${await program.tail()}`);
    },
    async tail(lines = 15) {
      const text = await readFile(logFile, 'utf8').catch(() => '');
      return [`--- ${logFile}`, ...text.trimEnd().split('\n').slice(-lines)].join('\n');
    },
  };
  return program;
}

// Below the ports that the kernel hands out to outgoing connections (32768 and up), so that none of those takes the
// port of a server that is down for a moment.
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;

/** Different ports of 127.0.0.1 on which nobody listens. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
