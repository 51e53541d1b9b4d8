import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { RawReading } from '../../controllers/raw-readings.ts';
import { createRawMetricsHub, type RawMetricsMode } from './hub.ts';

const WEB = { namespace: 'shop', object: 'web', trigger: 'queue' };
const reading = (value: number, more: Partial<RawReading> = {}): RawReading => ({
  ...WEB,
  value,
  active: value > 0,
  at: 0,
  asked: 'poll',
  ...more,
});

function setUp(mode: RawMetricsMode = 'all') {
  const clock = createFakeClock();
  const hub = createRawMetricsHub({ mode, clock, log: silentLogger });
  const open = (subscriber: string) => {
    const stream = { seen: [] as number[], takes: true, ended: false };
    const followed = hub.follow(subscriber, {
      write({ value }) {
        stream.seen.push(value);
        return stream.takes;
      },
      end() {
        stream.ended = true;
        followed.close();
      },
    });
    return Object.assign(stream, followed);
  };
  return { clock, hub, open };
}

describe('a subscriber of raw metrics', () => {
  it('gets what it asked for and nothing else, until it asks no more', () => {
    const { hub, open } = setUp();
    const stream = open('me');
    hub.push(reading(1));
    expect(hub.subscribe('me', WEB)).toBe(false);
    expect(hub.subscribe('me', WEB)).toBe(true);
    hub.push(reading(2));
    hub.push(reading(3, { trigger: 'other' }));
    hub.push(reading(4, { namespace: 'bank' }));
    expect(stream.seen).toEqual([2]);
    expect(hub.unsubscribe('me', { ...WEB, trigger: 'other' })).toBe(false);
    expect(hub.unsubscribe('me', WEB)).toBe(true);
    hub.push(reading(5));
    expect([stream.seen, stream.ended]).toEqual([[2], true]);
    expect(hub.unsubscribe('me', WEB)).toBe(false);
  });

  it.each([
    ['no subscriber', '', WEB],
    ['no namespace', 'me', { ...WEB, namespace: '' }],
    ['no object', 'me', { ...WEB, object: '' }],
    ['no trigger', 'me', { ...WEB, trigger: '' }],
  ])('is none with %s', (_what, subscriber, metric) => {
    const { hub } = setUp();
    expect([hub.subscribe(subscriber, metric), hub.subscribe(subscriber, metric)]).toEqual([false, false]);
    expect(hub.wanted()).toEqual([]);
  });

  it('does not miss what came before its stream was open, the newest sixteen', () => {
    const { hub, open } = setUp();
    hub.subscribe('me', WEB);
    for (let value = 1; value <= 20; value++) hub.push(reading(value));
    const { seen } = open('me');
    expect([seen[0], seen.at(-1), seen.length]).toEqual([5, 20, 16]);
  });

  it('that reads slowly is waited for without holding up the others, and is forgotten after a minute', async () => {
    const { clock, hub, open } = setUp();
    hub.subscribe('slow', WEB);
    hub.subscribe('quick', WEB);
    const [slow, quick] = [open('slow'), open('quick')];
    slow.takes = false;
    for (const value of [1, 2, 3]) hub.push(reading(value));
    expect([slow.seen, quick.seen]).toEqual([[1], [1, 2, 3]]);
    slow.takes = true;
    slow.drained();
    expect(slow.seen).toEqual([1, 2, 3]);
    slow.takes = false;
    hub.push(reading(4));
    hub.push(reading(5));
    await clock.advance(59_999);
    hub.push(reading(6));
    expect(slow.ended).toBe(false);
    await clock.advance(1);
    hub.push(reading(7));
    expect([slow.ended, quick.ended]).toEqual([true, false]);
    expect(hub.unsubscribe('slow', WEB)).toBe(false);
    expect(quick.seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('keeps its subscriptions for a minute without a stream', async () => {
    const { clock, hub, open } = setUp();
    hub.subscribe('me', WEB);
    open('me').close();
    hub.push(reading(1));
    await clock.advance(59_000);
    expect(open('me').seen).toEqual([1]);
  });

  it('may open several streams, all of which get everything', () => {
    const { hub, open } = setUp();
    hub.subscribe('me', WEB);
    const streams = [open('me'), open('me')];
    hub.push(reading(1));
    expect(streams.map(({ seen }) => seen)).toEqual([[1], [1]]);
  });

  it.each<[RawMetricsMode, number[]]>([
    ['all', [1, 2]],
    ['pollinginterval', [1]],
    ['hpa', [2]],
  ])('gets with mode %s the readings %j', (mode, wanted) => {
    const { hub, open } = setUp(mode);
    hub.subscribe('me', WEB);
    const { seen } = open('me');
    hub.push(reading(1, { asked: 'poll' }));
    hub.push(reading(2, { asked: 'hpa' }));
    expect(seen).toEqual(wanted);
  });
});

describe('readings for another replica', () => {
  it('are those that it names, of this replica alone', () => {
    const { hub } = setUp();
    const sent: number[] = [];
    const stop = hub.tap([WEB], ({ value }) => sent.push(value));
    hub.push(reading(1));
    hub.push(reading(2, { object: 'api' }));
    hub.relayed(reading(3));
    stop();
    hub.push(reading(4));
    expect(sent).toEqual([1]);
  });

  it('are told to be wanted when the first subscriber comes and the last one goes', () => {
    const { hub } = setUp();
    const told: number[] = [];
    hub.onWanted(() => told.push(hub.wanted().length));
    hub.subscribe('a', WEB);
    hub.subscribe('b', WEB);
    hub.unsubscribe('a', WEB);
    hub.unsubscribe('b', WEB);
    expect(told.length).toBe(2);
    expect(hub.wanted()).toEqual([]);
  });
});
