import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, JOBS, SCALED_JOBS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { type ExternalScalerServer, startExternalScaler } from '../servers/external-scaler.ts';
import { eventually } from '../support/eventually.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest()
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures are needed
  .extend('server', async ({}, { onCleanup }): Promise<ExternalScalerServer> => {
    const server = await startExternalScaler();
    onCleanup(() => server.stop());
    return server;
  });

const trigger = ({ address }: ExternalScalerServer, type = 'external-push', more: object = {}) => ({
  type,
  metadata: { scalerAddress: address },
  ...more,
});
const HOUR = { pollingInterval: 3_600 };
const ready = (ns: TestNamespace) => ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
const metricsOf = async (ns: TestNamespace) => {
  const hpa = await ns.find(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
  return hpa?.spec.metrics.map((metric: { external: { metric: { name: string }; target: object } }) => [
    metric.external.metric.name,
    metric.external.target,
  ]);
};
const following = (server: ExternalScalerServer) => eventually(() => server.streams('StreamIsActive') === 1);

describe.concurrent('an external-push trigger', () => {
  it('starts the workload when it is told to, long before the next poll', async ({ ns, server }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [trigger(server)], HOUR));
    await ready(ns);
    await following(server);
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    server.push(false);
    server.push(true);
    await eventually(() => replicas.at(-1) === 1, 2_000);
    expect(server.calls.at(-1)?.ref).toMatchObject({ name: 'web', namespace: ns.name });
  });

  it('is put to rest by polls, not by the stream', async ({ ns, server }) => {
    server.active = true;
    await ns.apply(aDeployment('web', 0), aScaler('web', [trigger(server)], { pollingInterval: 1, cooldownPeriod: 0 }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1)! > 0);
    await following(server);
    server.push(false);
    const asked = server.calls.length;
    await eventually(() => server.calls.length > asked + 6);
    expect(replicas.at(-1)).toBeGreaterThan(0);
    server.active = false;
    await eventually(() => replicas.at(-1) === 0, 10_000);
  });

  it('is told of its object only', async ({ ns, server }) => {
    await ns.apply(
      aDeployment('web', 0),
      aDeployment('other', 0),
      aScaler('web', [trigger(server)], HOUR),
      aScaler('other', [trigger(server)], HOUR),
    );
    await eventually(() => server.streams('StreamIsActive') === 2);
    const web = ns.replicasOf(DEPLOYMENTS, 'web');
    const other = ns.replicasOf(DEPLOYMENTS, 'other');
    server.push(true, 'web');
    await eventually(() => web.at(-1) === 1);
    expect(other).not.toContain(1);
  });

  it('goes past a formula, as it does for KEDA', async ({ ns, server }) => {
    server.values.set('orders', [{ metricName: 'orders', metricValueFloat: 0 }]);
    const advanced = { scalingModifiers: { formula: 'orders + 0', target: '5', activationTarget: '100' } };
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [trigger(server, 'external-push', { name: 'orders' })], { ...HOUR, advanced }),
    );
    await ready(ns);
    await following(server);
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    server.push(true);
    await eventually(() => replicas.at(-1) === 1, 2_000);
  });

  it('starts the workload although its values cannot be read', async ({ ns, server }) => {
    server.behaviour.set('GetMetrics', { code: status.INTERNAL, details: 'no values today' });
    await ns.apply(aDeployment('web', 0), aScaler('web', [trigger(server)], HOUR));
    await following(server);
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    server.push(true);
    await eventually(() => replicas.at(-1) === 1, 2_000);
  });

  it('gets over the end of its server: an event, polls, and the stream again', async ({ ns, server }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [trigger(server)], { pollingInterval: 3_600 }));
    await ready(ns);
    await following(server);
    server.push(false);
    await eventually(async () => (await ns.condition(SCALED_OBJECTS, 'web', 'Active'))?.startsWith('False'));
    // No poll sees this within the hour, and no stream tells it.
    server.active = true;
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    server.endStreams(status.UNAVAILABLE);
    const lost = await eventually(async () => {
      const found = (await ns.events('web')).filter(({ note }) => note.includes('lost its stream'));
      return found.length > 0 && found;
    });
    expect(lost).toMatchObject([{ type: 'Warning', reason: 'KEDAScalerFailed' }]);
    // What was missed meanwhile is asked for when the stream is back.
    await eventually(() => replicas.at(-1) === 1);
    await following(server);
  });

  it('changes the targets of the HPA when the stream or a poll brings others', async ({ ns, server }) => {
    await ns.apply(
      aDeployment('web', 1),
      aScaler('web', [trigger(server)], { pollingInterval: 1, minReplicaCount: 1 }),
    );
    await eventually(async () =>
      expect(await metricsOf(ns)).toEqual([['s0-orders', { type: 'AverageValue', averageValue: '5' }]]),
    );
    await eventually(() => server.streams('StreamMetricSpec') === 1);
    server.pushSpecs([
      { metricName: 'orders', targetSizeFloat: 7.5 },
      { metricName: 'parcels', targetSize: 1_000 },
    ]);
    await eventually(async () =>
      expect(await metricsOf(ns)).toEqual([
        ['s0-orders', { type: 'AverageValue', averageValue: '7500m' }],
        ['s0-parcels', { type: 'AverageValue', averageValue: '1k' }],
      ]),
    );
    expect((await ns.get(SCALED_OBJECTS, 'web')).status.externalMetricNames).toEqual(['s0-orders', 's0-parcels']);
    server.specs = [{ metricName: 'orders', targetSize: 9 }];
    await eventually(async () =>
      expect(await metricsOf(ns)).toEqual([['s0-orders', { type: 'AverageValue', averageValue: '9' }]]),
    );
  });

  it('makes Jobs of a ScaledJob at once', async ({ ns, server }) => {
    await ns.apply({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledJob',
      metadata: { name: 'work' },
      spec: {
        jobTargetRef: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'none' }] } } },
        pollingInterval: 3_600,
        triggers: [trigger(server)],
      },
    });
    server.values.set('orders', [{ metricName: 'orders', metricValueFloat: 0 }]);
    await ns.becomes(SCALED_JOBS, 'work', 'Ready', 'True/ScaledJobReady');
    await following(server);
    server.values.set('orders', [{ metricName: 'orders', metricValueFloat: 10 }]);
    server.active = true;
    server.push(true);
    await eventually(async () => expect(await ns.list(JOBS)).toHaveLength(2));
  });
});

