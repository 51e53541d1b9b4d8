import { defineCommand } from './command.ts';
import { demo } from './commands/demo.ts';
import { explain } from './commands/explain.ts';
import { lint } from './commands/lint.ts';
import { operator } from './commands/operator.ts';
import { sandbox } from './commands/sandbox.ts';
import { scalers } from './commands/scalers.ts';
import { trigger } from './commands/trigger.ts';

/** The command line `windlass`. Definitions are data; what a command needs is imported when it runs. */
export const root = defineCommand({
  name: 'windlass',
  summary: 'Event-driven autoscaling for Kubernetes: workloads from zero to many and back, Jobs for queued work',
  options: {},
  examples: [
    { command: 'windlass demo', what: 'Tell the main story on real input, on this machine' },
    { command: 'windlass sandbox', what: 'Start a small cluster with the operator in it, for kubectl' },
    {
      command: 'windlass lint -f scaledobject.yaml',
      what: 'Name every problem of a manifest, with file, line and field',
    },
  ],
  subcommands: [demo, sandbox, operator, explain, lint, scalers, trigger],
});
