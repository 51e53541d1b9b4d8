import { inspect } from 'node:util';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ExternalScalerServer,
  type StartOptions,
  startExternalScaler,
} from '../../../test/servers/external-scaler.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { scalerDeps, triggerContext } from '../../../test/support/scaler-deps.ts';
import { conformance } from '../../../test/support/scaler-kit.ts';
import { type KeyPair, makeCertificate } from '../../sandbox/api/security/certificates.ts';
import { openChannels } from '../_grpc/channel.ts';
import type { Scaler, TriggerContext } from '../definition.ts';
import { parseTrigger } from '../parse.ts';
import { definition } from './definition.ts';
import { createScaler } from './scaler.ts';

conformance(definition, { trigger: () => ({ metadata: { scalerAddress: '127.0.0.1:1' } }) });

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  expect(openChannels()).toBe(0);
});

const signal = new AbortController().signal;

async function start(options: StartOptions = {}): Promise<ExternalScalerServer> {
  const server = await startExternalScaler(options);
  undo.push(() => server.stop());
  return server;
}

interface Texts {
  metadata?: Record<string, string>;
  auth?: Record<string, string>;
  env?: Record<string, string>;
  context?: Partial<TriggerContext>;
}

function scalerFor(
  server: ExternalScalerServer,
  { metadata = {}, auth = {}, env = {}, context = {} }: Texts = {},
): Scaler {
  const parsed = parseTrigger(definition, {
    metadata: { scalerAddress: server.address, ...metadata },
    auth,
    env,
    context: triggerContext(context),
  });
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join());
  const scaler = createScaler(parsed.config, scalerDeps({ context: triggerContext(context) }));
  undo.push(() => scaler.close());
  return scaler;
}

describe('metrics and their targets', () => {
  it('are those that GetMetricSpec names, as they are called there', async () => {
    const server = await start();
    server.specs = [
      { metricName: 'Orders/eu (all)', targetSizeFloat: 2.5 },
      { metricName: 'parcels', targetSize: 1000 },
      { metricName: 'both', targetSize: 3, targetSizeFloat: 0.5 },
    ];
    expect(await scalerFor(server).metricSpecs?.(signal)).toEqual([
      { kind: 'external', name: 'Orders/eu (all)', target: 2.5, precision: 'milli' },
      { kind: 'external', name: 'parcels', target: 1000, precision: 'int' },
      { kind: 'external', name: 'both', target: 0.5, precision: 'milli' },
    ]);
  });

  it.each([
    [[{ metricName: '', targetSize: 1 }], 'a metric without a name'],
    [
      [
        { metricName: 'a', targetSize: 1 },
        { metricName: 'a', targetSize: 2 },
      ],
      'two metrics named a',
    ],
    [[{ metricName: 'a' }], 'the target 0, which is not above zero'],
    [[{ metricName: 'a', targetSize: -4, targetSizeFloat: -1 }], 'the target -4'],
  ])('are refused when no HPA can use them: %j', async (specs, message) => {
    const server = await start();
    server.specs = specs;
    await expect(scalerFor(server).metricSpecs?.(signal)).rejects.toMatchObject({
      code: 'SourceAnswerInvalid',
      message: expect.stringContaining(message),
    });
  });

  it('may have no target when a formula takes the values', async () => {
    const server = await start();
    server.specs = [{ metricName: 'a' }];
    const scaler = scalerFor(server, { context: { asMetricSource: true } });
    expect(await scaler.metricSpecs?.(signal)).toMatchObject([{ name: 'a', target: 0 }]);
  });
});

describe('a reading', () => {
  it('has the value of each metric, and the activity that IsActive tells', async () => {
    const server = await start();
    server.specs = ['a', 'b', 'c', 'd'].map((metricName) => ({ metricName, targetSize: 1 }));
    server.values = new Map([
      ['a', [{ metricName: 'a', metricValue: 7 }]],
      ['b', [{ metricName: 'other', metricValue: 7, metricValueFloat: 0.25 }]],
      ['c', [{ metricName: 'c', metricValue: -3 }]],
      [
        'd',
        [
          { metricName: 'd', metricValue: 1 },
          { metricName: 'd', metricValue: 2 },
        ],
      ],
    ]);
    const scaler = scalerFor(server);
    expect(await scaler.read(signal)).toEqual({ value: 7, active: false, values: { a: 7, b: 0.25, c: -3, d: 3 } });
    server.active = true;
    expect(await scaler.read(signal)).toMatchObject({ active: true });
  });

  it('leaves out a metric that has no value, and has the activity even when none has', async () => {
    const server = await start();
    server.specs = [
      { metricName: 'orders', targetSize: 1 },
      { metricName: 'empty', targetSize: 1 },
    ];
    const scaler = scalerFor(server);
    expect((await scaler.read(signal)).values).toEqual({ orders: 12 });
    server.values.clear();
    server.active = true;
    expect(await scaler.read(signal)).toMatchObject({ active: true, values: {} });
  });

  it.each(['GetMetricSpec', 'GetMetrics', 'IsActive'])('fails when %s fails', async (method) => {
    const server = await start();
    server.behaviour.set(method, { code: status.UNAVAILABLE, details: 'broken' });
    await expect(scalerFor(server).read(signal)).rejects.toMatchObject({ code: 'SourceUnavailable' });
  });

  it('is good again after a failure of the first question', async () => {
    const server = await start();
    const scaler = scalerFor(server);
    server.behaviour.set('GetMetricSpec', { code: status.INTERNAL });
    await expect(scaler.metricSpecs?.(signal)).rejects.toThrow('INTERNAL');
    server.behaviour.clear();
    expect(await scaler.read(signal)).toMatchObject({ value: 12 });
  });

  it('ends at once with the reason when aborted', async () => {
    const server = await start();
    server.behaviour.set('GetMetrics', 'hang');
    const control = new AbortController();
    const reading = scalerFor(server).read(control.signal);
    await eventually(() => server.calls.some(({ method }) => method === 'GetMetrics'));
    const reason = new Error('enough');
    control.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });
});

