import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Moto, REGION, startMoto } from '../../../test/servers/moto/index.ts';
import { scalerDeps, triggerContext } from '../../../test/support/scaler-deps.ts';
import { conformance } from '../../../test/support/scaler-kit.ts';
import { parseTrigger } from '../parse.ts';
import { definition } from './definition.ts';
import { queueNameOf } from './queue-name.ts';
import { createScaler } from './scaler.ts';

const SECRET = 'c2VjcmV0LWFjY2Vzcy1rZXk';
const KEYS = { awsAccessKeyID: 'AKIDEXAMPLE', awsSecretAccessKey: SECRET };

conformance(definition, {
  trigger: (url) => ({
    metadata: { queueURL: `${url}/123456789012/orders`, awsRegion: REGION, awsEndpoint: url, scaleOnInFlight: 'false' },
    auth: { ...KEYS, awsSessionToken: 'c2Vzc2lvbi10b2tlbg' },
  }),
  secrets: [SECRET, 'c2Vzc2lvbi10b2tlbg'],
  http: {
    answer: (_, response) => response.writeHead(200).end('{"Attributes":{"ApproximateNumberOfMessages":"7"}}'),
    value: 7,
  },
});

describe('the name of a queue', () => {
  it.each([
    ['https://sqs.eu-west-1.amazonaws.com/123456789012/orders', 'orders'],
    ['http://localhost:4566/000000000000/orders.fifo?x=y', 'orders.fifo'],
    ['/123456789012/orders', 'orders'],
    ['orders', 'orders'],
    ['https://sqs.eu-west-1.amazonaws.com/orders', undefined],
    ['https://sqs.eu-west-1.amazonaws.com/1/orders/more', undefined],
    ['https://sqs.eu-west-1.amazonaws.com/1/', undefined],
    ['arn:aws:sqs:eu-west-1:123456789012:orders', undefined],
  ])('in %s is %s', (text, name) => {
    expect(queueNameOf(text)).toBe(name);
  });
});

describe('with a real queue', () => {
  let moto: Moto;
  const signal = new AbortController().signal;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto?.stop());

  const scalerFor = (queueURL: string, metadata: Record<string, string> = {}) => {
    const all = { queueURL, awsRegion: REGION, awsEndpoint: moto.url, ...metadata };
    const parsed = parseTrigger(definition, { metadata: all, auth: KEYS, env: {}, context: triggerContext() });
    if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('; '));
    return createScaler(parsed.config, scalerDeps());
  };

  it('counts what waits and, as configured, what is in flight and what is delayed', async () => {
    const url = await moto.createQueue('orders');
    const byDefault = scalerFor(url);
    const waiting = scalerFor(url, { scaleOnInFlight: 'false' });
    const everything = scalerFor(url, { scaleOnDelayed: 'true' });
    const counts = async () =>
      Promise.all([byDefault, waiting, everything].map(async (each) => (await each.read(signal)).value));
    expect(await counts()).toEqual([0, 0, 0]);
    await moto.send(url, 5);
    await moto.send(url, 2, 600);
    expect(await counts()).toEqual([5, 5, 7]);
    const taken = await moto.receive(url, 3);
    expect(await counts()).toEqual([5, 2, 7]);
    for (const done of taken) await done();
    expect(await counts()).toEqual([2, 2, 4]);
    expect(await byDefault.check?.(signal)).toEqual({ ok: true, message: 'queue "orders" holds 2 messages' });
  });

  it('says that a queue does not exist', async () => {
    const scaler = scalerFor(`${moto.url}/123456789012/nowhere`);
    await expect(scaler.read(signal)).rejects.toMatchObject({ code: 'SourceNotFound' });
    await expect(scaler.read(signal)).rejects.toThrow(/NonExistentQueue|QueueDoesNotExist/);
    await scaler.close();
  });
});
