import { request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createLogger } from '../../base/log.ts';
import { createRecords } from '../../controllers/records.ts';
import type { DecisionRecord } from '../../decision/record.ts';
import { createExplainServer, type ExplainServer } from './index.ts';

const log = createLogger({ level: 'error', write: () => {} });
const running: ExplainServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

const RECORD: DecisionRecord = {
  at: 5,
  kind: 'ScaledJob',
  object: 'shop/orders',
  cause: 'sample',
  triggers: [],
  min: 0,
  max: 10,
  action: { kind: 'create-jobs', count: 2 },
  rule: 'jobs-queue',
};

async function start() {
  const records = createRecords();
  records.add(RECORD);
  const server = createExplainServer({ records, log });
  running.push(server);
  return (await server.listen('127.0.0.1', 0)).port;
}

const ask = (port: number, path: string, { method = 'GET', host = `localhost:${port}` } = {}) =>
  new Promise<{ code: number | undefined; body: unknown }>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, method, headers: { host } }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ code: response.statusCode, body: JSON.parse(text) }));
    })
      .on('error', reject)
      .end();
  });

it('answers the decisions of an object, whichever of its names the kind goes by', async () => {
  const port = await start();
  for (const kind of ['scaledjob', 'ScaledJob', 'sj']) {
    expect(await ask(port, `/explain/shop/${kind}/orders`)).toEqual({
      code: 200,
      body: {
        kind: 'ScaledJob',
        namespace: 'shop',
        name: 'orders',
        decisions: [{ record: RECORD, since: 5, times: 1 }],
      },
    });
  }
});

it.each([
  ['an object that is not known', '/explain/shop/sj/other', {}, 404, 'ScaledJob shop/other'],
  ['another kind', '/explain/shop/deployment/orders', {}, 404, '/explain/<namespace>'],
  ['another path', '/metrics', {}, 404, '/explain/<namespace>'],
  ['a write', '/explain/shop/sj/orders', { method: 'POST' }, 405, 'GET'],
  [
    'a name that a web page may have pointed here',
    '/explain/shop/sj/orders',
    { host: 'evil.example' },
    403,
    'localhost',
  ],
])('refuses %s and says why', async (_what, path, options, code, words) => {
  const answer = await ask(await start(), path, options);
  expect(answer.code).toBe(code);
  expect(JSON.stringify(answer.body)).toContain(words);
});

it('listens on loopback alone', async () => {
  const server = createExplainServer({ records: createRecords(), log });
  await expect(server.listen('0.0.0.0', 0)).rejects.toMatchObject({ code: 'InvalidArgument' });
});

it('says which port is taken', async () => {
  const port = await start();
  const server = createExplainServer({ records: createRecords(), log });
  await expect(server.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'PortInUse' });
});
