import { createInterface } from 'node:readline';
import { describeError } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';

const check = defineCommand({
  name: 'check',
  summary: 'Check trigger configurations read from standard input, without any network',
  description: `
Reads one JSON object a line:
  {"type", "metadata", "auth", "env", "podIdentity", "metricType", "asMetricSource"}
where auth and env are already resolved, and answers one JSON object a line:
  {"valid", "errors", "metricName", "target"}
`,
  options: {},
  examples: [
    {
      command: `echo '{"type":"cron","metadata":{"timezone":"UTC","start":"0 8 * * *","end":"0 18 * * *","desiredReplicas":"3"}}' | windlass trigger check`,
      what: 'Say whether the trigger is valid, and which metric and target it gives',
    },
  ],
  async run({ stdin, print }) {
    const { checkTrigger } = await import('../../scalers/check-trigger.ts');
    for await (const line of createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() === '') continue;
      let answer: unknown;
      try {
        answer = checkTrigger(JSON.parse(line));
      } catch (error) {
        answer = { valid: false, errors: [`cannot read this line as a JSON object: ${describeError(error)}`] };
      }
      print(JSON.stringify(answer));
    }
    return 0;
  },
});

export const trigger = defineCommand({
  name: 'trigger',
  summary: 'Look at single triggers',
  options: {},
  examples: check.examples,
  subcommands: [check],
});
