import { describe, expect, it } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createAuthority, createServingCertificate, type KeyPair } from './issue.ts';
import { type CertificateSource, createCertificateKeeper } from './keeper.ts';
import { renewed } from './material.ts';
import { splitBundle } from './pem.ts';

const DAY = 24 * 3_600_000;
const START = Date.UTC(2026, 0, 1);
const NAMES = ['keda-metrics-apiserver.keda.svc'];

/** A source that the test changes, and a server whose story is written down. */
function setup(clock: FakeClock, first: { pair: KeyPair; authorities: string }) {
  let serving = first;
  const listeners = new Set<() => void>();
  const source: CertificateSource = {
    current: () => serving,
    signer: () => undefined,
    onChange: (listener) => {
      const tell = () => listener(serving);
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
    stop: () => {},
  };
  const names = new Map<string, string>();
  const story: string[] = [];
  let refuses = false;
  const keeper = createCertificateKeeper({ source, clock, log: silentLogger, graceMs: 60_000 });
  const called = (pem: string) => names.get(pem.trim()) ?? 'unknown';
  return {
    keeper,
    story,
    name: (name: string, pair: KeyPair) => {
      names.set(pair.cert.trim(), name);
      return pair;
    },
    change(next: typeof serving) {
      serving = next;
      for (const tell of listeners) tell();
    },
    refuse(value: boolean) {
      refuses = value;
    },
    follow: () =>
      keeper.follow({
        name: 'test',
        shows: keeper.pair,
        setTls: (pair) => story.push(`show ${called(pair.cert)}`),
        async trust(authorities) {
          if (refuses) throw new Error('forbidden');
          story.push(`trust ${splitBundle(authorities).map(called).join(' ')}`);
        },
      }),
  };
}

describe('a running server', () => {
  it('gets a renewed certificate of the same authority at once', async () => {
    const clock = createFakeClock(START);
    const authority = createAuthority('KEDA', START);
    const first = createServingCertificate(authority, NAMES, START);
    const { follow, change, name, story } = setup(clock, { pair: first, authorities: authority.cert });
    name('A', authority);
    await follow();
    const second = name('a2', createServingCertificate(authority, NAMES, START));
    change({ pair: second, authorities: authority.cert });
    await clock.advance(0);
    expect(story).toEqual(['trust A', 'show a2']);
  });

  it('shows what a new authority signed only when that was announced and everybody has heard of it', async () => {
    const clock = createFakeClock(START);
    const [old, fresh] = [createAuthority('KEDA', START), createAuthority('KEDA', START)];
    const world = setup(clock, { pair: createServingCertificate(old, NAMES, START), authorities: old.cert });
    world.name('A', old);
    world.name('B', fresh);
    await world.follow();
    // As KEDA would write it: without the old authority, which still has signed what is shown here and elsewhere.
    const pair = world.name('b1', createServingCertificate(fresh, NAMES, START));
    world.refuse(true);
    world.change({ pair, authorities: fresh.cert });
    await clock.advance(10_000);
    expect(world.story).toEqual(['trust A']);
    world.refuse(false);
    await clock.advance(30_000);
    expect(world.story).toEqual(['trust A', 'trust B A']);
    await clock.advance(61_000);
    expect(world.story).toEqual(['trust A', 'trust B A', 'show b1']);
  });

  it('shows it at the last moment where nobody may be told', async () => {
    const clock = createFakeClock(START);
    const lastYear = START - 363 * DAY;
    const [old, fresh] = [createAuthority('KEDA', lastYear), createAuthority('KEDA', START)];
    // Ends in two days.
    const world = setup(clock, { pair: createServingCertificate(old, NAMES, lastYear), authorities: old.cert });
    await world.follow();
    world.refuse(true);
    world.change({ pair: world.name('b1', createServingCertificate(fresh, NAMES, START)), authorities: fresh.cert });
    await clock.advance(DAY - 60_000);
    expect(world.story).toHaveLength(1);
    await clock.advance(DAY / 2 + 60_000);
    expect(world.story.slice(1)).toEqual(['show b1']);
  });

  it('has nobody told of authorities that are not our business', async () => {
    const clock = createFakeClock(START);
    const authority = createAuthority('KEDA', START);
    const world = setup(clock, { pair: createServingCertificate(authority, NAMES, START), authorities: '' });
    await world.follow();
    expect(world.story).toEqual(['trust ']);
  });
});

describe('what replicas show each other', () => {
  it('is signed by the shared authority, or the shared files', () => {
    const clock = createFakeClock(START);
    const { data } = renewed({}, NAMES, START);
    const pair = { cert: data['tls.crt'], key: data['tls.key'] };
    const inFolder = setup(clock, { pair, authorities: data['ca.crt'] }).keeper.member('member.keda.svc');
    expect(inFolder).toEqual({ ...pair, ca: data['ca.crt'], name: NAMES[0] });
  });
});

describe('renewal', () => {
  const made = renewed({}, NAMES, START).data;

  it.each<[string, number, Partial<typeof made>, string[]]>([
    ['not while everything is good', 274, {}, []],
    ['of the certificate alone', 276, {}, ['certificate: it ends 2027-01-01']],
    [
      'of both, the old authority staying trusted',
      3_561,
      {},
      ['authority: it ends 2035-12-30', 'certificate: another authority has signed it'],
    ],
    ['of a lost key', 0, { 'tls.key': '' }, ['certificate: it cannot be read']],
    [
      'of the certificate when its authority lost its key',
      0,
      { 'ca.key': '' },
      ['authority: it cannot be read', 'certificate: another authority has signed it'],
    ],
  ])('%s (day %d)', (_name, day, over, reasons) => {
    const found = { ...made, ...over };
    const next = renewed(found, NAMES, START + day * DAY);
    expect(next.reasons).toEqual(reasons);
    const authorities = splitBundle(next.data['ca.crt']);
    expect(authorities).toHaveLength(reasons[0]?.startsWith('authority') ? 2 : 1);
    expect(authorities.at(-1)?.trim()).toBe(splitBundle(made['ca.crt'])[0]?.trim());
    if (reasons.length === 0) expect(next.data).toEqual(found);
    expect(renewed(next.data, NAMES, START + day * DAY).reasons).toEqual([]);
  });
});
