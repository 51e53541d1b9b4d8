/**
 * Where a watch is.
 * - `empty`: knows nothing; the next step is the first page of a list.
 * - `listing`: has some pages; the next step is the page of the token.
 * - `listed`: knows everything up to a resource version; the next step is to open the stream.
 * - `watching`: the stream is open.
 */
export type WatchState =
  | { at: 'empty' }
  | { at: 'listing'; continue: string }
  | { at: 'listed'; resourceVersion: string }
  | { at: 'watching'; resourceVersion: string; eventful: boolean; openedAt: number };

/** What can happen to a watch. Times are milliseconds of a monotonic clock. */
export type WatchInput =
  | { type: 'page'; resourceVersion: string; continue?: string | undefined }
  | { type: 'opened'; now: number }
  /** The stream has been open for HELD_MS. */
  | { type: 'held' }
  /** An event that carries a resource version: a change or a bookmark. */
  | { type: 'event'; resourceVersion: string }
  /** The server ended the stream as it does when timeoutSeconds are over. */
  | { type: 'ended'; now: number }
  /** The page, the opening or the stream failed; `relist` when the resource version is of no more use. */
  | { type: 'failed'; relist: boolean };

export interface Transition {
  state: WatchState;
  /** What the consumer of the watch must hear: a new list begins, or the list is complete. */
  emit?: 'restart' | 'complete' | undefined;
  /**
   * `fail` counts towards back-off and waits before the next step; `succeed` resets it. Opening alone is no success: a
   * proxy in front of a dead server opens every stream and cuts it.
   */
  health?: 'fail' | 'succeed' | undefined;
}

/** A stream that ends sooner than this without an event is a server in trouble: without a wait we would spin. */
export const HELD_MS = 1_000;

/** The next state. Pure; an input that the state cannot have gives back the same state. */
export function advanceWatch(state: WatchState, input: WatchInput): Transition {
  switch (input.type) {
    case 'page': {
      if (state.at !== 'empty' && state.at !== 'listing') return { state };
      if (input.continue) return { state: { at: 'listing', continue: input.continue } };
      return { state: { at: 'listed', resourceVersion: input.resourceVersion }, emit: 'complete' };
    }
    case 'opened':
      if (state.at !== 'listed') return { state };
      return {
        state: {
          at: 'watching',
          resourceVersion: state.resourceVersion,
          eventful: false,
          openedAt: input.now,
        },
      };
    case 'held':
      return { state, health: state.at === 'watching' ? 'succeed' : undefined };
    case 'event':
      if (state.at !== 'watching') return { state };
      return {
        state: { ...state, resourceVersion: input.resourceVersion || state.resourceVersion, eventful: true },
        health: state.eventful ? undefined : 'succeed',
      };
    case 'ended': {
      if (state.at !== 'watching') return { state };
      const spinning = !state.eventful && input.now - state.openedAt < HELD_MS;
      return {
        state: { at: 'listed', resourceVersion: state.resourceVersion },
        health: spinning ? 'fail' : undefined,
      };
    }
    case 'failed':
      switch (state.at) {
        case 'empty':
          return { state, health: 'fail' };
        case 'listing':
          // A page that could not be had can be asked for again with its token, until that has expired.
          return input.relist ? { state: { at: 'empty' }, emit: 'restart', health: 'fail' } : { state, health: 'fail' };
        default:
          return input.relist
            ? { state: { at: 'empty' }, emit: 'restart', health: 'fail' }
            : { state: { at: 'listed', resourceVersion: state.resourceVersion }, health: 'fail' };
      }
  }
}
