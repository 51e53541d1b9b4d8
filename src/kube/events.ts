import { randomBytes } from 'node:crypto';
import os from 'node:os';
import type { Clock, Timer } from '../base/clock.ts';
import { hasCode, WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { apiVersionOf, type ResourceType } from '../base/object.ts';
import type { KubeClient } from './client.ts';
import { createTokenBucket, type TokenBucket } from './rate-limit.ts';
import { isNotFound } from './status.ts';

export interface ObjectReference {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string | undefined;
  uid?: string | undefined;
}

export interface EventDetails {
  type: 'Normal' | 'Warning';
  /** What happened, in CamelCase; at most 128 characters. */
  reason: string;
  /** What was done about the object; the reason when left out. */
  action?: string | undefined;
  /** For a person. */
  note: string;
  related?: ObjectReference | undefined;
}

export interface EventRecorder {
  /** Queues an event about an object (or what refers to one). Never throws and never waits. */
  record(
    regarding: ObjectReference | { apiVersion: string; kind: string; metadata: EventMeta },
    details: EventDetails,
  ): void;
  /** Writes all that waits, repeats included; gives up after `ms` (5000). */
  flush(ms?: number): Promise<void>;
  /** `flush`, and takes nothing more. */
  stop(ms?: number): Promise<void>;
}

interface EventMeta {
  name: string;
  namespace?: string;
  uid?: string;
}

export interface RecorderOptions {
  client: Pick<KubeClient, 'create' | 'patch'>;
  clock: Clock;
  log: Logger;
  /** As in `keda-operator`. */
  reportingController: string;
  /** The pod; the host name when left out. */
  reportingInstance?: string | undefined;
  /**
   * Asked right before an event is sent, for a process that shares its work with others: `later` tries it again as if the
   * API server were away, `never` drops it.
   */
  mayWrite?: ((regarding: ObjectReference) => 'now' | 'later' | 'never') | undefined;
}

export const EVENTS: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

// Kubernetes 1.36: limits of the events.k8s.io/v1 validation; a longer value refuses the whole event.
const LONGEST_ACTION = 128;
const LONGEST_REASON = 128;
const LONGEST_NOTE = 1024;
const LONGEST_INSTANCE = 128;

/** A repeat within this time belongs to the same series; client-go ends one after six minutes too. */
const SERIES_MS = 6 * 60_000;
/** The count of a series is written at most this often; the last count always, at the latest this much later. */
const SERIES_WRITE_MS = 30_000;
/** Different notes under one reason: after so many, the texts vary with something of no interest (ports, times). */
const MOST_NOTES = 10;
/** client-go's spam filter: 25 events at once per object, then one in five minutes. */
const BURST = 25;
const PER_SECOND = 1 / 300;
/** Waiting writes, of about 1 KB each: room for the first three events of three thousand objects created together. */
const MOST_WAITING = 10_000;
const MOST_SERIES = 10_000;
const TIDY_MS = 60_000;
/** Tries of one write while the API server is away: about five minutes. */
const MOST_TRIES = 12;
const LONGEST_RETRY_MS = 30_000;
const WRITE_TIMEOUT_MS = 10_000;

interface Series {
  namespace: string;
  /** The Event's name. */
  name: string;
  body: Record<string, unknown>;
  count: number;
  writtenCount: number;
  lastAt: number;
  writtenAt: number;
  /** Queued or being written. */
  waits: boolean;
  /** Runs until the count may be written again. */
  timer: Timer | undefined;
  tries: number;
}

/**
 * Writes events.k8s.io/v1 Events in the background, in order, one at a time.
 *
 * The first occurrence is written at once. A repeat (same object, type, reason, action and note) within six minutes
 * counts in the series of that Event, which is written at most every 30 seconds. A different note is an Event of its own,
 * for it says something new, until there were ten of them under one reason: then it counts in the latest of these, as
 * it does when the object has used up its burst. So one object costs at most 25 Events and then one in five minutes.
 */
export function createEventRecorder(options: RecorderOptions): EventRecorder {
  const { client, clock, log, reportingController } = options;
  const reportingInstance = trimBytes(options.reportingInstance ?? os.hostname(), LONGEST_INSTANCE);
  /** By object, type, reason and action; within, by note. The latest is last. */
  const groups = new Map<string, Map<string, Series>>();
  const buckets = new Map<string, TokenBucket>();
  const waiting: Series[] = [];
  let writing: Promise<void> | undefined;
  let stopped = false;
  let gaveUp = false;
  /** Flushes under way: nothing waits for its time then, also what repeats while it is written. */
  let flushing = 0;
  let tidiedAt = clock.monotonic();
  let failing = false;
  let dropped = 0;

  const enqueue = (series: Series) => {
    if (series.waits) return;
    if (waiting.length >= MOST_WAITING) {
      // The newest goes: the oldest tell how the trouble began.
      if (dropped++ === 0) log.warn('events are dropped: too many wait to be written', { waiting: waiting.length });
      return;
    }
    series.waits = true;
    waiting.push(series);
    writing ??= drain();
  };

  const drain = async () => {
    for (let series = waiting[0]; series; series = waiting[0]) {
      try {
        await write(series);
        failing = false;
        dropped = 0;
      } catch (error) {
        const again = hasCode(error, 'KubernetesUnavailable') && ++series.tries < MOST_TRIES && !gaveUp;
        const fields = { error, again, reason: series.body.reason, regarding: series.body.regarding };
        if (failing || hasCode(error, 'NotOwner')) log.debug('could not write an event', fields);
        else log.warn('could not write an event', fields);
        // One that is refused for what it says tells nothing about the next one.
        failing = again;
        if (again) {
          await clock.sleep(Math.min(1_000 * 2 ** (series.tries - 1), LONGEST_RETRY_MS));
          continue;
        }
        // Counts as written, or the same refusal would be asked for again at once, and for ever.
        series.writtenCount = series.count;
        series.writtenAt = clock.now();
      }
      waiting.shift();
      series.waits = false;
      series.tries = 0;
      // Repeats that came while it was written.
      if (series.writtenCount > 0) writeLater(series);
    }
    // Here and not in a `finally` of the promise: an event recorded in between would wait for the next one.
    writing = undefined;
  };

  const write = async (series: Series) => {
    const { count } = series;
    const beforeSend = () => {
      const may = options.mayWrite?.(series.body.regarding as ObjectReference) ?? 'now';
      if (may === 'now') return;
      const code = may === 'later' ? 'KubernetesUnavailable' : 'NotOwner';
      throw new WindlassError(code, 'the event is not written: this replica may not write for its object');
    };
    const request = { timeoutMs: WRITE_TIMEOUT_MS, beforeSend };
    if (series.writtenCount > 0 && count > series.writtenCount) {
      const patch = { series: { count, lastObservedTime: microTime(series.lastAt) } };
      try {
        const { namespace } = series;
        await client.patch(EVENTS, series.name, patch, { ...request, namespace, type: 'merge' });
        series.writtenCount = count;
        series.writtenAt = clock.now();
        return;
      } catch (error) {
        // Events live for an hour; a longer series needs a new one.
        if (!isNotFound(error)) throw error;
        series.name = eventName(series.body);
      }
    }
    const now = clock.now();
    const event = {
      apiVersion: apiVersionOf(EVENTS),
      kind: EVENTS.kind,
      metadata: { name: series.name, namespace: series.namespace },
      eventTime: microTime(series.lastAt),
      reportingController,
      reportingInstance,
      ...series.body,
      ...(count > 1 ? { series: { count, lastObservedTime: microTime(series.lastAt) } } : {}),
    };
    await client.create(EVENTS, event, request);
    series.writtenCount = count;
    series.writtenAt = now;
  };

  const repeat = (series: Series) => {
    series.count++;
    series.lastAt = clock.now();
    writeLater(series);
  };

  const writeLater = (series: Series) => {
    if (series.waits || series.count === series.writtenCount) return;
    const wait = series.writtenAt + SERIES_WRITE_MS - clock.now();
    if (wait <= 0 || flushing > 0) return enqueue(series);
    series.timer ??= clock.after(wait, () => {
      series.timer = undefined;
      writeLater(series);
    });
  };

  const bucketOf = (object: string): TokenBucket => {
    let bucket = buckets.get(object);
    if (!bucket) {
      bucket = createTokenBucket({ perSecond: PER_SECOND, burst: BURST, clock });
      buckets.set(object, bucket);
    }
    return bucket;
  };

  /** Forgets what has not happened for long, so that deleted objects leave nothing behind. */
  const tidy = () => {
    const now = clock.now();
    tidiedAt = clock.monotonic();
    for (const [key, notes] of groups) {
      for (const [note, series] of notes)
        if (now - series.lastAt > SERIES_MS && !series.waits && series.count === series.writtenCount)
          notes.delete(note);
      if (notes.size === 0) groups.delete(key);
    }
    // Over the limit still: the oldest groups, and buckets that would be full again or hardly used.
    for (const key of groups.keys()) {
      if (groups.size <= MOST_SERIES) break;
      groups.delete(key);
    }
    for (const key of buckets.keys()) {
      if (buckets.size <= MOST_SERIES) break;
      buckets.delete(key);
    }
  };

  const record: EventRecorder['record'] = (about, details) => {
    if (stopped) return;
    const regarding = 'metadata' in about ? referenceTo(about) : about;
    const note = trimBytes(details.note, LONGEST_NOTE);
    const reason = trimBytes(details.reason, LONGEST_REASON);
    const action = trimBytes(details.action || details.reason, LONGEST_ACTION);
    const object = [regarding.uid ?? '', regarding.kind, regarding.namespace ?? '', regarding.name].join('/');
    const key = [object, details.type, reason, action].join('\n');
    const now = clock.now();
    let notes = groups.get(key);
    const same = notes?.get(note);
    if (same && now - same.lastAt <= SERIES_MS) return repeat(same);

    const latest = [...(notes?.values() ?? [])].filter((series) => now - series.lastAt <= SERIES_MS);
    const last = latest.at(-1);
    if (last && latest.length >= MOST_NOTES) return repeat(last);
    if (!bucketOf(object).tryTake()) {
      if (last) return repeat(last);
      log.debug('an event is dropped: its object has too many', { regarding, reason, note });
      return;
    }
    if (clock.monotonic() - tidiedAt > TIDY_MS || groups.size >= MOST_SERIES) tidy();
    const body = { type: details.type, reason, action, note, regarding, related: details.related };
    const series: Series = {
      // Kubernetes: events about cluster-scoped objects live in the namespace default.
      namespace: regarding.namespace ?? 'default',
      name: eventName(body),
      body,
      count: 1,
      writtenCount: 0,
      lastAt: now,
      writtenAt: Number.NEGATIVE_INFINITY,
      waits: false,
      timer: undefined,
      tries: 0,
    };
    notes ??= new Map();
    // Set again, so that the latest is last.
    notes.delete(note);
    notes.set(note, series);
    groups.delete(key);
    groups.set(key, notes);
    enqueue(series);
  };

  const flush = async (ms = 5_000) => {
    flushing++;
    for (const notes of groups.values())
      for (const series of notes.values()) if (series.writtenCount > 0) writeLater(series);
    const abort = new AbortController();
    const timeUp = clock.sleep(ms, abort.signal).then(
      () => log.warn('some events were not written in time', { waiting: waiting.length }),
      () => {},
    );
    if (writing) await Promise.race([writing, timeUp]);
    abort.abort(new WindlassError('Internal', 'flushed'));
    flushing--;
  };

  return {
    record,
    flush,
    async stop(ms) {
      stopped = true;
      await flush(ms);
      gaveUp = true;
      waiting.length = 0;
    },
  };
}

/** A reference to an object for events. */
export function referenceTo(object: { apiVersion: string; kind: string; metadata: EventMeta }): ObjectReference {
  const { name, namespace, uid } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid };
}

/** Names of objects may have 253 characters; the rest is a dot and 16 hexadecimal digits. */
function eventName(body: Record<string, unknown>): string {
  const { name } = body.regarding as ObjectReference;
  return `${name
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, 236)
    .replace(/[.-]+$/, '')}.${randomBytes(8).toString('hex')}`;
}

/** A MicroTime: six digits of a second. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** At most `most` bytes of UTF-8, cut between characters, with an ellipsis when cut. */
export function trimBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  const ellipsis = '…';
  let end = most - Buffer.byteLength(ellipsis);
  // 10xxxxxx continues a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString('utf8') + ellipsis;
}
