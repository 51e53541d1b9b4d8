import { WindlassError } from '../../base/errors.ts';
import { defaultAuthority, endpointSuffix } from '../_azure/cloud.ts';
import { parseStorageConnection, type StorageTarget } from '../_azure/storage-connection.ts';
import { storageGet } from '../_azure/storage-request.ts';
import { workloadIdentity } from '../_azure/workload-identity.ts';
import { createHttpClient } from '../_http/client.ts';
import type { Reading, Scaler, ScalerDeps } from '../definition.ts';
import type { Config } from './definition.ts';

/** Azure gives at most 32 messages to one look. */
const MOST_PEEKED = 32;

/** Counts the messages of an Azure Storage queue. */
export function createScaler(config: Config, deps: ScalerDeps): Scaler {
  const http = createHttpClient({ deps });
  let target: Promise<StorageTarget> | undefined;

  const resolveTarget = async (): Promise<StorageTarget> => {
    const { podIdentity } = deps.context;
    if (podIdentity.provider !== 'azure-workload') return parseStorageConnection(config.connection ?? '', 'queue');
    const account = config.accountName ?? '';
    const where = { cloud: config.cloud, suffix: config.endpointSuffix };
    const token = workloadIdentity({
      scope: 'https://storage.azure.com/.default',
      podIdentity,
      defaultAuthority: defaultAuthority(config.cloud),
      deps,
      http,
    });
    return {
      endpoint: `https://${account}.${await endpointSuffix('storage', 'queue.', where, deps.env)}`,
      credential: { kind: 'token', account, token },
    };
  };

  const get = async (path: string, query: Record<string, string>, signal: AbortSignal) => {
    target ??= resolveTarget();
    // A description of the cloud that cannot be read now may be readable next time.
    target.catch(() => {
      target = undefined;
    });
    return storageGet(http, deps.clock, await target, path, query, signal);
  };
  const queue = encodeURIComponent(config.queueName);

  const countAll = async (signal: AbortSignal): Promise<number> => {
    const { headers } = await get(queue, { comp: 'metadata' }, signal);
    const text = headers['x-ms-approximate-messages-count'] ?? '';
    if (!/^\d+$/.test(text))
      throw new WindlassError(
        'SourceAnswerInvalid',
        `queue "${config.queueName}" was described without a message count`,
        {
          hint: 'check that the connection leads to a queue endpoint',
        },
      );
    return Number(text);
  };

  const countVisible = async (signal: AbortSignal): Promise<number> => {
    const { body } = await get(`${queue}/messages`, { peekonly: 'true', numofmessages: String(MOST_PEEKED) }, signal);
    if (!body.includes('<QueueMessagesList'))
      throw new WindlassError(
        'SourceAnswerInvalid',
        `a look into queue "${config.queueName}" gave no list of messages`,
        {
          hint: 'check that the connection leads to a queue endpoint',
        },
      );
    // The messages' own texts are escaped, so this tag is never one of theirs.
    return body.split('<QueueMessage>').length - 1;
  };

  const read = async (signal: AbortSignal): Promise<Reading> => {
    if (config.queueLengthStrategy === 'visibleonly') {
      const visible = await countVisible(signal);
      if (visible < MOST_PEEKED) return { value: visible };
    }
    return { value: await countAll(signal) };
  };

  return {
    read,
    async check(signal) {
      const { value } = await read(signal);
      return { ok: true, message: `queue "${config.queueName}" holds ${value} messages` };
    },
    close: () => http.close(),
  };
}
