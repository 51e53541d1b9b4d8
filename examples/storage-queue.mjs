// The three calls of the Azure Queue REST API that the example programs need, in plain Node.js without packages.
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { request as requestTls } from 'node:https';

/**
 * A queue of the storage account that the connection string names.
 * @returns `count()`, `send(text)`, `receive()` (one message `{id, receipt, text}`, or undefined when the queue is empty), `remove(message)`, `create()`
 */
export function openQueue(connectionString, queue) {
  const settings = Object.fromEntries(
    (connectionString ?? '').split(';').map((part) => {
      const at = part.indexOf('=');
      return [part.slice(0, at), part.slice(at + 1)];
    }),
  );
  if (!settings.AccountName || !settings.AccountKey || !queue) {
    throw new Error('a storage connection string with AccountName and AccountKey, and the name of a queue, are needed');
  }
  const suffix = settings.EndpointSuffix ?? 'core.windows.net';
  const endpoint = (
    settings.QueueEndpoint ??
    `${settings.DefaultEndpointsProtocol ?? 'https'}://${settings.AccountName}.queue.${suffix}`
  ).replace(/\/$/, '');
  const agent = new Agent({ keepAlive: true });

  /** One call, signed with SharedKeyLite; resolves with the answer's body, or with one of its headers. */
  function call(method, path, body = '', header = '') {
    const url = new URL(`${endpoint}${path}`);
    const date = new Date().toUTCString();
    const version = '2021-12-02';
    const type = body === '' ? '' : 'application/xml';
    const comp = url.searchParams.get('comp');
    const resource = `/${settings.AccountName}${url.pathname}${comp ? `?comp=${comp}` : ''}`;
    const text = `${method}\n\n${type}\n\nx-ms-date:${date}\nx-ms-version:${version}\n${resource}`;
    const signature = createHmac('sha256', Buffer.from(settings.AccountKey, 'base64')).update(text).digest('base64');
    const headers = {
      'x-ms-date': date,
      'x-ms-version': version,
      'content-length': Buffer.byteLength(body),
      authorization: `SharedKeyLite ${settings.AccountName}:${signature}`,
      ...(type ? { 'content-type': type } : {}),
    };
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const req = (secure ? requestTls : request)(
        url,
        { method, headers, timeout: 10_000, ...(secure ? {} : { agent }) },
        (res) => {
          let answer = '';
          res.setEncoding('utf8');
          res.on('data', (chunk) => {
            answer += chunk;
          });
          res.on('end', () => {
            if (res.statusCode < 300) resolve(header ? res.headers[header] : answer);
            else reject(new Error(`${method} ${url.pathname} answered ${res.statusCode}: ${answer}`));
          });
        },
      );
      req.on('timeout', () => req.destroy(new Error(`${method} ${url.pathname}: no answer within 10 s`)));
      req.on('error', (error) => {
        // A kept connection that the server closed in the same moment: the request never got there.
        if (req.reusedSocket && error.code === 'ECONNRESET') resolve(call(method, path, body, header));
        else reject(error);
      });
      req.end(body);
    });
  }

  const tag = (xml, name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

  return {
    /** Messages in the queue, taken ones that are not yet deleted included. */
    count: async () => Number(await call('GET', `/${queue}?comp=metadata`, '', 'x-ms-approximate-messages-count')),
    create: () => call('PUT', `/${queue}`),
    send: (text) =>
      call(
        'POST',
        `/${queue}/messages`,
        `<QueueMessage><MessageText>${Buffer.from(text).toString('base64')}</MessageText></QueueMessage>`,
      ),
    async receive() {
      const answer = await call('GET', `/${queue}/messages?numofmessages=1&visibilitytimeout=60`);
      const id = tag(answer, 'MessageId');
      if (!id) return undefined;
      const text = Buffer.from(tag(answer, 'MessageText') ?? '', 'base64').toString('utf8');
      return { id, receipt: tag(answer, 'PopReceipt') ?? '', text };
    },
    remove: (message) =>
      call('DELETE', `/${queue}/messages/${message.id}?popreceipt=${encodeURIComponent(message.receipt)}`),
  };
}
