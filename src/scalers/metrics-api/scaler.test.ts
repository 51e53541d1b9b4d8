import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  answerJson,
  type ReceivedRequest,
  startHttpServer,
  type TestHttpServer,
} from '../../../test/support/http-server.ts';
import { noCluster, scalerDeps, triggerContext } from '../../../test/support/scaler-deps.ts';
import { conformance } from '../../../test/support/scaler-kit.ts';
import type { ClusterReader } from '../definition.ts';
import { parseTrigger } from '../parse.ts';
import { definition } from './definition.ts';
import { createScaler } from './scaler.ts';

const trigger = (authMode: string, auth: Record<string, string>, format = 'json') => ({
  trigger: (url: string) => ({
    metadata: { url: `${url}/stats?token=in-the-address`, valueLocation: 'queue', targetValue: '5', format, authMode },
    auth,
  }),
  secrets: ['in-the-address'],
});
conformance(definition, {
  ...trigger('bearer', { token: 'bearer-secret' }),
  http: { answer: (_, response) => answerJson(response, { queue: 7 }), value: 7 },
});
conformance(definition, {
  ...trigger('apiKey', { apiKey: 'key-secret', method: 'query' }, 'prometheus'),
  http: { answer: (_, response) => response.end('queue 7\n'), value: 7 },
});

describe('metrics-api', () => {
  let server: TestHttpServer;
  const signal = new AbortController().signal;
  const open: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    server = await startHttpServer((_, response) => answerJson(response, { queue: 7 }));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((scaler) => scaler.close()));
    await server.stop();
  });

  const scalerFor = (
    metadata: Record<string, string>,
    auth: Record<string, string> = {},
    cluster: ClusterReader = noCluster,
  ) => {
    const texts = { url: `${server.url}/stats`, valueLocation: 'queue', targetValue: '5', ...metadata };
    const parsed = parseTrigger(definition, { metadata: texts, auth, env: {}, context: triggerContext() });
    if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join());
    const scaler = createScaler(parsed.config, scalerDeps({ cluster }));
    open.push(scaler);
    return scaler;
  };

  describe('proves itself', () => {
    it.each<[string, Record<string, string>, Record<string, string>, (request: ReceivedRequest) => unknown, unknown]>([
      ['not at all', {}, { token: 'unused' }, (r) => r.headers.authorization, undefined],
      ['with a bearer token', { authMode: 'bearer' }, { token: 't' }, (r) => r.headers.authorization, 'Bearer t'],
      [
        'with user and password',
        { authMode: 'basic' },
        { username: 'u', password: 'p' },
        (r) => r.headers.authorization,
        `Basic ${Buffer.from('u:p').toString('base64')}`,
      ],
      [
        'with a user without password',
        { authMode: 'basic' },
        { username: 'u' },
        (r) => r.headers.authorization,
        `Basic ${Buffer.from('u:').toString('base64')}`,
      ],
      ['with a key in a header', { authMode: 'apiKey' }, { apiKey: 'k' }, (r) => r.headers['x-api-key'], 'k'],
      [
        'with a key in a header of another name',
        { authMode: 'apiKey' },
        { apiKey: 'k', keyParamName: 'X-Own' },
        (r) => r.headers['x-own'],
        'k',
      ],
      [
        'with a key in the query',
        { authMode: 'apiKey' },
        { apiKey: 'k', method: 'query' },
        (r) => r.url,
        '/stats?api_key=k',
      ],
    ])('%s', async (_, metadata, auth, seen, expected) => {
      expect(await scalerFor(metadata, auth).read(signal)).toEqual({ value: 7 });
      expect(seen(server.requests[0]!)).toBe(expected);
    });

    it('keeps the query that the address has', async () => {
      const scaler = scalerFor(
        { url: `${server.url}/stats?zone=a`, authMode: 'apiKey' },
        { apiKey: 'k', method: 'query', keyParamName: 'own' },
      );
      await scaler.read(signal);
      expect(server.requests[0]?.url).toBe('/stats?zone=a&own=k');
    });
  });

  it('wants exactly 200', async () => {
    await server.stop();
    server = await startHttpServer((_, response) => answerJson(response, { queue: 7 }, 201));
    await expect(scalerFor({}).read(signal)).rejects.toMatchObject({ code: 'SourceAnswerInvalid' });
  });

  it('refuses an address that is none, when it is created', () => {
    expect(() => scalerFor({ url: 'orders:80' })).toThrow('url is not an http or https address');
  });

  describe('over all endpoints of a Service', () => {
    const endpoints = (...found: { address: string; ports: number[] }[]): ClusterReader => ({
      ...noCluster,
      serviceEndpoints: async (namespace, service) => {
        expect([namespace, service]).toEqual(['shop', 'orders']);
        return found;
      },
    });
    const answers: Record<string, number> = { '127.0.0.2': 2, '127.0.0.3': 4, '127.0.0.4': 9 };
    let port: number;
    let pods: TestHttpServer[];
    const metadata = (aggregationType: string) => ({
      url: `http://orders.shop.svc:${port}/stats?dropped=1`,
      aggregateFromKubeServiceEndpoints: 'true',
      aggregationType,
    });

    beforeEach(async () => {
      pods = [];
      port = 0;
      for (const [host, queue] of Object.entries(answers)) {
        const pod = await startHttpServer((_, response) => answerJson(response, { queue }), { host, port });
        port = Number(new URL(pod.url).port);
        pods.push(pod);
      }
    });
    afterEach(() => Promise.all(pods.map((pod) => pod.stop())));

    it.each([
      ['average', 5],
      ['sum', 15],
      ['min', 2],
      ['max', 9],
    ])('%s', async (type, value) => {
      const all = Object.keys(answers).map((address) => ({ address, ports: [port, 1] }));
      const scaler = scalerFor(metadata(type), {}, endpoints(...all, ...all));
      expect(await scaler.read(signal)).toEqual({ value });
      expect(pods.flatMap(({ requests }) => requests.map(({ url }) => url))).toEqual(['/stats', '/stats', '/stats']);
    });

    it('leaves out endpoints that fail, and fails when all do', async () => {
      const bad = { address: '127.0.0.9', ports: [port] };
      const good = { address: '127.0.0.4', ports: [port] };
      expect(await scalerFor(metadata('average'), {}, endpoints(bad, good)).read(signal)).toEqual({ value: 9 });
      const failing = scalerFor(metadata('average'), {}, endpoints(bad, bad));
      await expect(failing.read(signal)).rejects.toMatchObject({ code: 'SourceUnavailable' });
    });

    it('fails without endpoints, and when the host names no Service', async () => {
      await expect(scalerFor(metadata('sum'), {}, endpoints()).read(signal)).rejects.toThrow('no ready endpoint');
      const nameless = scalerFor({ ...metadata('sum'), url: 'http://orders/' }, {}, endpoints());
      await expect(nameless.read(signal)).rejects.toThrow('does not name a Service');
    });
  });
});
