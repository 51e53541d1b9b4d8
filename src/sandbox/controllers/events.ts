import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { KubeObject } from '../../base/object.ts';
import type { ClusterApi } from '../types.ts';
import { timestamp } from './context.ts';
import { EVENTS, uidOf } from './kinds.ts';

export interface EventRecorder {
  /** Writes an Event about the object in the background; the same one again raises its count. */
  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Resolves when everything recorded so far is written. */
  flush(): Promise<void>;
}

/** Kubernetes forgets events after an hour; so does the memory of what was already recorded. */
const REMEMBERED = 4096;

/** Events as a component of the cluster (`source.component`) writes them. */
export function createEventRecorder(api: ClusterApi, clock: Clock, log: Logger, component: string): EventRecorder {
  const seen = new Map<string, { name: string; count: number }>();
  let tail: Promise<void> = Promise.resolve();
  const write = async (object: KubeObject, type: string, reason: string, message: string) => {
    const { name, namespace = 'default', resourceVersion } = object.metadata;
    const now = timestamp(clock.now());
    const key = [object.kind, uidOf(object), type, reason, message].join('\n');
    const known = seen.get(key);
    if (known && api.get(EVENTS, known.name, namespace)) {
      known.count += 1;
      const patch = { count: known.count, lastTimestamp: now };
      await api.patch(EVENTS, known.name, namespace, { type: 'merge', patch });
      return;
    }
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name,
        ...(object.metadata.namespace ? { namespace } : {}),
        uid: uidOf(object),
        ...(resourceVersion ? { resourceVersion } : {}),
      },
      type,
      reason,
      message,
      source: { component },
      reportingComponent: component,
      reportingInstance: '',
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    await api.create(EVENTS, event, namespace);
    if (seen.size >= REMEMBERED) for (const old of seen.keys()) if (seen.delete(old)) break;
    seen.set(key, { name: event.metadata.name, count: 1 });
  };
  return {
    record(object, type, reason, message) {
      // An event is a note for people: failing to write one (its namespace is going away) must not fail the work.
      tail = tail.then(() =>
        write(object, type, reason, message).catch((error: unknown) =>
          log.debug('event not written', { reason, object: object.metadata.name, error }),
        ),
      );
    },
    flush: () => tail,
  };
}
