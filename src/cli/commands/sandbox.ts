import { defineCommand } from '../command.ts';

export const sandbox = defineCommand({
  name: 'sandbox',
  summary: 'Start a small Kubernetes-compatible cluster with the operator in it, and keep it up',
  description: `
The cluster lives in this process and listens on 127.0.0.1 only. It takes kubectl: point KUBECONFIG at the file that is
printed. Pods are processes on this machine; --programs says which program stands for which image, and a pod whose
image has none is simulated. What the sandbox does not do is listed in src/sandbox/DIFFERENCES.md.
Ctrl-C stops it and everything it started.
`,
  options: {
    port: { type: 'string', argument: 'PORT', default: '0', description: 'Port of the API server; 0 is a free one' },
    kubeconfig: {
      type: 'string',
      argument: 'FILE',
      default: '.cache/sandbox/kubeconfig',
      description: 'Where to write the kubeconfig',
    },
    'data-dir': {
      type: 'string',
      argument: 'FOLDER',
      description: 'Keep objects in this folder, so that they are there again after a restart',
    },
    programs: { type: 'string', argument: 'FILE', description: 'YAML file of image: [command, argument]' },
    operator: {
      type: 'string',
      argument: 'yes|no',
      default: 'yes',
      description: 'Run the operator in the cluster; no leaves that to `windlass operator`',
    },
    verbose: { type: 'boolean', short: 'v', description: 'Show what the cluster and the operator do' },
  },
  examples: [
    {
      command: 'windlass sandbox --programs examples/programs.yaml',
      what: 'A cluster in which the example images run as the example programs',
    },
    {
      command: 'KUBECONFIG=.cache/sandbox/kubeconfig kubectl get scaledobjects',
      what: 'Look into it from another terminal',
    },
  ],
  async run({ options, env, print, signal }) {
    const { runSandbox } = await import('../sandbox.ts');
    return runSandbox({
      port: String(options.port),
      kubeconfig: String(options.kubeconfig),
      dataDir: options['data-dir'] as string | undefined,
      programs: options.programs as string | undefined,
      operator: options.operator !== 'no',
      verbose: options.verbose === true,
      env,
      print,
      signal,
    });
  },
});
