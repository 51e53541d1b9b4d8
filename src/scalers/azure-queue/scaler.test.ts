import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scalerDeps, triggerContext } from '../../../test/support/scaler-deps.ts';
import { conformance } from '../../../test/support/scaler-kit.ts';
import { type Azurite, startAzurite } from '../../cli/demo/azurite.ts';
import { parseTrigger } from '../parse.ts';
import { definition } from './definition.ts';
import { createScaler } from './scaler.ts';

const KEY = 'c2VjcmV0LWtleS1vZi10aGUtYWNjb3VudA==';

conformance(definition, {
  trigger: (url) => ({
    metadata: { queueName: 'orders' },
    auth: { connection: `AccountName=shop;AccountKey=${KEY};QueueEndpoint=${url}/shop` },
  }),
  secrets: [KEY],
  http: {
    answer: (_, response) => response.writeHead(200, { 'x-ms-approximate-messages-count': '7' }).end(),
    value: 7,
  },
});

conformance(definition, {
  trigger: (url) => ({
    metadata: { queueName: 'orders', queueLengthStrategy: 'visibleonly' },
    auth: { connection: `QueueEndpoint=${url};SharedAccessSignature=?sv=2022&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D` },
  }),
  secrets: ['c2VjcmV0LXNpZ25hdHVyZQ'],
  http: {
    answer: (_, response) =>
      response
        .writeHead(200)
        .end(
          '<?xml version="1.0"?><QueueMessagesList><QueueMessage><MessageText>&lt;QueueMessage&gt;</MessageText></QueueMessage><QueueMessage/></QueueMessagesList>'.replace(
            '<QueueMessage/>',
            '<QueueMessage></QueueMessage>',
          ),
        ),
    value: 2,
  },
});

describe('with a real Azurite', () => {
  let azurite: Azurite;
  let service: QueueServiceClient;
  const signal = new AbortController().signal;

  beforeAll(async () => {
    azurite = await startAzurite();
    service = QueueServiceClient.fromConnectionString(azurite.connectionString);
  });
  afterAll(() => azurite?.stop());

  const scalerFor = (metadata: Record<string, string>, connection = azurite.connectionString) => {
    const parsed = parseTrigger(definition, { metadata, auth: { connection }, env: {}, context: triggerContext() });
    if (!parsed.ok) throw new Error(parsed.problems.join());
    return createScaler(parsed.config, scalerDeps());
  };
  const fill = async (name: string, messages: number) => {
    const queue = service.getQueueClient(name);
    await queue.createIfNotExists();
    for (let i = 0; i < messages; i++) await queue.sendMessage(`<QueueMessage>${i}</QueueMessage>`);
    return queue;
  };

  it('counts all messages, or only those that wait', async () => {
    const queue = await fill('orders', 5);
    const all = scalerFor({ queueName: 'orders' });
    const visible = scalerFor({ queueName: 'orders', queueLengthStrategy: 'visibleonly' });
    expect(await all.read(signal)).toEqual({ value: 5 });
    expect(await visible.read(signal)).toEqual({ value: 5 });

    await queue.receiveMessages({ numberOfMessages: 2, visibilityTimeout: 60 });
    expect(await all.read(signal)).toEqual({ value: 5 });
    expect(await visible.read(signal)).toEqual({ value: 3 });

    await queue.clearMessages();
    expect(await all.read(signal)).toEqual({ value: 0 });
    expect(await visible.read(signal)).toEqual({ value: 0 });
    await all.close();
    await visible.close();
  });

  it('takes the approximate number once 32 messages wait', async () => {
    const queue = await fill('crowd', 40);
    const visible = scalerFor({ queueName: 'crowd', queueLengthStrategy: 'visibleonly' });
    expect(await visible.read(signal)).toEqual({ value: 40 });
    await queue.receiveMessages({ numberOfMessages: 20, visibilityTimeout: 60 });
    expect(await visible.read(signal)).toEqual({ value: 20 });
    await visible.close();
  });

  it('reads with a shared access signature', async () => {
    await fill('signed', 1);
    const url = service.generateAccountSasUrl(new Date(Date.now() + 3_600_000));
    const connection = `QueueEndpoint=${azurite.queueEndpoint};SharedAccessSignature=${url.split('?')[1]}`;
    const scaler = scalerFor({ queueName: 'signed' }, connection);
    expect(await scaler.read(signal)).toEqual({ value: 1 });
    await scaler.close();
  });

  it('says that a queue does not exist, and that a key is wrong', async () => {
    const missing = scalerFor({ queueName: 'nowhere' });
    await expect(missing.read(signal)).rejects.toMatchObject({ code: 'SourceNotFound' });
    await expect(missing.read(signal)).rejects.toThrow('QueueNotFound');
    const refused = scalerFor(
      { queueName: 'orders' },
      azurite.connectionString.replace(/AccountKey=[^;]*/, `AccountKey=${KEY}`),
    );
    await expect(refused.read(signal)).rejects.toMatchObject({ code: 'CredentialRefused' });
    await missing.close();
    await refused.close();
  });

  it('tells a person how many messages there are', async () => {
    await fill('told', 2);
    const scaler = scalerFor({ queueName: 'told' });
    expect(await scaler.check?.(signal)).toEqual({ ok: true, message: 'queue "told" holds 2 messages' });
    await scaler.close();
  });
});
