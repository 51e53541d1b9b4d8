import { defineCommand } from '../command.ts';

export const lint = defineCommand({
  name: 'lint',
  summary: 'Name every problem of manifests, with file, line and field',
  usage: '[FILE...]',
  description: `
Checks ScaledObjects, ScaledJobs, TriggerAuthentications and CloudEventSources by the same rules as the admission
webhook, and their triggers by the same rules as the operator. Needs no cluster. Other kinds in the files (Secrets,
ConfigMaps, Deployments) are used to resolve references. Ends with 1 when there is an error, 0 otherwise.
`,
  options: {
    filename: {
      type: 'string',
      short: 'f',
      argument: 'FILE',
      multiple: true,
      description: 'A manifest file, or - for standard input',
    },
    format: { type: 'string', argument: 'text|json', default: 'text', description: 'How to print findings' },
  },
  examples: [
    { command: 'windlass lint -f deploy.yaml -f scaledobject.yaml', what: 'Check two files together' },
    {
      command: 'helm template . | windlass lint -f - --format json',
      what: 'Check what a chart renders, for a program',
    },
  ],
  async run({ options, args, print, stdin }) {
    const { runLint } = await import('../lint/index.ts');
    const files = [...((options.filename as string[] | undefined) ?? []), ...args];
    return runLint({ files, format: String(options.format), stdin, write: print });
  },
});
