import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { createMetricsClient, type MetricsClientOptions } from '../../../test/support/metrics-client.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { RawReading } from '../../controllers/raw-readings.ts';
import { createAuthority, createServingCertificate } from '../certificates/index.ts';
import type { MetricAnswer } from '../metrics-api/types.ts';
import { createPeerClient, createPeerServer, type PeerCredentials } from '../peers/index.ts';
import {
  createGrpcHandler,
  createRawMetricsHub,
  createRelay,
  metricsServiceMethods,
  READINGS_PATH,
  serveReadings,
} from './index.ts';

const MEMBER = 'windlass-member.keda.svc';
const SERVICE = 'keda-operator.keda.svc';
const authority = createAuthority('KEDA', Date.now());
const serving = createServingCertificate(authority, [SERVICE], Date.now());
const member: PeerCredentials = {
  ...createServingCertificate(authority, [MEMBER], Date.now()),
  ca: authority.cert,
  name: MEMBER,
};
const REF = { name: 'web', namespace: 'shop', metricName: 'queue' };
const reading = (value: number, more: Partial<RawReading> = {}): RawReading => ({
  namespace: 'shop',
  object: 'web',
  trigger: 'queue',
  value,
  active: value > 0,
  at: 1_700_000_000_250,
  asked: 'poll',
  ...more,
});

describe('the port of the replicas', () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  /** A replica, its readings, and gRPC's own client of it. */
  async function aReplica(options: { enabled?: boolean; others?: string[]; answer?: () => MetricAnswer } = {}) {
    const { enabled = true, others = [], answer = () => ({ kind: 'empty' }) } = options;
    const hub = createRawMetricsHub({ mode: 'all', clock: systemClock, log: silentLogger });
    const lookup = (_namespace: string, _name: string, metric: string): MetricAnswer =>
      metric === 's0-queue' ? answer() : { kind: 'error', message: `there is no ${metric}` };
    const server = createPeerServer({
      local: lookup,
      isHere: () => true,
      credentials: member,
      serving,
      paths: { [READINGS_PATH]: (request, response) => serveReadings(request, response, { hub, clock: systemClock }) },
      grpc: createGrpcHandler(metricsServiceMethods({ hub, enabled, lookup })),
      clock: systemClock,
      log: silentLogger,
    });
    const { port } = await server.listen('127.0.0.1', 0);
    const address = `127.0.0.1:${port}`;
    stops.push(() => server.close());
    const relay = createRelay({
      hub,
      others: () => others,
      credentials: member,
      clock: systemClock,
      log: silentLogger,
    });
    stops.push(() => relay.stop());
    const client = (more: Partial<MetricsClientOptions> = {}) => {
      const made = createMetricsClient({ address, ca: authority.cert, name: SERVICE, ...serving, ...more });
      stops.push(() => made.close());
      return made;
    };
    return { hub, server, address, client };
  }

  it('sends subscribers their readings with value, activity, time and trigger, until they ask no more', async () => {
    const { hub, client } = await aReplica();
    const me = client();
    expect(await me.subscribe('me', REF)).toMatchObject({ wasSubscribed: false });
    expect(await me.subscribe('me', REF)).toMatchObject({ wasSubscribed: true });
    const stream = me.stream('me');
    hub.push(reading(7.5));
    hub.push(reading(0));
    hub.push(reading(-1e300));
    await eventually(() => stream.metrics.length === 3);
    expect(stream.metrics[0]).toEqual({
      value: 7.5,
      timestamp: { seconds: 1_700_000_000, nanos: 250_000_000 },
      metadata: REF,
      isActive: true,
    });
    expect(stream.metrics.map(({ value }) => value)).toEqual([7.5, 0, -1e300]);
    expect(await me.unsubscribe('me', REF)).toMatchObject({ wasSubscribed: true });
    await eventually(() => stream.ended !== undefined);
    expect(stream.ended).toBe('OK');
  });

  it('answers MetricsService as KEDA does: a list of values, or the error', async () => {
    const { client } = await aReplica({
      answer: () => ({ kind: 'value', metricName: 's0-queue', value: '1500m', at: 1_700_000_000_250 }),
    });
    const me = client();
    expect(await me.getMetrics({ ...REF, metricName: 's0-queue' })).toMatchObject({
      items: [{ metricName: 's0-queue', timestamp: { seconds: 1_700_000_000 }, value: { string: '1500m' } }],
    });
    await expect(me.getMetrics({ ...REF, metricName: 's9-x' })).rejects.toMatchObject({
      code: 2,
      details: 'there is no s9-x',
    });
  });

  it('tells subscribers when nothing will be sent, and streams that name nobody', async () => {
    const { client } = await aReplica({ enabled: false });
    const me = client();
    expect((await me.subscribe('me', REF)).message).toContain('RAW_METRICS_GRPC_PROTOCOL');
    const stream = me.stream('');
    await eventually(() => stream.ended !== undefined);
    expect(stream.ended).toContain('subscriber is empty');
  });

  it('goes on in the next stream when one is gone', async () => {
    const { hub, client } = await aReplica();
    const me = client();
    await me.subscribe('me', REF);
    const stream = me.stream('me');
    hub.push(reading(1));
    await eventually(() => stream.metrics.length === 1);
    stream.cancel();
    await eventually(() => stream.ended !== undefined);
    const next = me.stream('me');
    await eventually(() => {
      hub.push(reading(2));
      return next.metrics.length > 0;
    });
  });

  it.each<[string, Partial<MetricsClientOptions>]>([
    ['no certificate', { cert: undefined, key: undefined } as never],
    [
      'a certificate of another authority',
      createServingCertificate(createAuthority('x', Date.now()), [SERVICE], Date.now()),
    ],
  ])('refuses clients with %s', async (_what, credentials) => {
    const { client } = await aReplica();
    await expect(client(credentials).subscribe('me', REF)).rejects.toMatchObject({ code: 14 });
  });

  it('still answers other replicas, who are shown another certificate', async () => {
    const { address } = await aReplica({ answer: () => ({ kind: 'value', metricName: 'm', value: '7', at: 0 }) });
    const peer = createPeerClient({ credentials: member, clock: systemClock });
    stops.push(() => peer.close());
    expect(await peer.ask(address, 'shop', 'web', 's0-queue')).toMatchObject({ value: '7' });
  });

  it('follows at the other replicas what its own subscribers want, also when one comes back', async () => {
    const owner = await aReplica();
    const here = await aReplica({ others: [owner.address] });
    const me = here.client();
    await me.subscribe('me', REF);
    const stream = me.stream('me');
    let value = 0;
    const sees = (wanted: number) =>
      eventually(() => {
        owner.hub.push(reading(++value));
        owner.hub.push(reading(-1, { object: 'api' }));
        return stream.metrics.some((metric) => metric.value >= wanted);
      });
    await sees(1);
    await owner.server.close();
    await owner.server.listen('127.0.0.1', Number(owner.address.split(':')[1]));
    const before = value;
    await sees(before + 1);
    expect(stream.metrics.every((metric) => metric.value > 0)).toBe(true);
  });
});
