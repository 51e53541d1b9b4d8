import { WindlassError } from '../../base/errors.ts';
import { createAwsService } from '../_aws/request.ts';
import type { Reading, Scaler, ScalerDeps } from '../definition.ts';
import type { Config } from './definition.ts';
import { queueNameOf } from './queue-name.ts';

/** Counts the messages of an SQS queue: those that wait and, as configured, those in flight and delayed. */
export function createScaler(config: Config, deps: ScalerDeps): Scaler {
  const sqs = createAwsService({ service: 'sqs', target: 'AmazonSQS', config, deps });
  const name = queueNameOf(config.queueURL);
  // Only what counts is asked for (KEDA 2.21).
  const attributes = [
    'ApproximateNumberOfMessages',
    ...(config.scaleOnInFlight ? ['ApproximateNumberOfMessagesNotVisible'] : []),
    ...(config.scaleOnDelayed ? ['ApproximateNumberOfMessagesDelayed'] : []),
  ];

  const read = async (signal: AbortSignal): Promise<Reading> => {
    const answer = await sqs.ask(
      'GetQueueAttributes',
      { QueueUrl: config.queueURL, AttributeNames: attributes },
      signal,
    );
    const found = (answer.Attributes ?? {}) as Record<string, unknown>;
    let value = 0;
    for (const attribute of attributes) {
      const text = String(found[attribute] ?? '');
      if (!/^\d+$/.test(text))
        throw new WindlassError('SourceAnswerInvalid', `SQS described queue "${name}" without ${attribute}`, {
          hint: 'check awsEndpoint: this is not an answer of SQS',
        });
      value += Number(text);
    }
    return { value };
  };

  return {
    read,
    async check(signal) {
      const { value } = await read(signal);
      return { ok: true, message: `queue "${name}" holds ${value} messages` };
    },
    close: () => sqs.close(),
  };
}
