import type { Clock, Timer } from '../base/clock.ts';

/** What a schedule keeps on each entry; a slot of -1 means "not scheduled". */
export interface Scheduled {
  due: number;
  slot: number;
}

export interface Schedule<T extends Scheduled> {
  /** Plans the entry for `due` (Clock.monotonic), in place of what was planned before. */
  set(entry: T, due: number): void;
  remove(entry: T): void;
  size(): number;
}

/**
 * A binary heap over one timer: ten thousand entries cost ten thousand array slots and a single timer.
 * @param fire called with each entry that is due, after it was taken out
 */
export function createSchedule<T extends Scheduled>(clock: Clock, fire: (entry: T) => void): Schedule<T> {
  const heap: T[] = [];
  let timer: Timer | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const place = (entry: T, slot: number) => {
    heap[slot] = entry;
    entry.slot = slot;
  };

  const up = (entry: T, from: number) => {
    let slot = from;
    while (slot > 0) {
      const parent = heap[(slot - 1) >> 1];
      if (!parent || parent.due <= entry.due) break;
      place(parent, slot);
      slot = (slot - 1) >> 1;
    }
    place(entry, slot);
  };

  const down = (entry: T, from: number) => {
    let slot = from;
    for (;;) {
      const left = heap[2 * slot + 1];
      const right = heap[2 * slot + 2];
      const child = right && left && right.due < left.due ? right : left;
      if (!child || child.due >= entry.due) break;
      const next = child.slot;
      place(child, slot);
      slot = next;
    }
    place(entry, slot);
  };

  const take = (entry: T) => {
    const slot = entry.slot;
    const last = heap.pop();
    entry.slot = -1;
    if (!last || last === entry) return;
    const parent = slot > 0 ? heap[(slot - 1) >> 1] : undefined;
    if (parent && parent.due > last.due) up(last, slot);
    else down(last, slot);
  };

  /** A timer that is too early is left alone: it fires, finds nothing due and is set anew. */
  const arm = () => {
    const top = heap[0];
    if (!top || top.due >= timerAt) return;
    timer?.cancel();
    timerAt = top.due;
    timer = clock.after(Math.max(top.due - clock.monotonic(), 0), () => {
      timerAt = Number.POSITIVE_INFINITY;
      const now = clock.monotonic();
      for (let next = heap[0]; next && next.due <= now; next = heap[0]) {
        take(next);
        fire(next);
      }
      arm();
    });
  };

  return {
    set(entry, due) {
      const before = entry.due;
      entry.due = due;
      if (entry.slot < 0) up(entry, heap.length);
      else if (due < before) up(entry, entry.slot);
      else down(entry, entry.slot);
      arm();
    },
    remove(entry) {
      if (entry.slot >= 0) take(entry);
      if (heap.length > 0) return;
      timer?.cancel();
      timer = undefined;
      timerAt = Number.POSITIVE_INFINITY;
    },
    size: () => heap.length,
  };
}
