import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SCALED_JOBS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

/**
 * One test for each class of mistakes that autoscalers of this kind have made again and again. The classes that are not
 * here are held elsewhere: docs/reference/behaviour.md has all of them.
 */
const it = worldTest();

const ready = (ns: TestNamespace, name = 'web') =>
  ns.becomes(SCALED_OBJECTS, name, 'Ready', 'True/ScaledObjectReady', 20_000);
const QUICK_DOWN = { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } };

describe.concurrent('it never happens that triggers', () => {
  it('of a deleted object live on in one that is made again under its name', async ({ ns, source }) => {
    const former = await startMetricSource(50);
    await ns.apply(aDeployment('web', 0), aScaler('web', [former.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) !== 0);
    await ns.delete(SCALED_OBJECTS, 'web');
    await ns.gone(SCALED_OBJECTS, 'web');
    await ns.apply(aScaler('web', [source.trigger()]));
    await ready(ns);
    await source.asks(1);
    const asked = former.asked;
    await source.asks(3);
    expect(former.asked).toBe(asked);
    await eventually(() => replicas.at(-1) === 0, 20_000);
    expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=0`);
    await former.stop();
  });

  it('that are rebuilt while the HPA reads them give errors, and the target is scaled in', async ({ ns, source }) => {
    source.answer = 35;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], { advanced: QUICK_DOWN }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 4, 20_000);
    const from = replicas.length;
    const answers = new Set<string>();
    let changing = true;
    const reads = (async () => {
      while (changing) answers.add(await ns.externalMetric('web', METRIC));
    })();
    for (let i = 0; i < 12; i++) {
      await ns.patch(SCALED_OBJECTS, 'web', {
        spec: {
          pollingInterval: 1 + (i % 2),
          triggers: [source.trigger({ metadata: { targetValue: i % 2 ? '10' : '10.0' } })],
        },
      });
      await source.asks(1);
    }
    changing = false;
    await reads;
    expect([...answers]).toEqual([`${METRIC}=35`]);
    expect(replicas.slice(from)).toEqual([]);
  });
});

describe.concurrent('it never happens that a source', () => {
  it('that hangs stalls the others, and the HPA with them', async ({ ns, source }) => {
    const hanging = await Promise.all(Array.from({ length: 15 }, () => startMetricSource('hang')));
    for (const [i, each] of hanging.entries())
      await ns.apply(aDeployment(`stuck-${i}`, 1), aScaler(`stuck-${i}`, [each.trigger()]));
    await Promise.all(hanging.map((each) => eventually(() => each.asked > 0, 20_000)));
    source.answer = 15;
    const since = performance.now();
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    // One after the other they would take their 3 s each: 45 s.
    await eventually(() => replicas.at(-1)! > 0, 15_000);
    expect(performance.now() - since).toBeLessThan(15_000);
    const took: number[] = [];
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=15`);
      took.push(performance.now() - start);
    }
    // The median: the machine that runs the tests does other things too.
    expect(took.toSorted((a, b) => a - b)[10]).toBeLessThan(900);
    await Promise.all(hanging.map((each) => each.stop()));
  });

  it('that fails costs a connection at every read', async ({ ns }) => {
    let open = 0;
    let most = 0;
    let requests = 0;
    const server = createServer((_request, response) => {
      requests++;
      if (requests % 3 === 0) response.destroy();
      else response.writeHead(500).end();
    });
    server.on('connection', (socket) => {
      most = Math.max(most, ++open);
      socket.on('close', () => open--);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const names = Array.from({ length: 8 }, (_, i) => `web-${i}`);
    for (const [i, name] of names.entries()) {
      const metadata = { url: `http://127.0.0.1:${port}/${i}`, valueLocation: 'depth', targetValue: '10' };
      await ns.apply(aDeployment(name, 1), aScaler(name, [{ type: 'metrics-api', metadata }]));
    }
    await eventually(() => requests >= 15, 60_000);
    expect(most).toBeLessThanOrEqual(names.length + 2);
    for (const name of names) await ns.delete(SCALED_OBJECTS, name);
    for (const name of names) await ns.gone(SCALED_OBJECTS, name);
    const asked = requests;
    await eventually(() => open <= 2, 20_000);
    expect(requests - asked).toBeLessThanOrEqual(names.length);
    server.closeAllConnections();
    server.close();
  });

  it.for([401, 404, 429, 503, 'garbage', 'hang'] as const)(
    'that gives %s counts as empty',
    async (what, { ns, source }) => {
      source.answer = typeof what === 'number' ? { status: what } : what;
      const quick = { metadata: { timeout: '200ms' } };
      await ns.apply(aDeployment('web', 2), aScaler('web', [source.trigger(quick)], { cooldownPeriod: 0 }));
      const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
      await source.asks(3);
      expect(replicas).toEqual([2]);
      expect(await ns.externalMetric('web', METRIC)).toMatch(/cannot be read|error/i);
      expect(replicas).toEqual([2]);
    },
  );

  it('has a credential that turns up in logs, events or conditions', async ({ world, ns, source }) => {
    const canary = 'canary-7f3a91-secret';
    source.answer = { status: 500 };
    await ns.apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'access' }, stringData: { token: canary } },
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'TriggerAuthentication',
        metadata: { name: 'access' },
        spec: { secretTargetRef: [{ parameter: 'token', name: 'access', key: 'token' }] },
      },
      aDeployment('web', 1),
      aScaler('web', [source.trigger({ metadata: { authMode: 'bearer' }, authenticationRef: { name: 'access' } })]),
    );
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/TriggerError', 20_000);
    expect(source.authorization).toBe(`Bearer ${canary}`);
    source.answer = 'garbage';
    await source.asks(2);
    const told = JSON.stringify([await ns.get(SCALED_OBJECTS, 'web'), await ns.events('web'), world.logs]);
    expect(told).toContain('access');
    expect(told).not.toContain(canary);
    expect(told).not.toContain(Buffer.from(canary).toString('base64'));
  });
});

