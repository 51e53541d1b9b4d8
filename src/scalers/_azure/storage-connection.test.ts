import { describe, expect, it } from 'vitest';
import { parseStorageConnection } from './storage-connection.ts';

const KEY = 'c2VjcmV0';

describe('the endpoint of a storage connection string', () => {
  it.each([
    [`AccountName=shop;AccountKey=${KEY}`, 'https://shop.queue.core.windows.net'],
    [
      `DefaultEndpointsProtocol=http;AccountName=shop;AccountKey=${KEY};EndpointSuffix=core.chinacloudapi.cn`,
      'http://shop.queue.core.chinacloudapi.cn',
    ],
    [`AccountName=shop;AccountKey=${KEY};QueueEndpoint=http://10.0.0.5:10001/shop/;`, 'http://10.0.0.5:10001/shop'],
    ['QueueEndpoint=https://q.example.com;SharedAccessSignature=?sv=1&sig=x', 'https://q.example.com'],
    ['AccountName=shop;SharedAccessSignature=sv=1&sig=x', 'https://shop.queue.core.windows.net'],
    ['UseDevelopmentStorage=true', 'http://127.0.0.1:10001/devstoreaccount1'],
    ['UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite', 'http://azurite:10001/devstoreaccount1'],
  ])('%s', (text, endpoint) => {
    expect(parseStorageConnection(text, 'queue').endpoint).toBe(endpoint);
  });

  it('keeps the equals signs of keys and signatures', () => {
    const { credential } = parseStorageConnection('AccountName=shop;SharedAccessSignature=?sv=1&sig=a%3D=b', 'queue');
    expect(credential).toEqual({ kind: 'signature', query: 'sv=1&sig=a%3D=b' });
  });

  it.each([
    ['', 'neither AccountName nor an endpoint'],
    ['SAMPLE', 'neither AccountName nor an endpoint'],
    [`AccountKey=${KEY}`, 'neither AccountName nor an endpoint'],
    ['AccountName=shop', 'AccountKey (or SharedAccessSignature) is missing'],
    ['AccountName=shop;AccountKey=!!secret!!', 'AccountKey is not Base64'],
    [`AccountName=shop;AccountKey=${KEY};QueueEndpoint=queues`, 'its endpoint is not a URL'],
    [`QueueEndpoint=http://x;AccountKey=${KEY}`, 'AccountName is missing'],
  ])('refuses %s without showing it', (text, message) => {
    const parse = () => parseStorageConnection(text, 'queue');
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/!!secret!!/);
  });
});
