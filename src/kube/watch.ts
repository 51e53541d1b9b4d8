import type { Clock } from '../base/clock.ts';
import { describeError, WindlassError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { KubeObject, ResourceType } from '../base/object.ts';
import type { KubeClient, SelectOptions, WatchEvent, WatchStream } from './client.ts';
import { describeRequest } from './paths.ts';
import { isAheadOfServer, isGone, type Status, statusError, toStatus } from './status.ts';
import { advanceWatch, HELD_MS, type WatchInput, type WatchState } from './watch-state.ts';

export interface WatchHandlers<T> {
  /** A full list begins (again): what follows until `complete` is everything there is. */
  restart(): void;
  /** A page of that list. */
  page(items: T[]): void;
  complete(): void;
  /** An object was added or changed. */
  applied(object: T): void;
  /** An object was deleted; its last state. */
  deleted(object: T): void;
  /**
   * The watch stopped keeping up (with the reason) or keeps up again (undefined): once per change of that, and again
   * when the reason becomes another one.
   */
  trouble?: ((error: Error | undefined) => void) | undefined;
}

export interface WatchDeps {
  client: Pick<KubeClient, 'list' | 'openWatch'>;
  clock: Clock;
  log: Logger;
  random?: (() => number) | undefined;
}

const PAGE = 500;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** The server ends a stream after this many seconds, spread so that a fleet of watches does not reopen at once. */
const SHORTEST_STREAM_S = 240;
const LONGEST_STREAM_S = 360;
/** A stream that outlives its end by this much hangs: the connection is dead though nobody told us. */
const OVERDUE_MS = 30_000;
/** Kubernetes sends a bookmark about every minute where it sends any: two missed ones mean a dead connection. */
const QUIET_MS = 150_000;

/**
 * Keeps a watch going until the signal is aborted: pages of a list, then the stream, again from its last resource
 * version after an end or an error, and from a new list when that version is gone. Never throws for what the server
 * does; resolves when aborted. An error thrown by a handler is a defect and rejects.
 */
export async function runWatch<T extends KubeObject>(
  type: ResourceType,
  select: SelectOptions,
  handlers: WatchHandlers<T>,
  deps: WatchDeps,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, log, random = Math.random } = deps;
  const doing = describeRequest('watch', type, undefined, select.namespace);
  let state = { at: 'empty' } as WatchState;
  let failures = 0;
  let troubled: string | undefined;
  let bookmarked = false;

  const report = (error: Error | undefined) => {
    const text = error && describeError(error);
    if (text === troubled) return;
    if (error) log.warn('watch interrupted', { watch: doing, error });
    else log.info('watch resumed', { watch: doing });
    troubled = text;
    handlers.trouble?.(error);
  };

  /** Applies an input; waits when it was a failure. */
  const step = async (input: WatchInput, error?: unknown) => {
    const { state: next, emit, health } = advanceWatch(state, input);
    state = next;
    if (health === 'succeed') {
      failures = 0;
      report(undefined);
    }
    if (emit === 'restart') handlers.restart();
    if (emit === 'complete') handlers.complete();
    if (health !== 'fail') return;
    const failure = error ?? new WindlassError('KubernetesUnavailable', `cannot ${doing}: the server ended it at once`);
    // An expired version is Kubernetes' usual way of asking for a new list: no trouble unless that fails as well.
    const routine = input.type === 'failed' && input.relist && failures === 0;
    if (!routine) report(failure instanceof Error ? failure : new Error(String(failure)));
    const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** failures, LONGEST_BACKOFF_MS) * (0.5 + random() / 2);
    const asked = failure instanceof WindlassError ? (failure.retryAfter ?? 0) : 0;
    failures++;
    await clock.sleep(Math.max(backoff, asked), signal);
  };

  const follow = async (stream: WatchStream<T>, timeoutSeconds: number) => {
    const silent = new WindlassError('KubernetesUnavailable', `cannot ${doing}: the connection fell silent`);
    const openedAt = clock.monotonic();
    const arm = () => {
      const left = openedAt + timeoutSeconds * 1000 + OVERDUE_MS - clock.monotonic();
      return clock.after(bookmarked ? Math.min(QUIET_MS, left) : left, () => stream.close(silent));
    };
    let timer = arm();
    const held = clock.after(HELD_MS, () => void step({ type: 'held' }));
    try {
      for await (const event of stream) {
        timer.cancel();
        timer = arm();
        await accept(event);
        if (signal.aborted) return;
      }
    } finally {
      timer.cancel();
      held.cancel();
      stream.close();
    }
  };

  const accept = async (event: WatchEvent<T>) => {
    if (event.type === 'ERROR') throw statusError(doing, toStatus(event.object as Partial<Status>));
    if (event.type === 'BOOKMARK') bookmarked = true;
    else if (event.type === 'DELETED') handlers.deleted(event.object);
    else handlers.applied(event.object);
    await step({ type: 'event', resourceVersion: event.object.metadata.resourceVersion ?? '' });
  };

  handlers.restart();
  while (!signal.aborted) {
    try {
      if (state.at === 'empty' || state.at === 'listing') {
        const token = state.at === 'listing' ? state.continue : undefined;
        const page = await client.list<T>(type, { ...select, limit: PAGE, continue: token, signal });
        handlers.page(page.items);
        await step({ type: 'page', resourceVersion: page.resourceVersion, continue: page.continue });
      } else {
        const { resourceVersion } = state;
        const timeoutSeconds = Math.round(SHORTEST_STREAM_S + random() * (LONGEST_STREAM_S - SHORTEST_STREAM_S));
        const stream = await client.openWatch<T>(type, { ...select, resourceVersion, timeoutSeconds, signal });
        await step({ type: 'opened', now: clock.monotonic() });
        await follow(stream, timeoutSeconds);
        await step({ type: 'ended', now: clock.monotonic() });
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof WindlassError)) throw error;
      try {
        await step({ type: 'failed', relist: isGone(error) || isAheadOfServer(error) }, error);
      } catch (stop) {
        if (signal.aborted) return;
        throw stop;
      }
    }
  }
}
