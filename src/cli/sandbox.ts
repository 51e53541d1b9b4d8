import path from 'node:path';
import { systemClock } from '../base/clock.ts';
import { createLogger } from '../base/log.ts';
import { EXPLAIN_ADDRESS } from './commands/explain.ts';
import { readPrograms, startLocalCluster } from './local-cluster.ts';
import { startOperator } from './operator/operator.ts';
import { readSettings } from './operator/settings.ts';
import { parsePort } from './port.ts';

export interface SandboxRun {
  port: string;
  kubeconfig: string;
  dataDir: string | undefined;
  programs: string | undefined;
  operator: boolean;
  verbose: boolean;
  env: NodeJS.ProcessEnv;
  print(line?: string): void;
  signal: AbortSignal;
}

const EXPLAIN_PORT = Number(EXPLAIN_ADDRESS.split(':')[1]);

/** Name of the metrics API's Service, as KEDA's manifests have it. */
export const METRICS_SERVICE = 'keda-metrics-apiserver';

/** Runs the sandbox until the signal is aborted. */
export async function runSandbox(run: SandboxRun): Promise<number> {
  const { print, signal } = run;
  const clock = systemClock;
  const log = createLogger({ encoder: 'console', level: run.verbose ? 'info' : 'warn' });
  const cluster = await startLocalCluster({
    clock,
    log,
    port: parsePort(run.port),
    kubeconfig: path.resolve(run.kubeconfig),
    dataDir: run.dataDir,
    programs: run.programs === undefined ? undefined : await readPrograms(run.programs),
  });
  const stops = [() => cluster.stop()];
  let explainAt: { host: string; port: number } | undefined;
  try {
    if (run.operator) {
      const operator = await startOperator({
        client: cluster.client,
        settings: readSettings({ ...run.env, POD_NAMESPACE: 'kube-system' }),
        clock,
        log,
        env: run.env,
        metricsApi: { host: '127.0.0.1', port: 0, service: METRICS_SERVICE, reachableAt: 'localhost' },
        explain: { host: '127.0.0.1', port: EXPLAIN_PORT, elseAnyPort: true },
      });
      stops.unshift(() => operator.stop());
      await operator.ready;
      explainAt = operator.explain;
    }
    print(`The sandbox is up at ${cluster.sandbox.url}${run.operator ? ', with the operator in it' : ''}.`);
    print(`  export KUBECONFIG=${path.resolve(run.kubeconfig)}`);
    print('  kubectl get scaledobjects,scaledjobs --all-namespaces');
    if (explainAt) {
      const address = explainAt.port === EXPLAIN_PORT ? '' : ` --address http://${explainAt.host}:${explainAt.port}`;
      print(`  windlass explain scaledobject NAME${address}`);
    }
    print('Ctrl-C stops it.');
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    print('Stopping ...');
    return 0;
  } finally {
    for (const stop of stops) await stop();
  }
}
