import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { WindlassError } from '../base/errors.ts';
import { createLogger } from '../base/log.ts';
import type { ResourceType } from '../base/object.ts';
import type { KubeClient } from './client.ts';
import { createEventRecorder, type EventDetails, trimBytes } from './events.ts';
import { statusError } from './status.ts';

const web = {
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name: 'web', namespace: 'shop', uid: 'u1' },
};
const ready: EventDetails = { type: 'Normal', reason: 'ScaledObjectReady', note: 'ready for scaling' };

interface Written {
  at: number;
  verb: 'create' | 'patch';
  name: string;
  namespace: string | undefined;
  body: { note?: string; series?: { count: number; lastObservedTime: string }; [field: string]: unknown };
}

/** A recorder whose writes take 1 ms and are kept in order; `fail` makes them throw. */
function setUp() {
  const clock = createFakeClock();
  const written: Written[] = [];
  const logged: string[] = [];
  const state: { fail?: (verb: string) => Error | undefined } = {};
  const write = async (entry: Omit<Written, 'at'>) => {
    await clock.sleep(1);
    const error = state.fail?.(entry.verb);
    if (error) throw error;
    written.push({ at: clock.monotonic(), ...entry });
  };
  const client = {
    create: async (_: ResourceType, object: Written['body'] & { metadata: { name: string; namespace: string } }) =>
      write({ verb: 'create', name: object.metadata.name, namespace: object.metadata.namespace, body: object }),
    patch: async (_: ResourceType, name: string, body: Written['body'], o: { namespace?: string }) =>
      write({ verb: 'patch', name, namespace: o.namespace, body }),
  } as unknown as Pick<KubeClient, 'create' | 'patch'>;
  const recorder = createEventRecorder({
    client,
    clock,
    log: createLogger({ write: (line) => logged.push(JSON.parse(line).msg) }),
    reportingController: 'keda-operator',
    reportingInstance: 'pod-1',
  });
  const lines = () =>
    written.map(({ at, verb, body }) => `${at} ${verb} ${body.note ?? ''}${body.series?.count ?? ''}`);
  return { clock, written, lines, logged, recorder, state };
}