describe.concurrent('an external trigger', () => {
  it('scales on several metrics, each with its own value and target', async ({ ns, server }) => {
    server.active = true;
    server.specs = [
      { metricName: 'orders', targetSizeFloat: 5 },
      { metricName: 'parcels', targetSize: 10 },
    ];
    server.values.set('parcels', [{ metricName: 'parcels', metricValue: 40 }]);
    await ns.apply(aDeployment('web', 0), aScaler('web', [trigger(server, 'external')], { maxReplicaCount: 10 }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    // 12 orders by 5 want three replicas, 40 parcels by 10 want four.
    await eventually(() => replicas.at(-1) === 4, 20_000);
    expect(await ns.externalMetric('web', 's0-orders')).toContain('12');
    expect(await ns.externalMetric('web', 's0-parcels')).toContain('40');
    expect(server.streams()).toBe(0);
  });

  it('is not ready before the scaler answers, and is then by itself', async ({ ns, server }) => {
    server.active = true;
    server.behaviour.set('GetMetricSpec', { code: status.UNAVAILABLE, details: 'warming up' });
    await ns.apply(aDeployment('web', 0), aScaler('web', [trigger(server, 'external')]));
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/ScaledObjectCheckFailed');
    expect(JSON.stringify((await ns.get(SCALED_OBJECTS, 'web')).status.conditions)).toContain('warming up');
    expect(await metricsOf(ns)).toBeUndefined();
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    server.behaviour.clear();
    await eventually(() => replicas.at(-1)! > 0, 20_000);
    await ready(ns);
  });
});

describe('an operator that starts anew while the scaler is away', () => {
  it('changes nothing, scales on the other triggers, and goes on when the scaler is back', async ({
    ns,
    server,
    source,
    world,
  }) => {
    server.specs = [
      { metricName: 'orders', targetSizeFloat: 7.5 },
      { metricName: 'parcels', targetSize: 1_000 },
    ];
    await ns.apply(aDeployment('web', 0), aScaler('web', [trigger(server), source.trigger()]));
    await ready(ns);
    const before = await ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
    await server.stop();
    await world.startOperator();
    source.answer = 5;
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1, 10_000);
    const after = await ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
    expect(after.metadata.generation).toBe(before.metadata.generation);
    expect(after.spec).toEqual(before.spec);
    expect(await ns.condition(SCALED_OBJECTS, 'web', 'Ready')).not.toContain('ScaledObjectCheckFailed');
    const back = await startExternalScaler({ port: server.port });
    try {
      back.specs = [{ metricName: 'orders', targetSizeFloat: 2 }];
      await eventually(
        async () =>
          expect((await metricsOf(ns))[0]).toEqual(['s0-orders', { type: 'AverageValue', averageValue: '2' }]),
        20_000,
      );
    } finally {
      await back.stop();
    }
  });
});

describe('the guide', () => {
  it('has a manifest that works', async ({ ns, server }) => {
    const guide = readFileSync(new URL('../../docs/guides/external-scalers.md', import.meta.url), 'utf8');
    const manifest = /```yaml\n([^`]+)```/.exec(guide)?.[1] ?? '';
    await ns.apply(aDeployment('worker', 0), manifest.replace('orders-scaler.shop.svc:6000', server.address));
    await following(server);
    const replicas = ns.replicasOf(DEPLOYMENTS, 'worker');
    server.push(true);
    await eventually(() => replicas.at(-1) === 1, 2_000);
    expect(server.calls[0]?.ref.scalerMetadata).toEqual({ scalerAddress: server.address, queue: 'orders' });
  });
});
