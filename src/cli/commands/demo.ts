import { defineCommand } from '../command.ts';

export const demo = defineCommand({
  name: 'demo',
  summary: 'Tell a story on real input: a real queue, a cluster in this process, real worker processes',
  usage: '[STORY]',
  description: `
Stories:
  jobs       150 messages in an Azure Storage queue, a ScaledJob, 150 Jobs (the default)
  functions  a Deployment behind a ScaledObject, flooded with 1,000 messages: from 0 to many and back to 0
Needs no account, no cluster and no Docker. Everything that was started is stopped at the end, also on Ctrl-C.
`,
  options: {
    messages: { type: 'string', argument: 'N', description: 'How many messages to send instead' },
    port: {
      type: 'string',
      argument: 'PORT',
      default: '0',
      description: "Port of the cluster's API server; 0 is a free one",
    },
    programs: {
      type: 'string',
      argument: 'FILE',
      description: 'YAML file of image: [command, argument], to try a worker of your own in the story',
    },
    verbose: { type: 'boolean', short: 'v', description: 'Show what the cluster and the operator do' },
  },
  examples: [
    { command: 'windlass demo', what: 'The story of 150 messages and 150 Jobs' },
    { command: 'windlass demo functions', what: 'The story of the flooded function' },
    {
      command: 'windlass demo --programs my-programs.yaml',
      what: 'The first story with a worker of your own for the image example.com/queue-worker:1',
    },
  ],
  async run({ options, args, env, signal }) {
    const { runDemo } = await import('../demo/run.ts');
    return runDemo({
      story: args[0] ?? 'jobs',
      messages: options.messages as string | undefined,
      port: String(options.port),
      programs: options.programs as string | undefined,
      verbose: options.verbose === true,
      env,
      signal,
    });
  },
});
