import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts', 'tools/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/cluster/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // On a real control plane, each file on one of its own: one at a time. The stories of scaling run here and in `e2e`.
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts', 'test/e2e/{scaled-*,steady-state}.test.ts'],
          env: { WINDLASS_TEST_CLUSTER: 'control-plane' },
          globalSetup: 'test/support/cluster/setup.ts',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
