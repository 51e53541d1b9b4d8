import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { conformance } from '../../../test/support/scaler-kit.ts';
import type { Reading } from '../definition.ts';
import { definition } from './definition.ts';
import { createScaler } from './scaler.ts';

const OFFICE = { start: '0 8 * * *', end: '0 18 * * *', timezone: 'Etc/UTC', desiredReplicas: 4 };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const signal = new AbortController().signal;

conformance(definition, {
  trigger: () => ({ metadata: { ...OFFICE, desiredReplicas: '4' } }),
});

describe('the window', () => {
  it.each([
    ['07:59', { value: 0, active: false }],
    ['08:00', { value: 4, active: true }],
    ['17:59', { value: 4, active: true }],
    ['18:00', { value: 0, active: false }],
  ])('at %s', async (time, expected) => {
    const scaler = createScaler(OFFICE, { clock: createFakeClock(Date.parse(`2026-03-02T${time}:00Z`)) });
    expect(await scaler.read(signal)).toEqual(expected);
  });

  it.each([
    ['a start that never comes leaves it open', { ...OFFICE, start: '0 0 30 2 *' }, true],
    ['an end that never comes leaves it closed', { ...OFFICE, end: '0 0 30 2 *' }, false],
    [
      'start and end in one minute: open, as the end is not later',
      { ...OFFICE, start: '0 8 * * *', end: '00 8 * * *' },
      true,
    ],
  ])('%s', async (_, config, active) => {
    const scaler = createScaler(config, { clock: createFakeClock() });
    expect(await scaler.read(signal)).toMatchObject({ active });
  });

  it('says an unknown time zone when it is read', async () => {
    const scaler = createScaler({ ...OFFICE, timezone: 'Mars/Base' }, { clock: createFakeClock() });
    await expect(scaler.read(signal)).rejects.toMatchObject({ code: 'InvalidTrigger' });
  });
});

describe('following the window', () => {
  it('tells each edge at its very minute, and nothing in between', async () => {
    const clock = createFakeClock(Date.parse('2026-03-02T07:00:00Z'));
    const scaler = createScaler(OFFICE, { clock });
    const seen: [string, Reading][] = [];
    const stop = new AbortController();
    const watching = scaler.watch?.(stop.signal, (reading) =>
      seen.push([new Date(clock.now()).toISOString().slice(11, 19), reading]),
    );
    await clock.advance(HOUR - 1);
    expect(seen).toEqual([['07:00:00', { value: 0, active: false }]]);
    await clock.advance(1);
    expect(seen.slice(1)).toEqual([['08:00:00', { value: 4, active: true }]]);
    await clock.advance(24 * HOUR);
    expect(seen.slice(2)).toEqual([
      ['18:00:00', { value: 0, active: false }],
      ['08:00:00', { value: 4, active: true }],
    ]);
    stop.abort();
    await watching;
    expect(clock.pending()).toBe(0);
  });
});
