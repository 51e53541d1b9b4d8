import { configDefaults, defineConfig } from 'vitest/config';

/** What runs programs beside the tests (helm, kubectl, an image, operators and commands): slower, so it comes after the rest. */
const PROCESSES = [
  'test/chart/**/*.test.ts',
  'test/e2e/{certificates,commands,image,jobs-restart,kubectl,raw-metrics,replicas,rights}.test.ts',
];

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    // Deadlines of waits, not of work: a busy machine may take its time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        // Modules hold no state, so files can share them: half the time.
        test: { name: 'unit', include: ['src/**/*.test.ts', 'tools/**/*.test.ts'], isolate: false, maxWorkers: 2 },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          // They mostly wait: for a poll, a cooldown, a process.
          maxWorkers: 4,
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...PROCESSES, 'test/cluster/**', 'test/node/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: { name: 'processes', maxWorkers: 2, include: PROCESSES, testTimeout: 120_000, hookTimeout: 120_000 },
      },
      {
        // On a real control plane, each file on one of its own, two at a time: they mostly wait. The stories of scaling run
        // here and in `e2e`.
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts', 'test/e2e/{scaled-*,steady-state}.test.ts'],
          env: { WINDLASS_TEST_CLUSTER: 'control-plane' },
          globalSetup: 'test/support/cluster/setup.ts',
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // With kubelet and containers, where the machine allows it; see tools/test.ts.
        extends: true,
        test: {
          name: 'node',
          include: ['test/node/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
