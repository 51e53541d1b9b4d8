import { type AnyObject, ApiError } from '../types.ts';
import type { Machinery } from './machinery.ts';

/** Merge patches only, without schemas and field managers. */
export function plainMachinery(): Machinery {
  return {
    prepare: (_type, object) => ({ object, warnings: [] }),
    applyPatch({ current, patch }) {
      if (patch.type !== 'merge' && patch.type !== 'strategic') {
        throw new ApiError('UnsupportedMediaType', `patches of type ${patch.type} are not supported`);
      }
      return merge(current, patch.patch) as AnyObject;
    },
    trackUpdate: ({ after }) => after,
    setCustomResource: () => {},
    removeCustomResource: () => {},
  };
}

function merge(current: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof current === 'object' && current !== null && !Array.isArray(current) ? current : {};
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}
