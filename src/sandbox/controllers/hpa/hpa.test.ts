import { afterEach, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../../../../test/support/controllers-cluster.ts';
import { DEPLOYMENTS, EVENTS, HORIZONTAL_POD_AUTOSCALERS } from '../kinds.ts';
import type { PodUsage } from '../pod-usage.ts';
import type { HorizontalPodAutoscaler } from './types.ts';

let cluster: TestCluster;
afterEach(() => cluster.stop());

/** Metric values by name; an Error is thrown. */
const values: Record<string, string | Error> = {};
const asked: string[] = [];
let cpu: (pod: string) => number | undefined = () => undefined;

const start = async (replicas: number, spec: object) => {
  for (const name of Object.keys(values)) delete values[name];
  asked.length = 0;
  cluster = await startTestCluster({
    node: true,
    metrics: {
      async get(namespace, metricName, labelSelector) {
        asked.push(`${namespace}/${metricName}?${labelSelector}`);
        const value = values[metricName];
        if (value instanceof Error) throw value;
        return value === undefined ? [] : [{ metricName, value }];
      },
    },
    podUsage: () =>
      cluster.pods().flatMap((pod): PodUsage[] => {
        const cpuMilli = cpu(pod.metadata.name);
        const { name } = pod.metadata;
        if (cpuMilli === undefined) return [];
        const containers = [{ name: 'c', cpuMilli, memoryBytes: 0 }];
        return [{ namespace: 'default', name, labels: {}, at: cluster.clock.now(), windowMs: 1000, containers }];
      }),
  });
  await cluster.create(DEPLOYMENTS, {
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1m' } } }] },
      },
    },
  });
  await cluster.create(HORIZONTAL_POD_AUTOSCALERS, {
    metadata: { name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      ...spec,
    },
  });
};
const external = (name: string, averageValue = '10') => ({
  type: 'External',
  external: {
    metric: { name, selector: { matchLabels: { so: 'web' } } },
    target: { type: 'AverageValue', averageValue },
  },
});
const hpa = () => cluster.get<HorizontalPodAutoscaler>(HORIZONTAL_POD_AUTOSCALERS, 'web')!;
const condition = (type: string) => {
  const found = hpa().status?.conditions?.find((c) => c.type === type);
  return found && `${found.status} ${found.reason}`;
};
const replicas = () => cluster.pods().filter((p) => !p.metadata.deletionTimestamp).length;
const round = () => cluster.settle(15_000);
const reasons = () =>
  cluster.api
    .list(EVENTS)
    .filter((e) => (e.involvedObject as { kind: string }).kind === 'HorizontalPodAutoscaler')
    .map((e) => `${e.reason}: ${e.message}`);

describe('an autoscaler on an external metric', () => {
  it('scales up by the metric, in rounds of 15 seconds and at most doubling', async () => {
    await start(1, { metrics: [external('s0')] });
    values.s0 = '95';
    await round();
    expect(asked.at(-1)).toBe('default/s0?so=web');
    expect(replicas()).toBe(4);
    expect(condition('ScalingLimited')).toBe('True ScaleUpLimit');
    await round();
    expect(replicas()).toBe(8);
    await round();
    expect(replicas()).toBe(10);
    await round();
    expect(hpa().status).toMatchObject({
      currentReplicas: 10,
      desiredReplicas: 10,
      currentMetrics: [{ type: 'External', external: { current: { averageValue: '9500m' } } }],
    });
    expect(condition('ScalingActive')).toBe('True ValidMetricFound');
    expect(condition('AbleToScale')).toBe('True ReadyForNewScale');
    expect(condition('ScalingLimited')).toBe('False DesiredWithinRange');
    expect(reasons()).toContainEqual(
      expect.stringMatching(
        /^SuccessfulRescale: New size: 4; reason: external metric s0\(&LabelSelector\{.*\) above target$/,
      ),
    );
  });

  it('scales down only after five minutes', async () => {
    await start(5, { metrics: [external('s0')] });
    values.s0 = '50';
    await round();
    values.s0 = '10';
    await cluster.settle(290_000);
    expect(replicas()).toBe(5);
    expect(condition('AbleToScale')).toBe('True ScaleDownStabilized');
    await cluster.settle(30_000);
    expect(replicas()).toBe(1);
  });

  it('takes the metric that asks for most', async () => {
    await start(2, { metrics: [external('s0'), external('s1')] });
    Object.assign(values, { s0: '20', s1: '40' });
    await round();
    expect(replicas()).toBe(4);
  });

  it('with one metric failing scales up by the others but not down', async () => {
    await start(2, {
      metrics: [external('s0'), external('s1')],
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    });
    Object.assign(values, { s0: '40', s1: new Error('broker is down') });
    await round();
    expect(replicas()).toBe(4);
    values.s0 = '10';
    await round();
    expect(replicas()).toBe(4);
    expect(condition('ScalingActive')).toBe('False FailedGetExternalMetric');
    const message = hpa().status?.conditions?.find((c) => c.type === 'ScalingActive')?.message;
    expect(message).toBe(
      'the HPA was unable to compute the replica count: unable to get external metric default/s1/&LabelSelector{MatchLabels:map[string]string{so: web,},MatchExpressions:[]LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: broker is down',
    );
    expect(reasons().join('\n')).toMatch(
      /FailedComputeMetricsReplicas: invalid metrics \(1 invalid out of 2\), first error is: failed to get s1/,
    );
  });

  it('leaves a target with zero replicas alone', async () => {
    await start(0, { metrics: [external('s0')] });
    values.s0 = '100';
    await round();
    expect(replicas()).toBe(0);
    expect(condition('ScalingActive')).toBe('False ScalingDisabled');
    expect(asked).toEqual([]);
  });

  it('brings a target into its bounds without asking for metrics', async () => {
    await start(20, { metrics: [external('s0')] });
    expect(replicas()).toBe(10);
    expect(reasons()).toContain(
      'SuccessfulRescale: New size: 10; reason: Current number of replicas above Spec.MaxReplicas',
    );
  });

  it('says when its target is not there', async () => {
    await start(1, {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' },
      metrics: [external('s0')],
    });
    expect(condition('AbleToScale')).toBe('False FailedGetScale');
  });

  it('writes nothing when nothing changes', async () => {
    await start(2, { metrics: [external('s0')] });
    values.s0 = '20';
    await round();
    await round();
    const version = hpa().metadata.resourceVersion;
    await cluster.settle(600_000);
    expect(hpa().metadata.resourceVersion).toBe(version);
  });

  it('by a value for all scales the ready pods', async () => {
    const target = { type: 'Value', value: '50' };
    await start(2, { metrics: [{ type: 'External', external: { metric: { name: 's0' }, target } }] });
    values.s0 = '100';
    await round();
    expect(replicas()).toBe(4);
  });
});

describe('an autoscaler on CPU', () => {
  it('scales by the share of the requests', async () => {
    cpu = () => 2;
    const target = { type: 'Utilization', averageUtilization: 100 };
    await start(2, { metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }] });
    await round();
    expect(replicas()).toBe(4);
    expect(hpa().status?.currentMetrics?.[0]).toMatchObject({
      type: 'Resource',
      resource: { name: 'cpu', current: { averageUtilization: 200, averageValue: '2m' } },
    });
  });

  it('fails clearly without metrics', async () => {
    cpu = () => undefined;
    const target = { type: 'Utilization', averageUtilization: 100 };
    await start(2, { metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }] });
    await round();
    expect(replicas()).toBe(2);
    expect(condition('ScalingActive')).toBe('False FailedGetResourceMetric');
  });
});