describe.concurrent('it never happens that a number', () => {
  it.for([-5, 1e19, 1e30, 0.0004])(
    'like %d is no quantity, or scales beyond the maximum',
    async (number, { ns, source }) => {
      source.answer = number;
      await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], { maxReplicaCount: 2 }));
      const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
      await ready(ns);
      expect(await ns.externalMetric('web', METRIC)).toMatch(/=-?\d+(\.\d+)?([EPTGMkmnu]|e\d+)?$/);
      if (number > 1) await eventually(() => replicas.at(-1) === 2, 20_000);
      await source.asks(2);
      expect(Math.max(...replicas)).toBeLessThanOrEqual(2);
    },
  );
});

describe.concurrent('it never happens that the fallback', () => {
  it('stands in before its threshold, because the HPA reads meanwhile', async ({ ns, source }) => {
    await ns.apply(
      aDeployment('web', 0),
      aScaler('web', [source.trigger()], { pollingInterval: 3, fallback: { failureThreshold: 1, replicas: 2 } }),
    );
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ready(ns);
    source.answer = { status: 500 };
    const since = performance.now();
    const engaged = () => replicas.at(-1) === 2;
    while (!engaged() && performance.now() - since < 30_000) await ns.externalMetric('web', METRIC);
    expect(engaged()).toBe(true);
    // The second failed poll is at least one interval after the first, however often the HPA asked.
    expect(performance.now() - since).toBeGreaterThan(2_500);
  });
});

describe.concurrent('it never happens that Jobs', () => {
  it('are created again at every poll for work that has one', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledJob',
      metadata: { name: 'work' },
      spec: {
        pollingInterval: 1,
        jobTargetRef: {
          template: {
            spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'example.com/simulated:1' }] },
          },
        },
        triggers: [source.trigger({ metadata: { targetValue: '1' } })],
      },
    });
    await ns.becomes(SCALED_JOBS, 'work', 'Active', 'True/ScalerActive', 20_000);
    await source.asks(5);
    const created = (await ns.events('work')).filter(({ reason }) => reason === 'KEDAJobsCreated');
    expect(created).toEqual([expect.objectContaining({ note: 'Created 5 jobs', count: 1 })]);
  });
});

