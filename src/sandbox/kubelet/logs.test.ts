import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogOptions, type LogSource, openLog, readLog } from './logs.ts';

const START = Date.UTC(2026, 0, 1);
let dir: string;
let file: string;
let now: number;
let waiting: (() => void)[];
let live: boolean;
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'logs-'));
  file = path.join(dir, 'c_0.log');
  now = START;
  waiting = [];
  live = true;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const wake = () => {
  for (const follower of waiting.splice(0)) follower();
};
const open = (largest?: number) => openLog(file, () => now, wake, largest);
const source = (): LogSource => ({
  file,
  next: () => (live ? new Promise<void>((resolve) => waiting.push(resolve)) : undefined),
});
const read = async (options: LogOptions = {}) => {
  let text = '';
  for await (const chunk of readLog(source(), options, now)) text += Buffer.from(chunk).toString();
  return text;
};
const bytes = (text: string) => Buffer.from(text);

describe('a log', () => {
  it('gives back lines however they were cut, the last one without an end too', async () => {
    const log = open();
    log.write('stdout', bytes('on'));
    log.write('stderr', bytes('other\n'));
    log.write('stdout', bytes('e\ntwo\n\nthr'));
    expect(await read()).toBe('other\none\ntwo\n\n');
    log.close();
    expect(await read()).toBe('other\none\ntwo\n\nthr\n');
  });

  it('keeps characters of several bytes that were cut in two', async () => {
    const log = open();
    const euro = bytes('€\n');
    log.write('stdout', euro.subarray(0, 1));
    log.write('stdout', euro.subarray(1));
    expect(await read()).toBe('€\n');
    log.close();
  });

  it.each<[string, LogOptions, string]>([
    ['the last lines', { tailLines: 2 }, 'b\nc\n'],
    ['none of them', { tailLines: 0 }, ''],
    ['those since a time', { sinceTime: START + 1000 }, 'b\nc\n'],
    ['those of the last seconds', { sinceSeconds: 1 }, 'b\nc\n'],
    ['at most some bytes', { limitBytes: 3 }, 'a\nb'],
    ['with the time', { tailLines: 1, timestamps: true }, '2026-01-01T00:00:02.000Z c\n'],
  ])('gives %s', async (_name, options, expected) => {
    const log = open();
    for (const line of ['a', 'b', 'c']) {
      log.write('stdout', bytes(`${line}\n`));
      now += 1000;
    }
    now -= 1000;
    log.close();
    expect(await read(options)).toBe(expected);
  });

  it('can be followed from its beginning to its end, over a rotation too', async () => {
    const log = open(100);
    log.write('stdout', bytes('0\n'));
    const all = read({ follow: true });
    for (let i = 1; i < 20; i++) {
      log.write('stdout', bytes(`${i}\n`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    live = false;
    log.close();
    expect(await all).toBe(Array.from({ length: 20 }, (_, i) => `${i}\n`).join(''));
  });

  it('is no longer followed once the reader has gone', async () => {
    const log = open();
    const stop = new AbortController();
    const all = read({ follow: true, signal: stop.signal });
    log.write('stdout', bytes('a\n'));
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    expect(await all).toBe('a\n');
    log.close();
  });

  it('takes no more room than two files of its size', async () => {
    const log = open(1000);
    for (let i = 0; i < 1000; i++) log.write('stdout', bytes(`${'x'.repeat(50)}\n`));
    log.close();
    expect((await read()).length).toBeLessThan(2500);
  });
});
