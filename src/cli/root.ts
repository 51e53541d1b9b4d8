import { type CommandDefinition, defineCommand } from './command.ts';

/** Commands load when they are named, so that `windlass lint` costs nothing of the operator. */
function lazily(summary: Omit<CommandDefinition, 'run'>, load: () => Promise<NonNullable<CommandDefinition['run']>>): CommandDefinition {
  return { ...summary, run: async (context) => (await load())(context) };
}

/** The command line `windlass`. */
export const root = defineCommand({
  name: 'windlass',
  summary: 'Event-driven autoscaling for Kubernetes: workloads from zero to many and back, Jobs for queued work',
  options: {},
  examples: [
    { command: 'windlass demo', what: 'Tell the main story on real input, on this machine' },
    { command: 'windlass sandbox', what: 'A small cluster with the operator in it, for kubectl' },
    { command: 'windlass lint -f scaledobject.yaml', what: 'Every problem of a manifest, with file, line and field' },
  ],
  subcommands: [
    lazily(
      {
        name: 'trigger check',
        summary: '',
        options: {},
        examples: [],
      },
      async () => async () => 0,
    ),
  ],
});
