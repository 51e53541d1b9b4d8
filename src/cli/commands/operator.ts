import { defineCommand } from '../command.ts';
import { FLAGS, IGNORED } from '../operator/flags.ts';

export const operator = defineCommand({
  name: 'operator',
  summary: 'Run the operator against a cluster: scales workloads, creates Jobs, answers the HPA',
  description: `
Finds the cluster as kubectl does: --kubeconfig, else KUBECONFIG, else the service account of the pod it runs in, else
~/.kube/config. The CRDs (config/crd/all.yaml) have to be installed. Settings come from the environment under the names
that KEDA's operator has (WATCH_NAMESPACE, POD_NAMESPACE, KEDA_HTTP_DEFAULT_TIMEOUT and so on). Every flag of KEDA's
operator, metrics server and webhooks is taken, as in \`--x=false\` and \`-x\`; those that mean nothing here are named in
the log. docs/reference/operator-flags.md lists them all.
`,
  options: { ...FLAGS, ...IGNORED },
  goFlags: true,
  examples: [
    {
      command:
        'windlass operator --kubeconfig .cache/sandbox/kubeconfig --metrics-api-host 127.0.0.1 --secure-port 0 --reachable-at localhost',
      what: 'Run beside a sandbox that was started with --operator no',
    },
  ],
  async run({ options, env, signal, warn }) {
    const { runOperator } = await import('../operator/run.ts');
    return runOperator({ options, env, signal, warn });
  },
});
