/** The part of a ReplicaSet that a rollout is planned from. */
export interface SetCounts {
  /** spec.replicas. */
  replicas: number;
  /** status.availableReplicas. */
  available: number;
}

export interface Limits {
  surge: number;
  unavailable: number;
}

/** A number, or a percentage of `total` rounded up or down. */
function amount(value: number | string, total: number, up: boolean): number {
  if (typeof value === 'number') return value;
  const match = /^(\d+)%$/.exec(value);
  if (!match) return Number(value) || 0;
  const exact = (Number(match[1]) * total) / 100;
  return up ? Math.ceil(exact) : Math.floor(exact);
}

/**
 * How many pods a rolling update may have above and below `replicas`. Kubernetes: surge rounds up, unavailable rounds down, and as nothing
 * could move with both at zero, one may then be unavailable. 25 % of 3: surge 1, unavailable 0.
 */
export function rolloutLimits(
  rolling: { maxSurge?: number | string; maxUnavailable?: number | string } | undefined,
  replicas: number,
): Limits {
  const surge = amount(rolling?.maxSurge ?? '25%', replicas, true);
  const unavailable = Math.min(amount(rolling?.maxUnavailable ?? '25%', replicas, false), replicas);
  return surge === 0 && unavailable === 0 ? { surge: 0, unavailable: 1 } : { surge, unavailable };
}

/** The size of the new ReplicaSet after the next step up. */
export function nextSizeOfNew(replicas: number, limits: Limits, current: SetCounts, old: SetCounts[]): number {
  if (current.replicas >= replicas) return replicas;
  const total = current.replicas + sum(old, (s) => s.replicas);
  const room = replicas + limits.surge - total;
  return room <= 0 ? current.replicas : current.replicas + Math.min(room, replicas - current.replicas);
}

/** The sizes of the old ReplicaSets, oldest first, after the next step down: pods that are not available first, then available ones. */
export function nextSizesOfOld(replicas: number, limits: Limits, current: SetCounts, old: SetCounts[]): number[] {
  const sizes = old.map((s) => s.replicas);
  const minAvailable = replicas - limits.unavailable;
  const total = current.replicas + sum(old, (s) => s.replicas);
  const newUnavailable = Math.max(0, current.replicas - current.available);
  let budget = total - minAvailable - newUnavailable;
  if (budget <= 0) return sizes;
  old.forEach((set, i) => {
    const cut = Math.min(budget, Math.max(0, set.replicas - set.available));
    sizes[i] = set.replicas - cut;
    budget -= cut;
  });
  let spare = current.available + sum(old, (s) => s.available) - minAvailable;
  old.forEach((_set, i) => {
    if (spare <= 0) return;
    const cut = Math.min(spare, sizes[i] ?? 0);
    sizes[i] = (sizes[i] ?? 0) - cut;
    spare -= cut;
  });
  return sizes;
}

/**
 * Shares a change of `replicas` among several ReplicaSets in the middle of a rollout, in proportion to their sizes, the rest to the largest
 * (Kubernetes: proportional scaling). `limit` is the most they may have together.
 */
export function proportionalSizes(sizes: number[], limit: number, maxBefore: number): number[] {
  const total = sum(sizes, (n) => n);
  const toAdd = limit - total;
  if (toAdd === 0) return sizes;
  const order = sizes.map((size, i) => ({ size, i })).sort((a, b) => (toAdd > 0 ? b.size - a.size : a.size - b.size));
  const next = [...sizes];
  let added = 0;
  for (const { size, i } of order) {
    if (size === 0) continue;
    const fraction = Math.round((size * limit) / (maxBefore || total)) - size;
    const left = toAdd - added;
    const change = toAdd > 0 ? Math.min(Math.max(fraction, 0), left) : Math.max(Math.min(fraction, 0), left);
    next[i] = Math.max(0, size + change);
    added += change;
  }
  const largest = order[0];
  if (largest && toAdd !== added) next[largest.i] = Math.max(0, (next[largest.i] ?? 0) + toAdd - added);
  return next;
}

function sum<T>(items: T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
