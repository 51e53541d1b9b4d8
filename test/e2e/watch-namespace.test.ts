import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, NAMESPACES, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

// The first namespace that a world makes.
const it = worldTest({ env: { WATCH_NAMESPACE: 'test-1' } });

describe('an operator with WATCH_NAMESPACE', () => {
  it('runs what is in that namespace and touches nothing elsewhere', async ({ world, ns, source }) => {
    expect(ns.name).toBe('test-1');
    const elsewhere = await world.namespace();
    const other = await startMetricSource(5);
    source.answer = 5;
    await elsewhere.apply(aDeployment('web', 0), aScaler('web', [other.trigger()]));
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=5`);
    await source.asks(3);
    expect(other.asked).toBe(0);
    expect((await elsewhere.get(SCALED_OBJECTS, 'web')).status).toBeUndefined();
    expect(await elsewhere.list(HORIZONTAL_POD_AUTOSCALERS)).toEqual([]);
    await elsewhere.delete(SCALED_OBJECTS, 'web');
    await elsewhere.gone(SCALED_OBJECTS, 'web');
    await world.client.delete(NAMESPACES, elsewhere.name);
    await other.stop();
  });
});
