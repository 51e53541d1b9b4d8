import { readdirSync } from 'node:fs';
import type { Registry } from './registry.ts';

/** The usual series about the process itself, under the names that Prometheus' clients give them. */
export function addProcessSeries(registry: Registry): void {
  const memory = (pick: (usage: NodeJS.MemoryUsage) => number) => () => pick(process.memoryUsage());
  registry.computed('process_cpu_seconds_total', 'CPU time used.', 'counter', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  registry.computed('process_resident_memory_bytes', 'Resident memory.', 'gauge', () => process.memoryUsage.rss());
  const startedAt = Math.round(Date.now() / 1000 - process.uptime());
  registry.computed('process_start_time_seconds', 'When the process began, since 1970.', 'gauge', () => startedAt);
  registry.computed('process_open_fds', 'Open file descriptors.', 'gauge', openFiles);
  registry.computed(
    'nodejs_heap_size_used_bytes',
    'Heap in use.',
    'gauge',
    memory((usage) => usage.heapUsed),
  );
  registry.computed(
    'nodejs_heap_size_total_bytes',
    'Heap reserved.',
    'gauge',
    memory((usage) => usage.heapTotal),
  );
  registry.computed(
    'nodejs_external_memory_bytes',
    'Memory outside of the heap.',
    'gauge',
    memory((usage) => usage.external),
  );
  let last = performance.eventLoopUtilization();
  registry.computed(
    'nodejs_eventloop_utilization',
    'Share of time that the event loop was busy since the last scrape.',
    'gauge',
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  );
}

/** Only Linux tells; elsewhere the series is left out. */
function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
