import { ensureBinaries } from '../../../tools/cluster/build.ts';

/** Once before the tests of the project `cluster`: builds the programs when they are missing, and says how far it is. */
export async function setup(): Promise<void> {
  if (process.env.KUBEBUILDER_ASSETS || process.env.WINDLASS_TEST_KUBECONFIG) return;
  await ensureBinaries({ log: (line) => process.stderr.write(`${line}\n`) });
}
