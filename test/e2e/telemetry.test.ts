import { expect } from 'vitest';
import { DEPLOYMENTS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC } from '../support/metric-source.ts';
import { aDeployment, aScaler, type World } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const here = { host: '127.0.0.1', port: 0 };
const test = worldTest({ more: { telemetry: { metrics: here, health: here } } });

/** Reads the series of a scrape whose text holds every one of the words. */
async function scrape(world: World, ...words: string[]): Promise<string[]> {
  const answer = await fetch(`http://127.0.0.1:${world.operator.telemetry.metricsPort}/metrics`);
  const lines = (await answer.text()).split('\n').filter((line) => !line.startsWith('#'));
  return lines.filter((line) => words.every((word) => line.includes(word)));
}

test('the series that KEDA has are there while the object is, and go with it', async ({ world, ns, source }) => {
  source.answer = 35;
  const cpu = { type: 'cpu', metricType: 'Utilization', metadata: { value: '60' } };
  const resources = { requests: { cpu: '100m' } };
  await ns.apply(aDeployment('web', 0, { resources }), aScaler('web', [source.trigger(), cpu]));
  const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
  await eventually(() => replicas.includes(1));
  await source.asks(2);

  const own = `namespace="${ns.name}",scaledObject="web"`;
  const http = `{metric="${METRIC}",${own},scaler="metricsAPIScaler",triggerIndex="0",type="scaledobject"}`;
  await eventually(async () =>
    expect((await scrape(world, ns.name)).map((line) => line.replace(/ [\d.e-]+$/, ''))).toEqual(
      expect.arrayContaining([
        `keda_scaler_active${http}`,
        `keda_scaler_metrics_value${http}`,
        `keda_scaler_metrics_latency_seconds${http}`,
        `keda_scaler_detail_errors_total${http}`,
        `keda_scaled_object_errors_total{${own}}`,
        `keda_scaled_object_paused{${own}}`,
        `keda_internal_scale_loop_latency_seconds{namespace="${ns.name}",resource="web",type="scaledobject"}`,
        `keda_resource_registered_total{namespace="${ns.name}",type="scaled_object"}`,
        `keda_scaler_http_requests_total{metric_name="${METRIC}",namespace="${ns.name}",scaled_resource="web",scaler="metrics-api",status_code="200",trigger_name=""}`,
      ]),
    ),
  );
  expect(await scrape(world, 'keda_scaler_metrics_value', ns.name)).toEqual([`keda_scaler_metrics_value${http} 35`]);
  expect((await scrape(world, 'keda_scaler_active', ns.name)).sort()).toEqual([
    `keda_scaler_active{metric="cpu",${own},scaler="cpuMemoryScaler",triggerIndex="1",type="scaledobject"} 1`,
    `keda_scaler_active${http} 1`,
  ]);
  expect(await scrape(world, 'keda_trigger_registered_total')).toEqual([
    'keda_trigger_registered_total{type="metrics-api"} 1',
    'keda_trigger_registered_total{type="cpu"} 1',
  ]);
  expect((await scrape(world, 'keda_build_info'))[0]).toMatch(/version="\d+\.\d+\.\d+".* 1$/);

  source.answer = { status: 503 };
  await eventually(async () => {
    const [errors] = await scrape(world, 'keda_scaler_detail_errors_total', METRIC);
    expect(Number(errors?.split(' ').at(-1))).toBeGreaterThan(0);
    expect(await scrape(world, 'keda_scaler_http_requests_total', 'status_code="503"')).toHaveLength(1);
  });

  await ns.patch(SCALED_OBJECTS, 'web', { spec: { minReplicaCount: 1, triggers: [cpu] } });
  await eventually(async () => {
    expect(await scrape(world, 'keda_scaler_active', ns.name)).toEqual([expect.stringContaining('metric="cpu"')]);
    expect(await scrape(world, 'keda_scaler_metrics_value', ns.name)).toEqual([]);
  });

  await ns.delete(SCALED_OBJECTS, 'web');
  await ns.gone(SCALED_OBJECTS, 'web');
  await eventually(async () =>
    expect(await scrape(world, ns.name)).toEqual([
      `keda_resource_registered_total{namespace="${ns.name}",type="scaled_object"} 0`,
    ]),
  );
});

test('the value of a formula is told under the name that the HPA asks for', async ({ world, ns, source }) => {
  source.answer = 20;
  const scalingModifiers = { formula: 'depth * 2', target: '10', activationTarget: '50' };
  await ns.apply(
    aDeployment('web', 0),
    aScaler('web', [source.trigger({ name: 'depth' })], { advanced: { scalingModifiers } }),
  );
  const value = async (name: string) =>
    (await scrape(world, name, ns.name, '"composite-metric"'))[0]?.split(' ').at(-1);
  await eventually(async () => expect(await value('keda_scaler_metrics_value')).toBe('40'));
  expect(await value('keda_scaler_active')).toBe('0');
  source.answer = 30;
  await eventually(async () => expect(await value('keda_scaler_active')).toBe('1'));
});

test('probes tell whether the operator can serve', async ({ world }) => {
  const get = (path: string) => fetch(`http://127.0.0.1:${world.operator.telemetry.healthPort}${path}`);
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(200);
  expect((await get('/metrics')).status).toBe(404);
});
