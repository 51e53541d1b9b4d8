import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import type { TriggerLabels } from '../../controllers/metrics.ts';
import { createTelemetry, createTelemetryServer, parseBindAddress } from './index.ts';
import { createRegistry } from './registry.ts';

const setup = (options: { highCardinality?: boolean } = {}) => {
  const telemetry = createTelemetry({ build: { version: '1.2.3', gitCommit: 'abc' }, ...options });
  const lines = (prefix = 'keda_') =>
    [...telemetry.render()]
      .join('')
      .split('\n')
      .filter((line) => line.startsWith(prefix));
  return { telemetry, lines };
};

const trigger = (index: number, more: Partial<TriggerLabels> = {}): TriggerLabels => ({
  namespace: 'shop',
  kind: 'ScaledObject',
  object: 'web',
  scaler: 'redisScaler',
  triggerIndex: index,
  metric: `s${index}-redis-jobs`,
  ...more,
});
const read = { active: true, tookMs: 250, failed: false, value: 7 };
const labels = (index: number, object = 'web', type = 'scaledobject') =>
  `{metric="s${index}-redis-jobs",namespace="shop",scaledObject="${object}",scaler="redisScaler",triggerIndex="${index}",type="${type}"}`;

describe('series of a trigger', () => {
  it('are the four that KEDA has, with its labels', () => {
    const { telemetry, lines } = setup();
    telemetry.controllers.triggerRead(trigger(0), read);
    expect(lines('keda_scaler')).toEqual([
      `keda_scaler_active${labels(0)} 1`,
      `keda_scaler_detail_errors_total${labels(0)} 0`,
      `keda_scaler_metrics_latency_seconds${labels(0)} 0.25`,
      `keda_scaler_metrics_value${labels(0)} 7`,
    ]);
  });

  it('keep the last value while reads fail, and count the failures', () => {
    const { telemetry, lines } = setup();
    telemetry.controllers.triggerRead(trigger(0), read);
    for (let i = 0; i < 3; i++)
      telemetry.controllers.triggerRead(trigger(0), { active: false, tookMs: 3000, failed: true });
    expect(lines('keda_scaler')).toEqual([
      `keda_scaler_active${labels(0)} 0`,
      `keda_scaler_detail_errors_total${labels(0)} 3`,
      `keda_scaler_metrics_latency_seconds${labels(0)} 0.25`,
      `keda_scaler_metrics_value${labels(0)} 7`,
    ]);
  });

  it('of a ScaledJob carry its type', () => {
    const { telemetry, lines } = setup();
    telemetry.controllers.triggerRead(trigger(0, { kind: 'ScaledJob', object: 'job' }), read);
    expect(lines('keda_scaler_active')).toEqual([`keda_scaler_active${labels(0, 'job', 'scaledjob')} 1`]);
  });

  it('go when the trigger or the object goes, and only those', () => {
    const { telemetry, lines } = setup();
    const { controllers } = telemetry;
    for (const index of [0, 1]) controllers.triggerRead(trigger(index), read);
    controllers.triggerRead(trigger(0, { kind: 'ScaledJob' }), read);
    controllers.forgetTriggers('ScaledObject', 'shop', 'web', [trigger(1)]);
    expect(lines('keda_scaler_active')).toEqual([
      `keda_scaler_active${labels(1)} 1`,
      `keda_scaler_active${labels(0, 'web', 'scaledjob')} 1`,
    ]);
    controllers.forgetTriggers('ScaledObject', 'shop', 'web', []);
    controllers.forgetTriggers('ScaledJob', 'shop', 'web', []);
    expect(lines('keda_scaler')).toEqual([]);
  });
});

describe('series of objects', () => {
  it('count objects and triggers as they come, change and go', () => {
    const { telemetry, lines } = setup();
    const { controllers } = telemetry;
    const web = { kind: 'ScaledObject', namespace: 'shop', name: 'web' };
    controllers.registered(web, ['redis', 'cron']);
    controllers.registered(web, ['redis', 'redis']);
    controllers.registered({ kind: 'ClusterTriggerAuthentication', namespace: '', name: 'a' }, []);
    expect(lines('keda_trigger_registered_total')).toEqual([
      'keda_trigger_registered_total{type="redis"} 2',
      'keda_trigger_registered_total{type="cron"} 0',
    ]);
    expect(lines('keda_resource_registered_total')).toEqual([
      'keda_resource_registered_total{namespace="shop",type="scaled_object"} 1',
      'keda_resource_registered_total{namespace="default",type="cluster_trigger_authentication"} 1',
    ]);
    controllers.unregistered(web);
    controllers.unregistered(web);
    expect(lines('keda_resource_registered_total')[0]).toBe(
      'keda_resource_registered_total{namespace="shop",type="scaled_object"} 0',
    );
  });

  it('begin at zero failures and leave nothing behind', () => {
    const { telemetry, lines } = setup();
    const { controllers } = telemetry;
    controllers.registered({ kind: 'ScaledObject', namespace: 'shop', name: 'web' }, []);
    controllers.registered({ kind: 'ScaledJob', namespace: 'shop', name: 'job' }, []);
    controllers.objectError('ScaledJob', 'shop', 'job');
    controllers.paused('ScaledObject', 'shop', 'web', true);
    expect([...lines('keda_scaled')]).toEqual([
      'keda_scaled_job_errors_total{namespace="shop",scaledJob="job"} 1',
      'keda_scaled_object_errors_total{namespace="shop",scaledObject="web"} 0',
      'keda_scaled_object_paused{namespace="shop",scaledObject="web"} 1',
    ]);
    controllers.unregistered({ kind: 'ScaledObject', namespace: 'shop', name: 'web' });
    controllers.unregistered({ kind: 'ScaledJob', namespace: 'shop', name: 'job' });
    expect(lines('keda_scaled')).toEqual([]);
  });
});

