import { compareQuantities } from '../base/quantity.ts';
import type { HorizontalPodAutoscaler } from './hpa.ts';

/** An HPA as read from the API server, as far as it is compared. */
export interface LiveHpa {
  metadata: {
    labels?: Readonly<Record<string, string>> | undefined;
    annotations?: Readonly<Record<string, string>> | undefined;
    ownerReferences?: readonly { uid: string; controller?: boolean | undefined }[] | undefined;
  };
  spec: unknown;
}

/**
 * Whether the HPA has to be applied: something that we set is not as we set it. What we do not set is not looked at, so
 * the API server's defaults (a whole `behavior` for half a one, a canonical `1k` for 1000) and the labels of others
 * never cause a write. That we no longer set something shows in the fingerprint annotation, which is compared like any.
 */
export function hpaNeedsUpdate(live: LiveHpa, desired: HorizontalPodAutoscaler): boolean {
  const { labels, annotations, ownerReferences } = desired.metadata;
  const owner = ownerReferences[0]?.uid;
  return !(
    holds(live.metadata.labels ?? {}, labels) &&
    holds(live.metadata.annotations ?? {}, annotations) &&
    live.metadata.ownerReferences?.some(({ uid, controller }) => uid === owner && controller === true) &&
    holds(live.spec, desired.spec)
  );
}

/** Fields whose values are quantities, equal in many spellings. */
const QUANTITIES = new Set(['value', 'averageValue', 'tolerance']);

/** Whether `live` has everything that `wanted` has; lists have to agree item by item. */
function holds(live: unknown, wanted: unknown, field = ''): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted))
    return (
      Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => holds(live[index], item))
    );
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof live !== 'object' || live === null) return false;
    return Object.entries(wanted).every(([key, value]) => holds((live as Record<string, unknown>)[key], value, key));
  }
  if (live === wanted) return true;
  return QUANTITIES.has(field) && typeof live === 'string' && typeof wanted === 'string' && sameQuantity(live, wanted);
}

function sameQuantity(a: string, b: string): boolean {
  try {
    return compareQuantities(a, b) === 0;
  } catch {
    // One of them is no quantity, so only equal texts are equal.
    return false;
  }
}
