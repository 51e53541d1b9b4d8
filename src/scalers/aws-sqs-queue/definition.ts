import { boolean, type ConfigOf, integer, string } from '../../spec/trigger-fields.ts';
import { AWS_IDENTITIES, awsFields, checkAwsIdentity } from '../_aws/fields.ts';
import { defineScaler } from '../definition.ts';
import { normalizeMetricName } from '../metric-name.ts';
import { queueNameOf } from './queue-name.ts';

const fields = {
  queueURL: string('URL of the queue.', {
    from: ['metadata', 'env'],
    required: true,
    note: 'A text that is no URL is sent to SQS as it stands, which AWS itself refuses.',
  }),
  queueLength: integer('Messages that one replica is meant to handle.', { default: '5', role: 'target' }),
  activationQueueLength: integer('Messages above which the workload is started.', { default: '0', role: 'activation' }),
  scaleOnInFlight: boolean('Whether messages count that a worker has taken but not deleted yet.', { default: 'true' }),
  scaleOnDelayed: boolean('Whether messages count that cannot be taken yet.', { default: 'false' }),
  ...awsFields,
};

export type Config = ConfigOf<typeof fields>;

export const definition = defineScaler({
  type: 'aws-sqs-queue',
  title: 'AWS SQS Queue',
  summary: 'Scales on the number of messages in an Amazon SQS queue.',
  category: 'AWS',
  scalerLabel: 'awsSqsQueueScaler',
  fields,
  podIdentity: AWS_IDENTITIES,
  validate(config, context) {
    const problems = checkAwsIdentity(config, context);
    if (config.queueURL !== undefined && queueNameOf(config.queueURL) === undefined)
      problems.push({
        field: 'queueURL',
        message: 'queueURL must end in /<account>/<name of the queue>, and nothing after it',
      });
    return problems;
  },
  advise({ queueURL }) {
    if (queueURL === undefined || URL.canParse(queueURL)) return [];
    return [{ field: 'queueURL', message: 'queueURL is not a URL; AWS answers only for the whole URL of a queue' }];
  },
  metrics: (config) => [
    {
      kind: 'external',
      name: normalizeMetricName(`aws-sqs-${queueNameOf(config.queueURL) ?? ''}`),
      target: config.queueLength,
      precision: 'int',
      activation: config.activationQueueLength,
    },
  ],
  examples: [
    {
      title: 'One replica for every five messages, with the identity of the operator',
      metadata: {
        queueURL: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders',
        queueLength: '5',
        awsRegion: 'eu-west-1',
      },
      podIdentity: 'aws',
    },
    {
      title: 'Only waiting messages, with keys from a Secret',
      metadata: {
        queueURL: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders',
        queueLength: '5',
        awsRegion: 'eu-west-1',
        scaleOnInFlight: 'false',
      },
      authentication: { awsAccessKeyID: 'AKIDEXAMPLE', awsSecretAccessKey: 'c2VjcmV0' },
    },
  ],
  load: () => import('./scaler.ts'),
});
