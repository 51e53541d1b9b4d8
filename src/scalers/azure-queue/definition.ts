import { type ConfigOf, integer, string } from '../../spec/trigger-fields.ts';
import { CLOUD_NAMES, checkCloud } from '../_azure/cloud.ts';
import { checkAzureIdentity } from '../_azure/identity-rules.ts';
import { parseStorageConnection } from '../_azure/storage-connection.ts';
import { defineScaler } from '../definition.ts';
import { normalizeMetricName } from '../metric-name.ts';
import { problemsOf } from '../problem.ts';

const fields = {
  queueName: string('Name of the queue.', { required: true }),
  queueLength: integer('Messages that one replica is meant to handle.', { default: '5', role: 'target' }),
  activationQueueLength: integer('Messages above which the workload is started.', {
    default: '0',
    role: 'activation',
  }),
  queueLengthStrategy: string('Which messages count.', {
    default: 'all',
    allowed: ['all', 'visibleonly'],
    note: '`all`: the approximate number in the queue, with those a worker has taken but not deleted. `visibleonly`: those that wait, exact below 32; with 32 or more waiting it is the approximate number again.',
  }),
  connection: string('Connection string of the storage account.', {
    from: ['auth', 'metadata', 'env'],
    secret: true,
    note: 'Account key, shared access signature, custom `QueueEndpoint` and `UseDevelopmentStorage=true` (Azurite) are read. Required without pod identity.',
  }),
  accountName: string('Name of the storage account; required with pod identity `azure-workload`.'),
  cloud: string(`The Azure cloud: ${CLOUD_NAMES.join(', ')}.`, {
    note: 'Used with pod identity only; a connection string names its own endpoint. Absent means AzurePublicCloud.',
  }),
  endpointSuffix: string(
    'End of the host name of the queue service; required with cloud `Private`, ignored otherwise.',
  ),
};

export type Config = ConfigOf<typeof fields>;

export const definition = defineScaler({
  type: 'azure-queue',
  title: 'Azure Queue Storage',
  summary: 'Scales on the number of messages in an Azure Storage queue.',
  category: 'Azure',
  scalerLabel: 'azureQueueScaler',
  fields,
  podIdentity: ['azure-workload'],
  validate(config, { podIdentity }) {
    return [
      ...checkAzureIdentity('connection', config.connection, config.accountName, podIdentity.provider),
      ...checkCloud(config.cloud, config.endpointSuffix, 'endpointSuffix'),
    ];
  },
  advise({ connection }) {
    return connection === undefined ? [] : problemsOf('connection', () => parseStorageConnection(connection, 'queue'));
  },
  metrics: (config) => [
    {
      kind: 'external',
      name: normalizeMetricName(`azure-queue-${config.queueName}`),
      target: config.queueLength,
      precision: 'int',
      activation: config.activationQueueLength,
    },
  ],
  examples: [
    {
      title: 'One replica for every five messages, with a connection string from a Secret',
      metadata: { queueName: 'orders', queueLength: '5' },
      authentication: {
        connection:
          'DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net',
      },
    },
    {
      title: 'Only waiting messages, with workload identity',
      metadata: { queueName: 'orders', queueLength: '5', queueLengthStrategy: 'visibleonly', accountName: 'shop' },
      podIdentity: 'azure-workload',
    },
  ],
  load: () => import('./scaler.ts'),
});
