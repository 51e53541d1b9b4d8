import type { PodTemplate } from '../kinds.ts';
import { HASH_LABEL } from './types.ts';

/** Kubernetes: letters and digits without vowels and without what is easily mistaken, so that no word comes out. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** JSON with sorted keys: equal templates have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** A short name part for a template, in the form of Kubernetes' pod-template-hash (its values are others: they hash Go structures). */
export function templateHash(template: unknown, collisions = 0): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${canonicalJson(template)}${collisions || ''}`))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...String(hash)].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}

/** Whether two pod templates ask for the same pods; the hash label does not count. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  const plain = ({ metadata = {}, spec }: PodTemplate) => {
    const { [HASH_LABEL]: _hash, ...labels } = metadata.labels ?? {};
    const { labels: _labels, annotations = {}, creationTimestamp: _created, ...rest } = metadata;
    return canonicalJson({ metadata: { ...rest, labels, annotations }, spec });
  };
  return plain(a) === plain(b);
}
