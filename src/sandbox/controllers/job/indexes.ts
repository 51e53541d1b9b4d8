import type { Pod } from '../kinds.ts';
import { COMPLETION_INDEX } from './types.ts';

/** The completion index of an Indexed Job's pod. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[COMPLETION_INDEX];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** `1,3-5` as a set of numbers. */
export function parseIndexes(text: string | undefined): Set<number> {
  const set = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) continue;
    const first = Number(match[1]);
    for (let i = first; i <= Number(match[2] ?? first); i++) set.add(i);
  }
  return set;
}

/** Numbers as Kubernetes writes completedIndexes: in order, runs shortened (`1,3-5`). */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    // Kubernetes: two neighbours are written with a dash too (`2-3`).
    parts.push(end === i ? `${sorted[i]}` : `${sorted[i]}-${sorted[end]}`);
    i = end + 1;
  }
  return parts.join(',');
}

/** The lowest `count` indexes that have neither succeeded nor an active pod. */
export function freeIndexes(completions: number, succeeded: Set<number>, active: Pod[], count: number): number[] {
  const taken = new Set(active.map(indexOf));
  const free: number[] = [];
  for (let i = 0; i < completions && free.length < count; i++) if (!succeeded.has(i) && !taken.has(i)) free.push(i);
  return free;
}