describe('other series', () => {
  it('tell the build', () => {
    const [line] = setup().lines('keda_build_info');
    expect(line).toMatch(
      /^keda_build_info\{git_commit="abc",goarch="\w+",goos="\w+",goversion="v\d.*",version="1.2.3"\} 1$/,
    );
  });

  it('count the HTTP requests of scalers', () => {
    const { telemetry, lines } = setup();
    const request = {
      kind: 'ScaledObject' as const,
      namespace: 'shop',
      object: 'web',
      scaler: 'prometheus',
      triggerName: 't',
      metric: 's0-prometheus',
    };
    telemetry.controllers.scalerRequest({ ...request, statusCode: 200, tookMs: 30 });
    telemetry.controllers.scalerRequest({ ...request, statusCode: undefined, tookMs: 20_000 });
    const own = 'metric_name="s0-prometheus",namespace="shop",scaled_resource="web",scaler="prometheus"';
    expect(lines('keda_scaler_http_requests_total')).toEqual([
      `keda_scaler_http_requests_total{${own},status_code="200",trigger_name="t"} 1`,
      `keda_scaler_http_requests_total{${own},status_code="error",trigger_name="t"} 1`,
    ]);
    const seconds = lines('keda_scaler_http_request_duration_seconds');
    const ok = 'scaler="prometheus",status_code="200"}';
    expect(seconds).toContain(`keda_scaler_http_request_duration_seconds_bucket{le="0.025",${ok} 0`);
    expect(seconds).toContain(`keda_scaler_http_request_duration_seconds_bucket{le="0.05",${ok} 1`);
    expect(seconds).toContain(`keda_scaler_http_request_duration_seconds_bucket{le="+Inf",${ok} 1`);
    expect(seconds).toContain(`keda_scaler_http_request_duration_seconds_sum{${ok} 0.03`);
  });

  it('give the duration all six labels when asked to', () => {
    const { telemetry, lines } = setup({ highCardinality: true });
    const names = {
      namespace: 'n',
      kind: 'ScaledObject' as const,
      object: 'o',
      scaler: 's',
      triggerName: 't',
      metric: 'm',
    };
    telemetry.controllers.scalerRequest({ ...names, statusCode: 200, tookMs: 1 });
    expect(lines('keda_scaler_http_request_duration_seconds_count')).toEqual([
      'keda_scaler_http_request_duration_seconds_count{metric_name="m",namespace="n",scaled_resource="o",scaler="s",status_code="200",trigger_name="t"} 1',
    ]);
  });

  it('of an object go with it', () => {
    const { telemetry, lines } = setup({ highCardinality: true });
    const { controllers } = telemetry;
    for (const object of ['web', 'api']) {
      const names = { namespace: 'shop', kind: 'ScaledObject' as const, object, triggerName: '', metric: 'm' };
      controllers.registered({ kind: 'ScaledObject', namespace: 'shop', name: object }, []);
      for (const statusCode of [200, 200, 500])
        controllers.scalerRequest({ ...names, scaler: 's', statusCode, tookMs: 1 });
      controllers.emptyResponse({ ...names, ignoreNullValues: true });
      controllers.scaleLoop({ namespace: 'shop', kind: 'ScaledObject', name: object, lateMs: 1 });
    }
    controllers.unregistered({ kind: 'ScaledObject', namespace: 'shop', name: 'web' });
    expect(lines().filter((line) => line.includes('"web"'))).toEqual([]);
    expect(lines('keda_scaler_http_requests_total')).toHaveLength(2);
    expect(lines('keda_internal_scale_loop_latency_seconds')).toHaveLength(1);
  });

  it('of cpu and memory tell that they are active, and no latency', () => {
    const { telemetry, lines } = setup();
    telemetry.controllers.triggerRead(trigger(0, { scaler: 'cpuMemoryScaler', metric: 'cpu' }), {
      active: true,
      failed: false,
    });
    expect(lines('keda_scaler').map((line) => line.replace(/\{.*\}/, ''))).toEqual([
      'keda_scaler_active 1',
      'keda_scaler_detail_errors_total 0',
    ]);
  });

  it('tell loops, empty answers and verdicts', () => {
    const { telemetry, lines } = setup();
    telemetry.controllers.scaleLoop({ namespace: 'shop', kind: 'ScaledJob', name: 'job', lateMs: 12 });
    telemetry.controllers.emptyResponse({
      namespace: 'shop',
      object: 'web',
      kind: 'ScaledObject',
      triggerName: 't',
      metric: 'm',
      ignoreNullValues: true,
    });
    telemetry.validation({ namespace: 'shop', action: 'create', reasons: [] });
    telemetry.validation({ namespace: 'shop', action: 'update', reasons: ['other-scaled-object'] });
    expect(lines().filter((line) => !line.startsWith('keda_build_info'))).toEqual([
      'keda_internal_scale_loop_latency_seconds{namespace="shop",resource="job",type="scaledjob"} 0.012',
      'keda_scaler_empty_upstream_responses_total{ignoreNullValues="true",metricName="m",namespace="shop",resourceType="scaledobject",scaledResource="web",triggerName="t"} 1',
      'keda_webhook_scaled_object_validation_errors_total{action="update",namespace="shop",reason="other-scaled-object"} 1',
      'keda_webhook_scaled_object_validations_total{action="create",namespace="shop"} 1',
      'keda_webhook_scaled_object_validations_total{action="update",namespace="shop"} 1',
    ]);
  });

  it('tell about the process', () => {
    const { lines } = setup();
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_heap_size_used_bytes'])
      expect(Number(lines(`${name} `)[0]?.split(' ')[1])).toBeGreaterThan(0);
  });
});

