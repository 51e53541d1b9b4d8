import { describe, expect, it } from 'vitest';
import { type ObjectOptions, scaledObject } from '../../test/support/decision-objects.ts';
import type { MetricSpec, MetricType } from '../scalers/definition.ts';
import { APPLIED, type HpaTrigger, hpaNeedsUpdate, planHpa } from './hpa.ts';
import { externalMetricName, requireUniqueNames, sameMetricName } from './metric-names.ts';

const trigger = (index: number, specs: MetricSpec[], more: Partial<HpaTrigger> = {}): HpaTrigger => ({
  index,
  type: 'rabbitmq',
  metricType: undefined,
  definition: {},
  metrics: specs.map((spec) => ({ name: spec.kind === 'external' ? externalMetricName(index, spec.name) : '', spec })),
  ...more,
});
const external = (name: string, target: number, precision: 'int' | 'milli' = 'int'): MetricSpec => ({
  kind: 'external',
  name,
  target,
  precision,
});
const orders = trigger(0, [external('rabbitmq-orders', 1000)]);
const cpu = trigger(1, [{ kind: 'resource', resource: 'cpu', target: { type: 'Utilization', percent: 60 } }]);
const memory = trigger(2, [
  { kind: 'resource', resource: 'memory', containerName: 'app', target: { type: 'AverageValue', quantity: '1Gi' } },
]);

const plan = (options: ObjectOptions = {}, triggers: HpaTrigger[] = [orders], version = '0.1.0') =>
  planHpa({
    object: scaledObject(options),
    target: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'worker' },
    triggers,
    version,
  });