describe('what the server is told', () => {
  const metadata = { queue: 'q', empty: '', tokenFromEnv: 'TOKEN', goneFromEnv: 'GONE', blankFromEnv: 'BLANK' };
  const env = { TOKEN: 'token-in-the-env', BLANK: '' };

  it('is the object and all metadata, with resolved variables and without authentication', async () => {
    const server = await start();
    await scalerFor(server, { metadata, env, auth: { unused: 'x' } }).read(signal);
    const ref = {
      name: 'web',
      namespace: 'shop',
      scalerMetadata: { scalerAddress: server.address, queue: 'q', empty: '', tokenFromEnv: 'token-in-the-env' },
    };
    expect(new Set(server.calls.map(({ method }) => method))).toEqual(
      new Set(['GetMetricSpec', 'IsActive', 'GetMetrics']),
    );
    for (const call of server.calls) expect(call.ref).toEqual(ref);
    expect(server.calls.find(({ metricName }) => metricName)).toMatchObject({ metricName: 'orders' });
  });

  it('is not repeated when the server quotes a variable in its error', async () => {
    const server = await start();
    server.behaviour.set('IsActive', { code: status.UNAUTHENTICATED, details: 'token-in-the-env is wrong' });
    const error = await scalerFor(server, { metadata, env })
      .read(signal)
      .catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'CredentialRefused', message: expect.stringContaining('(hidden) is wrong') });
    expect(inspect(error, { depth: 8 })).not.toContain('token-in-the-env');
  });
});

describe('TLS', () => {
  const now = Date.now();
  const authority = makeCertificate({ commonName: 'authority', usage: 'ca', now });
  const issue = (usage: 'server' | 'client'): KeyPair =>
    makeCertificate({ commonName: usage, hosts: ['127.0.0.1'], usage, issuer: authority, now });
  const tls = issue('server');
  const mine = issue('client');
  const pair = { tlsClientCert: mine.cert, tlsClientKey: mine.key };

  it.each<[string, Texts]>([
    ['an authority', { auth: { caCert: authority.cert } }],
    ['enableTLS without a check', { metadata: { enableTLS: 'true', unsafeSsl: 'true' } }],
    ['a client certificate without a check', { metadata: { unsafeSsl: 'true' }, auth: pair }],
  ])('is spoken with %s', async (_, texts) => {
    const server = await start({ tls });
    expect(await scalerFor(server, texts).read(signal)).toMatchObject({ value: 12 });
  });

  it('shows the client certificate to a server that wants one', async () => {
    const server = await start({ tls: { ...tls, ca: authority.cert } });
    expect(await scalerFor(server, { auth: { caCert: authority.cert, ...pair } }).read(signal)).toMatchObject({
      value: 12,
    });
    const { tlsClientCert } = pair;
    for (const auth of [{ caCert: authority.cert }, { caCert: authority.cert, tlsClientCert }])
      await expect(scalerFor(server, { auth }).read(signal)).rejects.toMatchObject({
        code: 'SourceUnavailable',
        hint: expect.stringContaining('tlsClientCert'),
      });
  });

  it.each<[string, Texts, string]>([
    ['a server that nobody vouches for', { metadata: { enableTLS: 'true' } }, 'caCert'],
    ['plain text', {}, 'enableTLS'],
  ])('refuses %s, and says what to do', async (_, texts, hint) => {
    const server = await start({ tls });
    await expect(scalerFor(server, texts).read(signal)).rejects.toMatchObject({
      code: 'SourceUnavailable',
      hint: expect.stringContaining(hint),
    });
  });

  it.each([
    { caCert: 'none' },
    { tlsClientCert: 'cert', tlsClientKey: 'key' },
    { tlsClientCert: mine.cert, tlsClientKey: tls.key },
  ])('says which texts cannot be used (case %#)', async (auth) => {
    const server = await start();
    expect(() => scalerFor(server, { auth })).toThrow('caCert, tlsClientCert or tlsClientKey');
  });
});

it('tells a person what is there', async () => {
  const server = await start();
  server.active = true;
  expect(await scalerFor(server).check?.(signal)).toEqual({
    ok: true,
    message: `${server.address} is active; orders is 12 (target 5)`,
  });
});

it.each([
  [{ scalerAddress: 'http://a:1' }, {}, 'has a scheme'],
  [{ scalerAddress: 'a:1' }, { tlsClientCert: 'c' }, 'tlsClientCert is not used without tlsClientKey'],
  [{ scalerAddress: 'a:1' }, { tlsClientKey: 'k' }, 'tlsClientKey is not used without tlsClientCert'],
])('warns of what will not work: %j %j', (metadata, auth, message) => {
  const parsed = parseTrigger(definition, { metadata, auth, env: {}, context: triggerContext() });
  expect(parsed.problems).toEqual([]);
  expect(parsed.notices.map((notice) => notice.message).join()).toContain(message);
});