describe('the text', () => {
  it('escapes what labels may hold and writes numbers as Prometheus reads them', () => {
    const registry = createRegistry();
    const gauge = registry.gauge('g', 'back\\slash\nand line');
    gauge.set({ a: 'quote " slash \\ line \n end' }, Number.POSITIVE_INFINITY);
    gauge.set({}, 1e21);
    gauge.set({ b: 'nan' }, Number.NaN);
    expect([...registry.render()].join('')).toBe(
      '# HELP g back\\\\slash\\nand line\n# TYPE g gauge\n' +
        'g{a="quote \\" slash \\\\ line \\n end"} +Inf\ng 1e+21\ng{b="nan"} NaN\n',
    );
  });

  it('refuses a name that is taken', () => {
    const registry = createRegistry();
    registry.counter('c', 'one');
    expect(() => registry.gauge('c', 'two')).toThrow('declared twice');
  });
});

describe('the server', () => {
  const serve = async (options: Partial<Parameters<typeof createTelemetryServer>[0]>) => {
    const server = createTelemetryServer({ log: silentLogger, ...options });
    const { port } = await server.listen('127.0.0.1', 0);
    return { server, port, get: (path: string) => fetch(`http://127.0.0.1:${port}${path}`) };
  };

  it('answers scrapes, zipped or not', async () => {
    const { telemetry } = setup();
    const { server, get, port } = await serve({ render: telemetry.render });
    const zipped = await get('/metrics');
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(zipped.headers.get('content-type')).toContain('version=0.0.4');
    expect(await zipped.text()).toContain('keda_build_info');
    const plain = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(await plain.text()).toContain('keda_build_info');
    expect((await get('/healthz')).status).toBe(404);
    await server.close();
  });

  it('answers probes with the reason', async () => {
    let ready: true | string = 'waiting for the first list';
    const { server, get } = await serve({ health: { live: () => true, ready: () => ready } });
    expect((await get('/healthz')).status).toBe(200);
    const early = await get('/readyz');
    expect([early.status, await early.text()]).toEqual([500, 'not ok: waiting for the first list\n']);
    ready = true;
    expect((await get('/readyz?verbose')).status).toBe(200);
    expect((await get('/metrics')).status).toBe(404);
    await server.close();
  });

  it('says which port is taken', async () => {
    const { server, port } = await serve({});
    const second = createTelemetryServer({ log: silentLogger });
    await expect(second.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'PortInUse' });
    await server.close();
  });

  it.each([
    [':8080', { host: undefined, port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:9000', { host: '::1', port: 9000 }],
    ['0', undefined],
    ['', undefined],
  ])('reads the address "%s"', (address, expected) => {
    expect(parseBindAddress(address, '--metrics-bind-address')).toEqual(expected);
  });

  it.each(['8080', 'host', ':99999', '::1:80'])('refuses the address "%s"', (address) => {
    expect(() => parseBindAddress(address, '--metrics-bind-address')).toThrow('--metrics-bind-address is');
  });
});
