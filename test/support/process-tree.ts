import { execFileSync } from 'node:child_process';

interface ProcessLine {
  pid: number;
  parent: number;
  /** Start time and command: a number that was given again is another process. */
  identity: string;
}

function processes(): ProcessLine[] {
  const text = execFileSync('ps', ['-eo', 'pid=,ppid=,lstart=,stat=,args='], { encoding: 'utf8' });
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [pid = '', parent = '', ...rest] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), identity: `${rest.slice(0, 5).join(' ')}`, state: rest[5] };
    })
    .filter(({ state }) => !state?.startsWith('Z'));
}

/** The descendants of a process that run now. */
export function descendantsOf(pid: number): ProcessLine[] {
  const all = processes();
  const found: ProcessLine[] = [];
  let parents = new Set([pid]);
  while (parents.size > 0) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map((child) => child.pid));
  }
  return found;
}

/** Those of the processes that still run. */
export function stillRunning(known: readonly ProcessLine[]): ProcessLine[] {
  const all = processes();
  return known.filter((one) => all.some(({ pid, identity }) => pid === one.pid && identity === one.identity));
}
