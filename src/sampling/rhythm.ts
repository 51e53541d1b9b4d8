/** What was learnt about when one reader asks. Times in milliseconds of Clock.monotonic. */
export interface Rhythm {
  /** The last read on the beat; NaN before the first. */
  anchor: number;
  /** The last read at all. */
  seen: number;
  /** NaN until learnt. */
  period: number;
  /** Average distance of reads from the beat. */
  spread: number;
  /** Reads in a row that came off the beat. */
  strays: number;
}

/** An HPA asks every 15 s by default (--horizontal-pod-autoscaler-sync-period); what is far from that is no HPA. */
const SHORTEST_PERIOD = 1_000;
const LONGEST_PERIOD = 120_000;
const TOLERANCE = 0.15;
/** One stray may be a person with kubectl; two mean that the beat has moved. */
const STRAYS_TO_RELEARN = 2;

export function createRhythm(): Rhythm {
  return { anchor: Number.NaN, seen: Number.NaN, period: Number.NaN, spread: 0, strays: 0 };
}

/** Takes note of a read. */
export function heard(rhythm: Rhythm, now: number): void {
  const sinceSeen = now - rhythm.seen;
  const sinceAnchor = now - rhythm.anchor;
  rhythm.seen = now;
  if (Number.isNaN(sinceAnchor)) {
    rhythm.anchor = now;
    return;
  }
  if (Number.isNaN(rhythm.period)) {
    if (sinceAnchor < SHORTEST_PERIOD) return;
    rhythm.anchor = now;
    if (sinceAnchor <= LONGEST_PERIOD) rhythm.period = sinceAnchor;
    return;
  }
  const beats = Math.round(sinceAnchor / rhythm.period);
  const off = sinceAnchor - beats * rhythm.period;
  if (beats >= 1 && Math.abs(off) <= rhythm.period * TOLERANCE) {
    rhythm.anchor = now;
    rhythm.strays = 0;
    rhythm.spread += 0.3 * (Math.abs(off) - rhythm.spread);
    if (beats === 1) rhythm.period += 0.3 * off;
    return;
  }
  if (++rhythm.strays < STRAYS_TO_RELEARN) return;
  rhythm.anchor = now;
  rhythm.strays = 0;
  rhythm.spread = 0;
  rhythm.period = sinceSeen >= SHORTEST_PERIOD && sinceSeen <= LONGEST_PERIOD ? sinceSeen : Number.NaN;
}

/** When the next read is expected; undefined when nothing is learnt or that time has passed. */
export function expected(rhythm: Rhythm, now: number): number | undefined {
  const next = rhythm.anchor + rhythm.period;
  return next > now ? next : undefined;
}

/**
 * How far ahead of the expected read a refresh begins, so that its answer is there but still fresh: one and a half
 * times what the source takes, room for the reader's own unevenness, and never so early that the sample is stale.
 */
export function lead(rhythm: Rhythm, took: number, maxAge: number): number {
  return Math.min(1.5 * took + 2 * rhythm.spread + 100, took + 0.8 * maxAge);
}