describe('events', () => {
  it('are written at once with every field that events.k8s.io/v1 requires', async () => {
    const { clock, written, recorder } = setUp();
    recorder.record(web, { ...ready, action: 'Reconcile' });
    await clock.advance(1);
    expect(written).toEqual([
      {
        at: 1,
        verb: 'create',
        name: expect.stringMatching(/^web\.[0-9a-f]{16}$/),
        namespace: 'shop',
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: written[0]?.name, namespace: 'shop' },
          eventTime: '2026-01-01T00:00:00.000000Z',
          reportingController: 'keda-operator',
          reportingInstance: 'pod-1',
          type: 'Normal',
          reason: 'ScaledObjectReady',
          action: 'Reconcile',
          note: 'ready for scaling',
          regarding: {
            apiVersion: 'keda.sh/v1alpha1',
            kind: 'ScaledObject',
            name: 'web',
            namespace: 'shop',
            uid: 'u1',
          },
          related: undefined,
        },
      },
    ]);
  });

  it('of a thousand objects that are set up together are all written', async () => {
    const { clock, written, recorder } = setUp();
    for (let i = 0; i < 1_000; i++)
      for (const reason of ['KEDAScalersStarted', 'ScaledObjectReady'])
        recorder.record({ ...web, metadata: { ...web.metadata, uid: `u${i}` } }, { ...ready, reason });
    await clock.advance(2_000);
    expect(written).toHaveLength(2_000);
  });

  it('about cluster-scoped objects go to the namespace default', async () => {
    const { clock, written, recorder } = setUp();
    recorder.record({ apiVersion: 'keda.sh/v1alpha1', kind: 'ClusterTriggerAuthentication', name: 'vault' }, ready);
    await clock.advance(1);
    expect(written[0]?.namespace).toBe('default');
  });

  it('too long for the API are shortened, not lost', async () => {
    const { clock, written, recorder } = setUp();
    const long = 'ü'.repeat(2_000);
    recorder.record(
      { ...web, metadata: { ...web.metadata, name: 'n'.repeat(253) } },
      { ...ready, action: long, note: long },
    );
    await clock.advance(1);
    const body = written[0]?.body as { action: string; note: string };
    expect(body.action).toBe(`${'ü'.repeat(62)}…`);
    expect(body.note).toBe(`${'ü'.repeat(510)}…`);
    expect(written[0]?.name.length).toBeLessThanOrEqual(253);
  });

  it('that repeat count in the series of the first, written every 30 seconds at most', async () => {
    const { clock, lines, written, recorder } = setUp();
    for (let second = 0; second < 70; second++) {
      recorder.record(web, ready);
      await clock.advance(1_000);
    }
    await clock.advance(60_000);
    expect(lines()).toEqual(['1 create ready for scaling', '30001 patch 30', '60002 patch 61', '90003 patch 70']);
    expect(new Set(written.map(({ name }) => name)).size).toBe(1);
    expect(written.at(-1)?.body.series?.lastObservedTime).toBe('2026-01-01T00:01:09.000000Z');
  });

  it('begin a new series when the last was more than six minutes ago', async () => {
    const { clock, written, recorder } = setUp();
    recorder.record(web, ready);
    await clock.advance(360_000);
    recorder.record(web, ready);
    await clock.advance(360_001);
    recorder.record(web, ready);
    await clock.advance(1_000);
    expect(written.map(({ verb }) => verb)).toEqual(['create', 'patch', 'create']);
    expect(written[2]?.name).not.toBe(written[0]?.name);
  });

  it('that say something else are events of their own', async () => {
    const { clock, lines, recorder } = setUp();
    recorder.record(web, { ...ready, note: 'from 0 to 1' });
    recorder.record(web, { ...ready, note: 'from 1 to 0' });
    recorder.record(web, { ...ready, type: 'Warning', note: 'from 0 to 1' });
    recorder.record({ ...web, metadata: { ...web.metadata, uid: 'u2' } }, { ...ready, note: 'from 0 to 1' });
    await clock.advance(10);
    expect(lines().map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      'create from 0 to 1',
      'create from 1 to 0',
      'create from 0 to 1',
      'create from 0 to 1',
    ]);
  });

  it('with ever new notes under one reason end up in the series of the tenth', async () => {
    const { clock, written, recorder } = setUp();
    for (let port = 0; port < 50; port++) recorder.record(web, { ...ready, note: `refused by port ${port}` });
    await clock.advance(1_000);
    expect(written.filter(({ verb }) => verb === 'create')).toHaveLength(10);
    expect(written.at(-1)).toMatchObject({ name: written[9]?.name, body: { series: { count: 41 } } });
  });

  it('of one noisy object are 25 and then one in five minutes; another object is not held up', async () => {
    const { clock, written, recorder } = setUp();
    for (let i = 0; i < 40; i++) recorder.record(web, { ...ready, reason: `Reason${i}` });
    recorder.record({ ...web, metadata: { ...web.metadata, name: 'api', uid: 'u2' } }, ready);
    await clock.advance(1_000);
    expect(written).toHaveLength(26);
    await clock.advance(299_000);
    recorder.record(web, { ...ready, reason: 'Later1' });
    recorder.record(web, { ...ready, reason: 'Later2' });
    await clock.advance(1_000);
    expect(written.slice(26).map(({ body }) => body.reason)).toEqual(['Later1']);
  });

  it('wait for an API server that is away, with one line in the log', async () => {
    const { clock, lines, logged, recorder, state } = setUp();
    state.fail = () => new WindlassError('KubernetesUnavailable', 'down');
    recorder.record(web, ready);
    recorder.record(web, { ...ready, reason: 'Second' });
    await clock.advance(20_000);
    expect(lines()).toEqual([]);
    expect(logged).toEqual(['could not write an event']);
    delete state.fail;
    await clock.advance(30_000);
    expect(lines()).toHaveLength(2);
  });

  it('that the API server refuses do not hold up the next ones', async () => {
    const { clock, lines, recorder, state } = setUp();
    state.fail = () => statusError('create Event', { code: 403, reason: 'Forbidden', message: 'no', details: {} });
    recorder.record(web, ready);
    await clock.advance(1);
    delete state.fail;
    recorder.record(web, { ...ready, reason: 'Second' });
    await clock.advance(1);
    expect(lines()).toHaveLength(1);
  });

  it('that the API server refuses are not asked for again before they are told of again', async () => {
    const { clock, written, recorder, state } = setUp();
    let refused = 0;
    recorder.record(web, ready);
    await clock.advance(60_000);
    state.fail = () => {
      refused++;
      return statusError('patch Event', { code: 403, reason: 'Forbidden', message: 'no', details: {} });
    };
    recorder.record(web, ready);
    await clock.advance(60_000);
    expect(refused).toBe(1);
    // Two more within the half minute of one write.
    recorder.record(web, ready);
    recorder.record(web, ready);
    await clock.advance(60_000);
    expect(refused).toBe(2);
    recorder.record(web, ready);
    const stopped = recorder.stop();
    await clock.advance(6_000);
    await stopped;
    expect(refused).toBe(3);
    expect(written).toHaveLength(1);
  });

  it('start a new Event when that of the series has expired', async () => {
    const { clock, written, recorder, state } = setUp();
    recorder.record(web, ready);
    await clock.advance(31_000);
    state.fail = (verb) =>
      verb === 'patch'
        ? statusError('patch Event', { code: 404, reason: 'NotFound', message: '', details: {} })
        : undefined;
    recorder.record(web, ready);
    await clock.advance(10);
    expect(written.map(({ verb, body }) => [verb, body.series?.count])).toEqual([
      ['create', undefined],
      ['create', 2],
    ]);
  });

  it('flush writes counts that wait; after stop nothing is taken', async () => {
    const { clock, lines, recorder } = setUp();
    recorder.record(web, ready);
    recorder.record(web, ready);
    await clock.advance(10);
    recorder.record(web, ready);
    const stopped = recorder.stop();
    recorder.record(web, { ...ready, reason: 'TooLate' });
    await clock.advance(10);
    await stopped;
    expect(lines()).toEqual(['1 create ready for scaling', '11 patch 3']);
  });

  it('flush writes repeats of an event that is being written', async () => {
    const { clock, lines, recorder } = setUp();
    for (let i = 0; i < 3; i++) recorder.record(web, ready);
    const stopped = recorder.stop();
    await clock.advance(10);
    await stopped;
    expect(lines()).toEqual(['1 create ready for scaling', '2 patch 3']);
  });

  it('flush gives up in time when the API server is away', async () => {
    const { clock, logged, recorder, state } = setUp();
    state.fail = () => new WindlassError('KubernetesUnavailable', 'down');
    recorder.record(web, ready);
    let done = false;
    void recorder.stop(2_000).then(() => {
      done = true;
    });
    await clock.advance(1_999);
    expect(done).toBe(false);
    await clock.advance(1);
    expect(done).toBe(true);
    expect(logged).toContain('some events were not written in time');
    await clock.advance(60_000);
    expect(clock.pending()).toBe(0);
  });
});

describe('cutting text', () => {
  it.each([
    ['short', 10, 'short'],
    ['0123456789', 10, '0123456789'],
    ['01234567890', 10, '0123456…'],
    ['äöüäöü', 10, 'äöü…'],
    ['😀😀😀', 11, '😀😀…'],
  ])('%s at %i bytes is %s', (text, most, expected) => {
    expect(trimBytes(text, most)).toBe(expected);
    expect(Buffer.byteLength(trimBytes(text, most))).toBeLessThanOrEqual(most);
  });
});