describe('the HPA of a ScaledObject', () => {
  it('has the names, labels and metrics that KEDA gives', () => {
    const { hpa, externalMetricNames, resourceMetricNames } = plan({
      labels: { team: 'shop' },
      annotations: { note: 'x' },
    });
    expect(hpa).toEqual({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: {
        name: 'keda-hpa-orders',
        namespace: 'shop',
        labels: {
          'app.kubernetes.io/name': 'keda-hpa-orders',
          'app.kubernetes.io/version': '0.1.0',
          'app.kubernetes.io/part-of': 'orders',
          'app.kubernetes.io/managed-by': 'keda-operator',
          team: 'shop',
        },
        annotations: { note: 'x', [APPLIED]: expect.stringMatching(/^[0-9a-f]{16}$/) },
        ownerReferences: [
          {
            apiVersion: 'keda.sh/v1alpha1',
            kind: 'ScaledObject',
            name: 'orders',
            uid: 'uid-1',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'worker' },
        minReplicas: 1,
        maxReplicas: 100,
        metrics: [
          {
            type: 'External',
            external: {
              metric: {
                name: 's0-rabbitmq-orders',
                selector: { matchLabels: { 'scaledobject.keda.sh/name': 'orders' } },
              },
              target: { type: 'AverageValue', averageValue: '1k' },
            },
          },
        ],
      },
    });
    expect([externalMetricNames, resourceMetricNames]).toEqual([['s0-rabbitmq-orders'], []]);
  });

  it.each<[string, MetricSpec, MetricType | undefined, HpaTrigger['definition'], object]>([
    ['a whole target', external('m', 5), undefined, {}, { type: 'AverageValue', averageValue: '5' }],
    [
      'a target with a fraction',
      external('m', 5.5, 'milli'),
      undefined,
      {},
      { type: 'AverageValue', averageValue: '5.500' },
    ],
    ['a target below one', external('m', 0.25, 'milli'), undefined, {}, { type: 'AverageValue', averageValue: '250m' }],
    ['a negative whole target', external('m', -5), undefined, {}, { type: 'AverageValue', averageValue: '-5' }],
    ['metricType Value', external('m', 5), 'Value', {}, { type: 'Value', value: '5' }],
    [
      'a scaler with one metric type',
      external('m', 5),
      'AverageValue',
      { metricTypes: { always: 'Value' } },
      { type: 'Value', value: '5' },
    ],
  ])('writes targets as quantities: %s', (_name, spec, metricType, definition, target) => {
    const { hpa } = plan({}, [trigger(0, [spec], { metricType, definition })]);
    expect(hpa.spec.metrics[0]).toMatchObject({ external: { target } });
  });

  it('sorts metrics by type and keeps those of single containers', () => {
    const { hpa, resourceMetricNames } = plan({}, [cpu, orders, memory]);
    expect(hpa.spec.metrics.map(({ type }) => type)).toEqual(['ContainerResource', 'External', 'Resource']);
    expect(resourceMetricNames).toEqual(['cpu']);
  });

  it('asks for the formula in place of the triggers, beside cpu and memory', () => {
    const spec = {
      triggers: [{ type: 'rabbitmq', name: 'orders', metadata: {} }],
      advanced: { scalingModifiers: { formula: 'orders * 2', target: '0.29', metricType: 'Value' as const } },
    };
    const { hpa, externalMetricNames, compositeScalerName } = plan({ spec }, [orders, cpu, memory]);
    expect(hpa.spec.metrics.map(({ type }) => type)).toEqual(['ContainerResource', 'External', 'Resource']);
    expect(hpa.spec.metrics[1]).toMatchObject({
      external: { metric: { name: 'composite-metric' }, target: { type: 'Value', value: '290m' } },
    });
    expect([externalMetricNames, compositeScalerName]).toEqual([['s0-rabbitmq-orders'], 'composite-metric']);
  });

  it.each<[string, ObjectOptions, object]>([
    [
      'bounds',
      { spec: { minReplicaCount: 3, maxReplicaCount: 9, idleReplicaCount: 1 } },
      { spec: { minReplicas: 3, maxReplicas: 9 } },
    ],
    ['a minimum of zero', { spec: { minReplicaCount: 0 } }, { spec: { minReplicas: 1 } }],
    [
      'a name',
      { spec: { advanced: { horizontalPodAutoscalerConfig: { name: 'mine' } } } },
      { metadata: { name: 'mine', labels: { 'app.kubernetes.io/name': 'mine' } } },
    ],
    [
      'scaling in paused',
      { annotations: { 'autoscaling.keda.sh/paused-scale-in': 'true' } },
      { spec: { behavior: { scaleDown: { selectPolicy: 'Disabled' } } } },
    ],
    [
      'scaling out paused',
      { annotations: { 'autoscaling.keda.sh/paused-scale-out': '' } },
      { spec: { behavior: { scaleUp: { selectPolicy: 'Disabled' } } } },
    ],
    [
      'labels win over ours',
      { labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
      { metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } } },
    ],
  ])('follows the object: %s', (_name, options, expected) => {
    expect(plan(options).hpa).toMatchObject(expected);
  });

  it('keeps a paused direction’s other rules', () => {
    const behavior = { scaleDown: { stabilizationWindowSeconds: 60 }, scaleUp: { stabilizationWindowSeconds: 5 } };
    const spec = { advanced: { horizontalPodAutoscalerConfig: { behavior } } };
    expect(plan({ spec, annotations: { 'autoscaling.keda.sh/paused-scale-in': 'true' } }).hpa.spec.behavior).toEqual({
      scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Disabled' },
      scaleUp: { stabilizationWindowSeconds: 5 },
    });
  });

  it('leaves out the labels that were asked to be, and kubectl’s copy of the manifest', () => {
    const { labels, annotations } = plan({
      labels: { a: '1', b: '2', ' c': '3' },
      annotations: {
        'scaledobject.keda.sh/hpa-excluded-labels': 'a,b, c',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
      },
    }).hpa.metadata;
    expect([labels.a, labels.b, labels[' c']]).toEqual([undefined, undefined, undefined]);
    expect(annotations).not.toHaveProperty('kubectl.kubernetes.io/last-applied-configuration');
  });

  it('cuts a long name into a label value', () => {
    const name = `${'a'.repeat(62)}-b`;
    const { labels } = plan({ spec: { advanced: { horizontalPodAutoscalerConfig: { name } } } }).hpa.metadata;
    expect(labels['app.kubernetes.io/name']).toBe('a'.repeat(62));
  });

  it('refuses two metrics of one name, and none at all', () => {
    expect(() => plan({}, [trigger(0, [external('m', 1), external('m', 2)])])).toThrow(
      /two metrics have the name s0-m/,
    );
    expect(() => plan({}, [trigger(0, [])])).toThrow(/no metric to scale on/);
    expect(() => requireUniqueNames(['s0-a', 's1-a'])).not.toThrow();
  });

  it('refuses a formula that cannot be used', () => {
    const spec = { advanced: { scalingModifiers: { formula: 'nothing + 1', target: '1' } } };
    expect(() => plan({ spec })).toThrow(/no trigger named nothing/);
  });
});

