import { readFileSync } from 'node:fs';

export interface Usage {
  residentMb: number;
  /** Of it, what belongs to files (the Node.js binary and libraries) and is shared with every other process of it. */
  fileMb: number;
  cpuSeconds: number;
}

/** Linux counts CPU time in hundredths of a second (USER_HZ) on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** What a process takes up now, and the CPU time of its life so far. */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name in brackets, which may hold spaces: utime and stime are fields 14 and 15 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    residentMb: kb('VmRSS') / 1024,
    fileMb: kb('RssFile') / 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}
