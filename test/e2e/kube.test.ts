import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { loadConnection } from '../../src/kube/config.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import { describeKubeRuntime } from '../support/kube-suite.ts';

describeKubeRuntime(async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-kube-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  const sandbox = await startSandbox({ clock: systemClock, log: silentLogger, kubeconfig, controllers: false });
  return {
    connection: await loadConnection({ kubeconfig, env: {} }),
    async stop() {
      await sandbox.stop();
      await rm(folder, { recursive: true });
    },
  };
});
