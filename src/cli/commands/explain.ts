import { defineCommand } from '../command.ts';

/** Where an operator tells its decisions unless it is told otherwise. */
export const EXPLAIN_ADDRESS = '127.0.0.1:8082';

export const explain = defineCommand({
  name: 'explain',
  summary: 'Say why a ScaledObject or ScaledJob was scaled, or was not',
  usage: 'KIND NAME',
  description: `
Asks the operator for its latest decisions about one object and prints them, newest last: what each trigger said, what
was done, and by which rule. Decisions that only repeat the one before are shown once, with the newest readings. The
operator keeps them in memory, up to 50 an object, and tells them on loopback alone; in a cluster, forward the port:
  kubectl -n keda port-forward deployment/keda-operator 8082
`,
  options: {
    namespace: {
      type: 'string',
      short: 'n',
      argument: 'NAME',
      default: 'default',
      description: 'Namespace of the object',
    },
    address: {
      type: 'string',
      argument: 'URL',
      default: `http://${EXPLAIN_ADDRESS}`,
      env: 'WINDLASS_EXPLAIN_ADDRESS',
      description: 'Where the operator tells its decisions',
    },
    format: { type: 'string', argument: 'text|json', default: 'text', description: 'How to print them' },
  },
  examples: [
    { command: 'windlass explain scaledobject web', what: 'Why web has the replicas that it has' },
    { command: 'windlass explain sj orders -n shop --format json', what: 'The same of a ScaledJob, for a program' },
  ],
  async run({ options, args, print, signal }) {
    const { runExplain } = await import('../explain.ts');
    return runExplain({
      args,
      namespace: String(options.namespace),
      address: String(options.address),
      format: String(options.format),
      print,
      signal,
    });
  },
});
