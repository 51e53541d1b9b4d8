import { test } from 'vitest';
import { type MetricSource, startMetricSource } from './metric-source.ts';
import { startWorld, type TestNamespace, type World, type WorldOptions } from './operator.ts';

/**
 * `it` for tests of the operator: one world a file, and for each test a namespace and a source of its own, so that the
 * tests of a file run at the same time and mostly wait.
 */
export const worldTest = (options: WorldOptions = {}) =>
  test
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures are needed
    .extend('world', { scope: 'file' }, async ({}, { onCleanup }): Promise<World> => {
      const world = await startWorld(options);
      onCleanup(() => world.stop());
      return world;
    })
    // biome-ignore lint/correctness/noEmptyPattern: as above
    .extend('source', async ({}, { onCleanup }): Promise<MetricSource> => {
      const source = await startMetricSource();
      onCleanup(() => source.stop());
      return source;
    })
    .extend('ns', async ({ world }, { onCleanup }): Promise<TestNamespace> => {
      const ns = await world.namespace();
      onCleanup(() => ns.end());
      return ns;
    });
