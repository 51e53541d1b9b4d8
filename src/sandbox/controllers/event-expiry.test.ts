import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../../test/support/controllers-cluster.ts';
import { EVENTS, JOBS } from './kinds.ts';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startTestCluster();
});
afterEach(() => cluster.stop());

it('events are there for an hour and gone five minutes later at the latest', async () => {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
  await cluster.create(JOBS, { metadata: { name: 'work' }, spec: { template } });
  expect(cluster.api.list(EVENTS)).toHaveLength(1);
  await cluster.settle(3_599_000);
  expect(cluster.api.list(EVENTS)).toHaveLength(1);
  await cluster.settle(301_000);
  expect(cluster.api.list(EVENTS)).toHaveLength(0);
});
