import { describe, expect, it } from 'vitest';
import { advanceWatch, type Transition, type WatchInput, type WatchState } from './watch-state.ts';

const empty: WatchState = { at: 'empty' };
const listing: WatchState = { at: 'listing', continue: 'p2' };
const listed: WatchState = { at: 'listed', resourceVersion: '10' };
const watching: WatchState = { at: 'watching', resourceVersion: '10', eventful: false, openedAt: 0 };
const moved: WatchState = { at: 'watching', resourceVersion: '11', eventful: true, openedAt: 0 };

const broken: WatchInput = { type: 'failed', relist: false };
const gone: WatchInput = { type: 'failed', relist: true };

describe('a watch', () => {
  it.each<[string, WatchState, WatchInput, Transition]>([
    [
      'reads the first of several pages',
      empty,
      { type: 'page', resourceVersion: '9', continue: 'p2' },
      { state: listing },
    ],
    ['reads the only page', empty, { type: 'page', resourceVersion: '10' }, { state: listed, emit: 'complete' }],
    [
      'reads a middle page',
      listing,
      { type: 'page', resourceVersion: '10', continue: 'p3' },
      { state: { at: 'listing', continue: 'p3' } },
    ],
    ['reads the last page', listing, { type: 'page', resourceVersion: '10' }, { state: listed, emit: 'complete' }],
    ['fails to list', empty, broken, { state: empty, health: 'fail' }],
    ['fails to list with 410', empty, gone, { state: empty, health: 'fail' }],
    ['asks for a failed page again', listing, broken, { state: listing, health: 'fail' }],
    ['starts over when the token expired', listing, gone, { state: empty, emit: 'restart', health: 'fail' }],
    ['opens the stream', listed, { type: 'opened', now: 0 }, { state: watching }],
    ['fails to open the stream', listed, broken, { state: listed, health: 'fail' }],
    ['is told 410 when opening', listed, gone, { state: empty, emit: 'restart', health: 'fail' }],
    ['is well once the stream holds', watching, { type: 'held' }, { state: watching, health: 'succeed' }],
    [
      'is well at the first event',
      watching,
      { type: 'event', resourceVersion: '11' },
      { state: moved, health: 'succeed' },
    ],
    ['keeps the version of an event without one', moved, { type: 'event', resourceVersion: '' }, { state: moved }],
    [
      'goes on with the next version',
      moved,
      { type: 'event', resourceVersion: '12' },
      { state: { ...moved, resourceVersion: '12' } },
    ],
    ['reopens at once after the server’s timeout', watching, { type: 'ended', now: 1_000 }, { state: listed }],
    ['waits when the server ends it at once', watching, { type: 'ended', now: 999 }, { state: listed, health: 'fail' }],
    [
      'reopens at once after a short stream with events',
      moved,
      { type: 'ended', now: 5 },
      { state: { at: 'listed', resourceVersion: '11' } },
    ],
    [
      'keeps its place when the stream breaks',
      moved,
      broken,
      { state: { at: 'listed', resourceVersion: '11' }, health: 'fail' },
    ],
    ['lists again when the stream says 410', moved, gone, { state: empty, emit: 'restart', health: 'fail' }],
    ['ignores a page it did not ask for', watching, { type: 'page', resourceVersion: '1' }, { state: watching }],
    ['ignores an event without a stream', listed, { type: 'event', resourceVersion: '99' }, { state: listed }],
    ['ignores a late sign of life', listed, { type: 'held' }, { state: listed }],
  ])('%s', (_, state, input, expected) => {
    expect(advanceWatch(state, input)).toEqual(expected);
  });
});
