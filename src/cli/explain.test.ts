import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../base/log.ts';
import { createRecords } from '../controllers/records.ts';
import type { DecisionRecord } from '../decision/record.ts';
import { createExplainServer, type ExplainServer } from '../servers/explain/index.ts';
import { runExplain } from './explain.ts';

const at = (text: string) => Date.parse(`2026-03-01T12:${text}Z`);
const record = (more: Partial<DecisionRecord>): DecisionRecord => ({
  at: at('00:00'),
  kind: 'ScaledObject',
  object: 'shop/web',
  cause: 'sample',
  triggers: [
    {
      index: 0,
      type: 'rabbitmq',
      metricName: 's0-rabbitmq-orders',
      outcome: 'value',
      value: '0',
      target: '5',
      activity: 'inactive',
      wants: 0,
    },
  ],
  current: 0,
  wanted: 0,
  min: 0,
  max: 10,
  action: { kind: 'none' },
  rule: 'at-rest',
  ...more,
});

let server: ExplainServer;
let address: string;
beforeEach(async () => {
  const records = createRecords();
  records.add(record({}));
  records.add(record({ at: at('00:30') }));
  records.add(
    record({
      at: at('01:00'),
      triggers: [
        {
          index: 0,
          type: 'rabbitmq',
          metricName: 's0-rabbitmq-orders',
          outcome: 'value',
          value: '12',
          target: '5',
          activity: 'active',
          wants: 3,
        },
      ],
      wanted: 3,
      action: { kind: 'activate', from: 0, to: 1 },
      rule: 'activate',
    }),
  );
  server = createExplainServer({ records, log: createLogger({ level: 'error', write: () => {} }) });
  address = `http://127.0.0.1:${(await server.listen('127.0.0.1', 0)).port}`;
});
afterEach(() => server.close());

const run = async (args: string[], more: { format?: string; namespace?: string; address?: string } = {}) => {
  const lines: string[] = [];
  await runExplain({
    args,
    namespace: 'shop',
    address,
    format: 'text',
    print: (line = '') => lines.push(line),
    signal: new AbortController().signal,
    ...more,
  });
  return lines.join('\n');
};

describe('windlass explain', () => {
  it('tells the decisions as sentences, newest last', async () => {
    expect(await run(['scaledobject', 'web'])).toBe(
      `ScaledObject shop/web

2026-03-01T12:00:00Z, 2 times until 2026-03-01T12:00:30Z
  trigger 0 (rabbitmq): value 0 against target 5: it is inactive and asks for 0 replicas.
  0 replicas now, 0 wanted; 0 to 10 allowed.
  Nothing is changed.
  Rule at-rest: There is no work and the target is where it rests; above that the HPA scales it.

2026-03-01T12:01:00Z
  trigger 0 (rabbitmq): value 12 against target 5: it is active and asks for 3 replicas.
  0 replicas now, 3 wanted; 0 to 10 allowed.
  The target is woken up: from 0 to 1 replica.
  Rule activate: A trigger is active and the target runs fewer replicas than work needs to start: it is woken up.`,
    );
  });

  it('tells them as JSON', async () => {
    const told = JSON.parse(await run(['so/web'], { format: 'json' }));
    expect(told).toMatchObject({
      kind: 'ScaledObject',
      namespace: 'shop',
      name: 'web',
      decisions: [{ times: 2 }, { times: 1, record: { rule: 'activate' } }],
    });
  });

  it.each<[string, string[], object, string, string]>([
    ['a kind that is not scaled', ['deployment', 'web'], {}, 'InvalidArgument', 'names no object'],
    ['no name', ['scaledobject'], {}, 'InvalidArgument', 'names no object'],
    ['another format', ['so', 'web'], { format: 'yaml' }, 'InvalidArgument', 'no format "yaml"'],
    ['an address that is none', ['so', 'web'], { address: '8082' }, 'InvalidArgument', 'no URL'],
    ['an object without decisions', ['so', 'web'], { namespace: 'other' }, 'SourceNotFound', 'other/web'],
    ['no operator', ['so', 'web'], { address: 'http://127.0.0.1:9' }, 'SourceUnavailable', 'no operator answers'],
  ])('refuses %s and says what to do', async (_what, args, more, code, words) => {
    const error = await run(args, more).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(words),
      hint: expect.stringMatching(/./),
    });
  });
});