describe.concurrent('it never happens that an HPA', () => {
  it('that was there before under the name is fought over, or replaced', async ({ ns, source }) => {
    source.answer = 15;
    await ns.apply(aDeployment('web', 2), {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'former', labels: { team: 'shop' } },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 2,
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        ],
      },
    });
    const { metadata } = await ns.get(HORIZONTAL_POD_AUTOSCALERS, 'former');
    await ns.apply(
      aScaler('web', [source.trigger()], { advanced: { horizontalPodAutoscalerConfig: { name: 'former' } } }),
    );
    await ready(ns);
    const hpa = await ns.get(HORIZONTAL_POD_AUTOSCALERS, 'former');
    expect(hpa.metadata.uid).toBe(metadata.uid);
    expect(hpa.metadata.labels).toMatchObject({ team: 'shop' });
    expect(hpa.metadata.ownerReferences).toEqual([expect.objectContaining({ kind: 'ScaledObject', name: 'web' })]);
    expect(hpa.spec.metrics.map((each: { type: string }) => each.type)).toEqual(['External']);
    expect(await ns.list(HORIZONTAL_POD_AUTOSCALERS)).toHaveLength(1);
  });
});

describe.concurrent('it never happens that others', () => {
  it('that write at the same moment lose what they wrote', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    await Promise.all(
      Array.from({ length: 15 }, async (_, i) => {
        source.answer = i % 2 ? 5 : 25;
        await ns.patch(SCALED_OBJECTS, 'web', { metadata: { labels: { [`label-${i}`]: 'x' } } });
        await ns.patch(SCALED_OBJECTS, 'web', { spec: { maxReplicaCount: 10 + i } });
        await ns.patch(SCALED_OBJECTS, 'web', { metadata: { annotations: { [`note-${i}`]: 'x' } } });
      }),
    );
    await ready(ns);
    const { metadata, spec } = await ns.get(SCALED_OBJECTS, 'web');
    for (let i = 0; i < 15; i++) {
      expect(metadata.labels).toHaveProperty([`label-${i}`]);
      expect(metadata.annotations).toHaveProperty([`note-${i}`]);
    }
    await eventually(async () => {
      const hpa = await ns.get(HORIZONTAL_POD_AUTOSCALERS, 'keda-hpa-web');
      expect(hpa.spec.maxReplicas).toBe(spec.maxReplicaCount);
      expect(hpa.metadata.labels).toHaveProperty(['label-14']);
    });
  });

  it('make and delete objects so fast, or so incomplete, that the process ends', async ({ ns, source }) => {
    const broken = [
      { triggers: [{ type: 'no-such-trigger', metadata: {} }] },
      { scaleTargetRef: { name: 'nothing-there' } },
      { scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Unknown', name: 'x' } },
      { advanced: { scalingModifiers: { formula: 'a +', target: '1' } } },
      {},
    ];
    await ns.apply(aDeployment('web', 0));
    await Promise.all(
      Array.from({ length: 25 }, async (_, i) => {
        const name = `churn-${i}`;
        await ns.apply(aScaler(name, [source.trigger()], { scaleTargetRef: { name: 'web' }, ...broken[i % 5] }));
        if (i % 3) await ns.patch(SCALED_OBJECTS, name, { status: { conditions: [], health: {} } }, 'status');
        await ns.delete(SCALED_OBJECTS, name);
      }),
    );
    await ns.apply({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledJob',
      metadata: { name: 'empty' },
    });
    await ns.becomes(SCALED_JOBS, 'empty', 'Ready', 'False/ScaledJobCheckFailed', 20_000);
    for (let i = 0; i < 25; i++) await ns.gone(SCALED_OBJECTS, `churn-${i}`, 20_000);
    source.answer = 5;
    await ns.apply(aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1, 20_000);
  });
});
