import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../../base/log.ts';

/** Marks the processes of a sandbox, so that only they are ever killed by number. */
export const MARKER = 'SANDBOX_STATE_DIR';

/** Which processes run, on disk, for the case that the sandbox ends without stopping them. */
export interface ProcessRecords {
  add(pid: number): void;
  remove(pid: number): void;
  stop(): Promise<void>;
}

/**
 * Waits for the end of its standard input, which is the end of the sandbox, however it comes, and then kills the process groups that
 * are still recorded. One for all pods: a shell that sleeps in a read costs next to nothing.
 */
const GUARD = `
while read -r line; do :; done
for file in "$1"/*; do
  pid=\${file##*/}
  case $pid in *[!0-9]*) continue;; esac
  if [ -d /proc/self ]; then
    tr '\\0' '\\n' 2>/dev/null < "/proc/$pid/environ" | grep -qxF "$2" || continue
  fi
  kill -s KILL -- "-$pid" 2>/dev/null
  rm -f "$file"
done
`;

/** Kills what an earlier run with the same folder has left behind, and starts to keep the records of this one. */
export function keepProcessRecords(stateDir: string, log: Logger): ProcessRecords {
  const dir = path.join(stateDir, 'processes');
  mkdirSync(dir, { recursive: true });
  const marker = `${MARKER}=${stateDir}`;
  for (const name of readdirSync(dir)) {
    const pid = Number(name);
    if (Number.isInteger(pid) && isMarked(pid, marker)) {
      log.info('Killing a process that an earlier run left behind', { pid });
      killGroup(pid, 'SIGKILL');
    }
    rmSync(path.join(dir, name), { force: true });
  }
  let guard: ChildProcess | undefined;
  const startGuard = () => {
    // In a session of its own: an interrupt from the terminal must not take it along.
    guard = spawn('/bin/sh', ['-c', GUARD, 'sandbox-guard', dir, marker], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
    });
    guard.on('error', (error) => log.warn('No guard: processes may outlive a crash of the sandbox', { error }));
    guard.stdin?.on('error', () => {});
    guard.unref();
  };
  return {
    add(pid) {
      if (!guard) startGuard();
      writeFileSync(path.join(dir, String(pid)), '');
    },
    remove(pid) {
      rmSync(path.join(dir, String(pid)), { force: true });
    },
    async stop() {
      if (!guard || guard.exitCode !== null || guard.pid === undefined) return;
      const ended = once(guard, 'exit');
      guard.ref();
      guard.stdin?.end();
      await ended;
    },
  };
}

/** Whether the process is one of ours. Where there is no /proc nobody can tell, and so it is not. */
function isMarked(pid: number, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(marker);
  } catch {
    return false;
  }
}

/** Signals a whole process group; one that is gone is fine. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // EPERM: macOS says so of a group whose last process has ended but was not collected yet.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
