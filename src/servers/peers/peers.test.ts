import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { systemClock } from '../../base/clock.ts';
import { describeError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import { createAuthority, createServingCertificate, type KeyPair } from '../certificates/index.ts';
import type { MetricAnswer } from '../metrics-api/types.ts';
import { createPeerClient, createPeerServer, createReplicatedLookup, type PeerCredentials } from './index.ts';

const NAME = 'windlass-member.keda.svc';
const authority = createAuthority('KEDA', Date.now());
const credentialsOf = (ca: KeyPair, name = NAME): PeerCredentials => ({
  ...createServingCertificate(ca, [name], Date.now()),
  ca: authority.cert,
  name: NAME,
});
const value = (text: string, at: number): MetricAnswer => ({ kind: 'value', metricName: 's0-m', value: text, at });

describe('replicas that ask each other', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  /** A replica that runs shop/web, and a client of another one. */
  async function setUp(
    options: { credentials?: PeerCredentials; clockAhead?: number; answer?: () => MetricAnswer } = {},
  ) {
    const { clockAhead = 0, answer = () => value('7', Date.now() + clockAhead - 5_000) } = options;
    const server = createPeerServer({
      local: (_namespace, _name, metric) =>
        metric === 's0-m' ? answer() : { kind: 'error', message: 'no such metric' },
      isHere: (namespace, name) => `${namespace}/${name}` === 'shop/web',
      credentials: credentialsOf(authority),
      clock: { ...systemClock, now: () => Date.now() + clockAhead },
      log: silentLogger,
    });
    const { port } = await server.listen('127.0.0.1', 0);
    const client = createPeerClient({
      credentials: options.credentials ?? credentialsOf(authority),
      clock: systemClock,
    });
    stops.push(
      () => client.close(),
      () => server.close(),
    );
    return { server, client, address: `127.0.0.1:${port}` };
  }

  it('get what the owner says, values and errors alike', async () => {
    const { client, address } = await setUp();
    expect(await client.ask(address, 'shop', 'web', 's0-m')).toMatchObject({ kind: 'value', value: '7' });
    expect(await client.ask(address, 'shop', 'web', 's1-x')).toEqual({ kind: 'error', message: 'no such metric' });
  });

  it('count the age of a value by its duration, not by the clock of the other', async () => {
    const { client, address } = await setUp({ clockAhead: 3_600_000 });
    const answer = await client.ask(address, 'shop', 'web', 's0-m');
    const age = answer?.kind === 'value' ? Date.now() - answer.at : Number.NaN;
    expect(age).toBeGreaterThanOrEqual(4_900);
    expect(age).toBeLessThan(8_000);
  });

  it('hear of an object that runs elsewhere', async () => {
    const { client, address } = await setUp();
    expect(await client.ask(address, 'shop', 'api', 's0-m')).toBeUndefined();
  });

  it('refuse whoever has a certificate of another authority, or none for a replica', async () => {
    const stranger = await setUp({ credentials: credentialsOf(createAuthority('other', Date.now())) });
    await expect(stranger.client.ask(stranger.address, 'shop', 'web', 's0-m')).rejects.toThrow('cannot be asked');
    const webhook = await setUp({ credentials: credentialsOf(authority, 'keda-admission-webhooks.keda.svc') });
    expect(await webhook.client.ask(webhook.address, 'shop', 'web', 's0-m').catch(describeError)).toContain(
      `not for ${NAME}`,
    );
  });

  it('do not believe a server of another authority or another name', async () => {
    const { server, client, address } = await setUp();
    server.setCredentials(credentialsOf(authority, 'keda-admission-webhooks.keda.svc'));
    await expect(client.ask(address, 'shop', 'web', 's0-m')).rejects.toThrow('cannot be asked');
    server.setCredentials(credentialsOf(createAuthority('other', Date.now())));
    await expect(client.ask(address, 'shop', 'web', 's0-m')).rejects.toThrow('cannot be asked');
  });

  it('do not wait for one that hangs', async () => {
    const { client, address } = await setUp({ answer: () => new Promise(() => {}) as never });
    await expect(client.ask(address, 'shop', 'web', 's0-m')).rejects.toThrow('did not answer within 1500 ms');
  });
});

describe('the look-up that answers for everything', () => {
  const TTL = 60_000;

  function setUp() {
    const clock = createFakeClock();
    const world = {
      isHere: false,
      owner: { member: 'b', address: 'b:1' as string | undefined } as
        | { member: string; address: string | undefined }
        | 'here',
      there: (): Promise<MetricAnswer | undefined> => Promise.resolve(value('5', clock.now())),
      local: (): MetricAnswer => ({ kind: 'error', message: 'not running here' }),
      asked: 0,
    };
    const lookup = createReplicatedLookup({
      local: () => world.local(),
      locate: (_namespace, name) => (name === 'web' ? { uid: 'u', isHere: world.isHere, ttlMs: TTL } : undefined),
      ownerOf: () => world.owner,
      ask() {
        world.asked++;
        return world.there();
      },
      clock,
    });
    return { clock, world, ask: async (name = 'web') => lookup('shop', name, 's0-m') };
  }

  const gone = () => Promise.reject(new Error('connection refused'));

  it('answers from here what runs here', async () => {
    const { world, ask, clock } = setUp();
    world.isHere = true;
    world.local = () => value('1', clock.now());
    expect(await ask()).toMatchObject({ value: '1' });
    expect(world.asked).toBe(0);
  });

  it('asks the owner for the rest, once for equal questions at the same time', async () => {
    const { world, ask } = setUp();
    expect(await Promise.all([ask(), ask(), ask()])).toMatchObject([{ value: '5' }, { value: '5' }, { value: '5' }]);
    expect(world.asked).toBe(1);
    await ask();
    expect(world.asked).toBe(2);
  });

  it('uses the last value while the owner is away, as long as it is young enough, and then says so', async () => {
    const { world, ask, clock } = setUp();
    await ask();
    world.there = gone;
    await clock.advance(TTL);
    expect(await ask()).toMatchObject({ kind: 'value', value: '5' });
    await clock.advance(1);
    expect(await ask()).toEqual({
      kind: 'error',
      message: 'ScaledObject shop/web runs in the replica b: connection refused',
    });
  });

  it('passes an error of the owner on, whatever was known before', async () => {
    const { world, ask } = setUp();
    await ask();
    world.there = () => Promise.resolve({ kind: 'error', message: 'the source is down' });
    expect(await ask()).toEqual({ kind: 'error', message: 'the source is down' });
  });

  it.each<[string, (world: ReturnType<typeof setUp>['world']) => void]>([
    ['the owner has not taken it over yet', (world) => (world.there = () => Promise.resolve(undefined))],
    ['the owner does not say where it is', (world) => (world.owner = { member: 'b', address: undefined })],
    ['it is on its way to this replica', (world) => (world.owner = 'here')],
  ])('uses the last value while %s', async (_what, change) => {
    const { world, ask } = setUp();
    await ask();
    change(world);
    expect(await ask()).toMatchObject({ kind: 'value', value: '5' });
  });

  it('uses what was answered from here once the object has moved', async () => {
    const { world, ask, clock } = setUp();
    world.isHere = true;
    world.local = () => value('1', clock.now());
    await ask();
    world.isHere = false;
    world.there = gone;
    expect(await ask()).toMatchObject({ kind: 'value', value: '1' });
  });

  it('has the local answer for an object that there is not', async () => {
    const { ask } = setUp();
    expect(await ask('api')).toEqual({ kind: 'error', message: 'not running here' });
  });
});
