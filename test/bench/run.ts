/** Runs every bench, one after the other, so that none disturbs another: `make bench`. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** Files of this folder, with what they are called with. */
const BENCHES = [
  ['idle.ts'],
  ['metrics-api.ts'],
  ['push-latency.ts'],
  ['handover.ts'],
  ['churn.ts'],
  ['scale.ts', '200', '1000'],
] as const;

let failed = 0;
for (const [file, ...words] of BENCHES) {
  console.log(`— ${file}`);
  const { status } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, file), ...words],
    { stdio: 'inherit' },
  );
  if (status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
