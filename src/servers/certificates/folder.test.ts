import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createLogger, silentLogger } from '../../base/log.ts';
import { createFolderSource } from './folder.ts';
import { createAuthority, createServingCertificate } from './issue.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'windlass-certs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, { mode: 0o600 });
};
const authority = createAuthority('mine', Date.now());
const make = () => {
  const { cert, key } = createServingCertificate(authority, ['a.keda.svc'], Date.now());
  return { 'tls.crt': cert, 'tls.key': key };
};

test('files that change are taken, and a pair that does not fit is left aside until it does', async () => {
  const clock = createFakeClock();
  const logs: string[] = [];
  const log = createLogger({ write: (line) => logs.push(line) });
  const [first, second] = [make(), make()];
  write({ ...first, 'ca.crt': authority.cert });
  const source = await createFolderSource({ folder, clock, log });
  const seen: string[] = [];
  source.onChange(({ pair }) => seen.push(pair.cert));
  expect(source.current()).toEqual({
    pair: { cert: first['tls.crt'], key: first['tls.key'] },
    authorities: authority.cert,
  });

  write({ 'tls.crt': second['tls.crt'] });
  await eventually(async () => {
    await clock.advance(10_000);
    expect(logs.join()).toContain('tls.key in');
  });
  expect(seen).toEqual([]);

  write({ 'tls.key': second['tls.key'] });
  await eventually(async () => {
    await clock.advance(10_000);
    expect(seen).toEqual([second['tls.crt']]);
  });
  expect(source.current().pair.key).toBe(second['tls.key']);
  source.stop();
});

test.each<[string, () => Record<string, string>, string]>([
  ['nothing', () => ({}), 'there is no certificate in'],
  ['a key of another certificate', () => ({ ...make(), 'tls.key': make()['tls.key'] }), 'is not the key of tls.crt'],
  ['no PEM', () => ({ 'tls.crt': 'x', 'tls.key': 'y' }), 'cannot be read'],
])('a folder with %s is refused', async (_name, files, message) => {
  write(files());
  const made = createFolderSource({ folder, clock: createFakeClock(), log: silentLogger });
  await expect(made).rejects.toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining(message) });
});

test('without ca.crt it is not our business whom callers trust', async () => {
  write(make());
  const source = await createFolderSource({ folder, clock: createFakeClock(), log: silentLogger });
  expect(source.current().authorities).toBe('');
  source.stop();
});
