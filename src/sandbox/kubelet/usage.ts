import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import { parseQuantity, quantityToInteger, quantityToMilli } from '../../base/quantity.ts';
import { namespaceOf } from '../controllers/kinds.ts';
import type { PodUsage } from '../controllers/pod-usage.ts';
import { PREFIX } from './command.ts';
import type { PodWorker } from './pod.ts';

interface GroupUsage {
  /** CPU time in milliseconds, that of children that have ended included. */
  cpuMs: number;
  memoryBytes: number;
}

/** Linux: the unit of CPU times in /proc is USER_HZ, which is 100 a second on every architecture. */
const MS_PER_TICK = 10;
const PAGE = 4096;
/** A rate over less than this says little; Kubernetes' metrics server takes 10 to 20 s. */
const SHORTEST_WINDOW = 1000;

/** CPU and memory of every process group, from one walk through /proc; empty where there is none. */
function readGroups(): Map<number, GroupUsage> {
  const groups = new Map<number, GroupUsage>();
  let names: string[] = [];
  try {
    names = readdirSync('/proc');
  } catch {
    return groups;
  }
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The command is in parentheses and may hold anything; the fields after it are plain. Field 3 of proc(5) is first here.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const group = Number(fields[2]);
      const usage = groups.get(group) ?? { cpuMs: 0, memoryBytes: 0 };
      const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
      usage.cpuMs += ticks * MS_PER_TICK;
      usage.memoryBytes += Number(fields[21]) * PAGE;
      groups.set(group, usage);
    } catch {
      // It has ended between the listing and the reading.
    }
  }
  return groups;
}

export interface UsageReader {
  list(): PodUsage[];
}

/**
 * CPU and memory of the running pods: of a process its whole group, of a simulated container what the annotations
 * `sandbox.windlass.dev/usage-cpu` and `…/usage-memory` of the pod say, lacking those nothing. Measured when asked, over the time since it
 * was last asked.
 */
export function createUsageReader(clock: Clock, workers: () => Iterable<PodWorker>): UsageReader {
  let samples = new Map<number, { at: number; cpuMs: number; rate: number | undefined; windowMs: number }>();
  return {
    list() {
      const at = clock.monotonic();
      const groups = readGroups();
      const next: typeof samples = new Map();
      const rateOf = (pid: number, startedAt: number): { cpuMilli: number; windowMs: number } => {
        const cpuMs = groups.get(pid)?.cpuMs ?? 0;
        const last = samples.get(pid);
        if (last && at - last.at < SHORTEST_WINDOW && last.rate !== undefined) {
          next.set(pid, last);
          return { cpuMilli: last.rate, windowMs: last.windowMs };
        }
        const windowMs = Math.max(last ? at - last.at : clock.now() - startedAt, 1);
        const rate = (Math.max(0, cpuMs - (last?.cpuMs ?? 0)) * 1000) / windowMs;
        next.set(pid, { at, cpuMs, rate, windowMs });
        return { cpuMilli: rate, windowMs };
      };
      const pods: PodUsage[] = [];
      for (const worker of workers()) {
        const pod = worker.pod();
        const containers: PodUsage['containers'] = [];
        let windowMs = SHORTEST_WINDOW;
        for (const runner of worker.containers()) {
          const { running } = runner.status().state;
          const pid = runner.pid();
          if (!running) continue;
          if (pid === undefined) {
            const usage = simulatedUsage(pod.metadata.annotations);
            if (usage) containers.push({ name: runner.container.name, ...usage });
            continue;
          }
          if (!groups.has(pid)) continue;
          const rate = rateOf(pid, Date.parse(running.startedAt));
          windowMs = rate.windowMs;
          const memoryBytes = groups.get(pid)?.memoryBytes ?? 0;
          containers.push({ name: runner.container.name, cpuMilli: rate.cpuMilli, memoryBytes });
        }
        if (containers.length === 0) continue;
        const { name, labels = {} } = pod.metadata;
        pods.push({ namespace: namespaceOf(pod), name, labels, at: clock.now(), windowMs, containers });
      }
      samples = next;
      return pods;
    },
  };
}

function simulatedUsage(annotations: Record<string, string> = {}) {
  const cpu = annotations[`${PREFIX}usage-cpu`];
  const memory = annotations[`${PREFIX}usage-memory`];
  if (cpu === undefined && memory === undefined) return undefined;
  return {
    cpuMilli: Number(quantityToMilli(parseQuantity(cpu ?? '0'))),
    memoryBytes: Number(quantityToInteger(parseQuantity(memory ?? '0'))),
  };
}
