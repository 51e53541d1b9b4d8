import { describe, expect, test } from 'vitest';
import type { Trigger } from '../api/index.ts';
import { formatPath } from '../spec/object-path.ts';
import { judgeTrigger, type TriggerSurroundings } from './judge-trigger.ts';
import { nothingKnown, nothingThere } from './partly-known.ts';

const around = (over: Partial<TriggerSurroundings> = {}): TriggerSurroundings => ({
  context: {
    triggerIndex: 1,
    namespace: 'shop',
    objectName: 'worker',
    objectKind: 'ScaledObject',
    triggerName: undefined,
    metricType: undefined,
    asMetricSource: false,
  },
  parameters: nothingThere(),
  podIdentity: { provider: 'none' },
  environment: nothingKnown(),
  ...over,
});
const errorsOf = (trigger: Trigger, over?: Partial<TriggerSurroundings>) =>
  judgeTrigger(trigger, around(over)).flatMap(({ path, severity }) => (severity === 'error' ? [formatPath(path)] : []));

const queue = (metadata: Record<string, string>): Trigger => ({ type: 'azure-queue', metadata });
const unknown = { parameters: nothingKnown(), podIdentity: undefined };
const at = 'spec.triggers[1]';

describe('what is wrong with a trigger when', () => {
  test.each<[string, Trigger, Partial<TriggerSurroundings>, string[]]>([
    ['it has all it needs', queue({ queueName: 'q', connectionFromEnv: 'C' }), {}, []],
    ['nothing gives a connection', queue({ queueName: 'q' }), {}, [`${at}.metadata.connection`]],
    ['an unknown authentication may give one', queue({ queueName: 'q' }), unknown, []],
    ['an unknown identity may stand in for one', queue({ queueName: 'q', accountName: 'a' }), unknown, []],
    [
      'a number is none, whatever the authentication gives',
      queue({ queueName: 'q', queueLength: 'x' }),
      unknown,
      [`${at}.metadata.queueLength`],
    ],
    ['its type does not exist', { type: 'azure-queu', metadata: {} }, unknown, [`${at}.type`]],
  ])('%s', (_, trigger, over, expected) => {
    expect(errorsOf(trigger, over)).toEqual(expected);
  });
});