describe('an HPA is written only when what we set differs', () => {
  const behavior = { scaleDown: { policies: [{ type: 'Pods' as const, value: 1, periodSeconds: 60 }] } };
  const options: ObjectOptions = {
    labels: { team: 'shop' },
    spec: { advanced: { horizontalPodAutoscalerConfig: { behavior } } },
  };
  const desired = plan(options).hpa;
  /** As the API server gives it back: with defaults, its own spelling of quantities, and what others added. */
  const live = () => {
    const copy = structuredClone(desired) as unknown as {
      metadata: {
        labels: Record<string, string>;
        annotations: Record<string, string>;
        ownerReferences: { uid: string }[];
      };
      spec: {
        maxReplicas: number;
        behavior: object;
        metrics: { external: { target: { averageValue: string } } }[];
      };
    };
    copy.metadata.labels.theirs = 'x';
    copy.metadata.annotations.theirs = 'x';
    copy.spec.metrics[0]!.external.target.averageValue = '1000';
    copy.spec.behavior = {
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }],
      },
      scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
    };
    return copy;
  };

  it('not for the defaults of the API server and the labels of others', () => {
    expect(hpaNeedsUpdate(live(), desired)).toBe(false);
  });

  it.each<[string, (hpa: ReturnType<typeof live>) => void]>([
    [
      'a bound changed by hand',
      (hpa) => {
        hpa.spec.maxReplicas = 5;
      },
    ],
    [
      'a lost label',
      (hpa) => {
        delete hpa.metadata.labels.team;
      },
    ],
    [
      'another target value',
      (hpa) => {
        hpa.spec.metrics[0]!.external.target.averageValue = '1001';
      },
    ],
    [
      'a metric too many',
      (hpa) => {
        hpa.spec.metrics.push(hpa.spec.metrics[0]!);
      },
    ],
    [
      'another owner',
      (hpa) => {
        hpa.metadata.ownerReferences[0]!.uid = 'uid-9';
      },
    ],
    [
      'a changed policy',
      (hpa) => {
        hpa.spec.behavior = { scaleDown: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] } };
      },
    ],
    [
      'no behavior at all',
      (hpa) => {
        delete (hpa.spec as Partial<typeof hpa.spec>).behavior;
      },
    ],
  ])('but for %s', (_name, change) => {
    const changed = live();
    change(changed);
    expect(hpaNeedsUpdate(changed, desired)).toBe(true);
  });

  it.each<[string, ReturnType<typeof plan>]>([
    ['a label that the object lost', plan({ ...options, labels: {} })],
    ['a behavior that the object lost', plan({ labels: { team: 'shop' } })],
    ['another version', plan(options, [orders], '0.2.0')],
  ])('and for %s', (_name, next) => {
    expect(hpaNeedsUpdate(live(), next.hpa)).toBe(true);
  });
});

it('compares metric names without their case, as the path of the API may change it', () => {
  expect([sameMetricName('s0-Orders', 's0-orders'), sameMetricName('s0-a', 's0-b')]).toEqual([true, false]);
});
