import type { ResourceType } from '../base/object.ts';
import type { KubeClient } from '../kube/client.ts';

/**
 * The status of one object as this process knows it. The process that owns an object is the only writer, so what was
 * written last counts until the watch brings the same or something newer; nothing is written that is already there.
 */
export interface ObjectStatus<S extends object> {
  /** The present status, changes that wait for `flush` included. */
  readonly current: S;
  /** Changes fields; undefined removes one. */
  set(change: Partial<{ [K in keyof S]: S[K] | undefined }>): void;
  /** Writes what changed as one merge patch, or nothing. Returns whether it wrote. */
  flush(signal?: AbortSignal): Promise<boolean>;
}

export interface ObjectStatusOptions<S extends object> {
  client: KubeClient;
  type: ResourceType;
  namespace: string | undefined;
  name: string;
  /** As read when the object was taken over. */
  initial: S | undefined;
}

export function createObjectStatus<S extends object>(options: ObjectStatusOptions<S>): ObjectStatus<S> {
  const { client, type, namespace, name } = options;
  let written = (options.initial ?? {}) as Record<string, unknown>;
  let wanted = { ...written };
  return {
    get current() {
      return wanted as S;
    },
    set(change) {
      const next = { ...wanted };
      for (const [key, value] of Object.entries(change)) {
        if (value === undefined) delete next[key];
        else next[key] = value;
      }
      wanted = next;
    },
    async flush(signal) {
      const patch = difference(written, wanted);
      if (!patch) return false;
      const target = wanted;
      await client.patch(type, name, { status: patch }, { type: 'merge', namespace, subresource: 'status', signal });
      written = target;
      return true;
    },
  };
}

/** The merge patch (RFC 7386) from one set of fields to another by whole fields; undefined when they are equal. */
function difference(from: Record<string, unknown>, to: Record<string, unknown>): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(from)) if (!(key in to)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    const change = mergeValue(from[key], value);
    if (change !== undefined) patch[key] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** The merge-patch value that turns one JSON value into another; undefined when they are equal already. */
function mergeValue(from: unknown, to: unknown): unknown {
  if (isMap(from) && isMap(to)) return difference(from, to);
  return JSON.stringify(from) === JSON.stringify(to) ? undefined : to;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
