import { expect, test } from 'vitest';
import type { AnyObject } from '../types.ts';
import { humanDuration } from './age.ts';
import { toTable } from './index.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const CREATED = '2026-01-01T00:55:00Z';

interface Table {
  columnDefinitions: { name: string; priority: number; type: string }[];
  rows: { cells: unknown[]; object?: { kind: string } }[];
}

const table = (apiVersion: string, kind: string, rest: object, crd?: AnyObject) => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const type = { group: group!, version: version!, kind, plural: `${kind.toLowerCase()}s`, namespaced: true };
  const object = {
    apiVersion,
    kind,
    ...rest,
    metadata: { ...{ name: 'x', creationTimestamp: CREATED }, ...(rest as AnyObject).metadata },
  };
  return toTable(type, [object as AnyObject], { now: NOW, crd }) as Table;
};

/** The row as `kubectl get` prints it: columns of priority 0. */
const row = (...args: Parameters<typeof table>) => {
  const { columnDefinitions, rows } = table(...args);
  return rows[0]!.cells.filter((_cell, index) => columnDefinitions[index]!.priority === 0).join(' | ');
};

test.each<[number, string]>([
  [-5, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [310, '5m10s'],
  [3_600, '60m'],
  [3 * 3_600, '3h'],
  [3 * 3_600 + 300, '3h5m'],
  [30 * 3_600, '30h'],
  [50 * 3_600, '2d2h'],
  [20 * 86_400, '20d'],
  [800 * 86_400, '2y70d'],
  [3_000 * 86_400, '8y'],
])('%d seconds are %s', (seconds, text) => {
  expect(humanDuration(seconds)).toBe(text);
});

const container = (name: string, state: object, rest: object = {}) => ({ name, state, restartCount: 0, ...rest });
const running = { running: { startedAt: CREATED } };
const pod = (status: object, rest: object = {}) => ({
  spec: {
    containers: [
      { name: 'a', image: 'i' },
      { name: 'b', image: 'j' },
    ],
  },
  status,
  ...rest,
});

test.each<[string, object, string]>([
  ['pending', pod({ phase: 'Pending' }), 'x | 0/2 | Pending | 0 | 5m'],
  [
    'running',
    pod({ phase: 'Running', containerStatuses: ['a', 'b'].map((name) => container(name, running, { ready: true })) }),
    'x | 2/2 | Running | 0 | 5m',
  ],
  [
    'crashing',
    pod({
      phase: 'Running',
      containerStatuses: [
        container('a', running, { ready: true }),
        container(
          'b',
          { waiting: { reason: 'CrashLoopBackOff' } },
          { restartCount: 3, lastState: { terminated: { finishedAt: '2026-01-01T00:59:00Z', exitCode: 1 } } },
        ),
      ],
    }),
    'x | 1/2 | CrashLoopBackOff | 3 (60s ago) | 5m',
  ],
  [
    'completed',
    pod({
      phase: 'Succeeded',
      containerStatuses: [container('a', { terminated: { exitCode: 0, reason: 'Completed' } })],
    }),
    'x | 0/2 | Completed | 0 | 5m',
  ],
  [
    'failed without a reason',
    pod({ phase: 'Failed', containerStatuses: [container('a', { terminated: { exitCode: 2 } })] }),
    'x | 0/2 | ExitCode:2 | 0 | 5m',
  ],
  [
    'initialising',
    {
      spec: { initContainers: [{ name: 'i' }], containers: [{ name: 'a' }] },
      status: { phase: 'Pending', initContainerStatuses: [container('i', running)] },
    },
    'x | 0/1 | Init:0/1 | 0 | 5m',
  ],
  [
    'terminating',
    pod({ phase: 'Running' }, { metadata: { deletionTimestamp: CREATED } }),
    'x | 0/2 | Terminating | 0 | 5m',
  ],
])('a pod that is %s', (_name, object, expected) => {
  expect(row('v1', 'Pod', object)).toBe(expected);
});

const hpa = (metrics: object[], currentMetrics: object[] | null = null) => ({
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, minReplicas: 1, maxReplicas: 9, metrics },
  status: { currentReplicas: 2, currentMetrics },
});
const external = (target: object) => ({ type: 'External', external: { metric: { name: 's0' }, target } });
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };

test.each<[string, string, object, string]>([
  [
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    hpa(
      [external({ type: 'AverageValue', averageValue: '5' })],
      [{ type: 'External', external: { current: { averageValue: '5', value: '0' } } }],
    ),
    'x | Deployment/web | 5/5 (avg) | 1 | 9 | 2 | 5m',
  ],
  [
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    hpa([external({ type: 'Value', value: '5' }), cpu]),
    'x | Deployment/web | <unknown>/5, cpu: <unknown>/50% | 1 | 9 | 2 | 5m',
  ],
  [
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    hpa([cpu, cpu, cpu], [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 3 } } }]),
    'x | Deployment/web | cpu: 3%/50%, cpu: <unknown>/50% + 1 more... | 1 | 9 | 2 | 5m',
  ],
  [
    'apps/v1',
    'Deployment',
    { spec: { replicas: 3 }, status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 } },
    'x | 1/3 | 2 | 1 | 5m',
  ],
  ['apps/v1', 'ReplicaSet', { spec: { replicas: 3 }, status: { replicas: 2, readyReplicas: 1 } }, 'x | 3 | 2 | 1 | 5m'],
  ['apps/v1', 'StatefulSet', { spec: { replicas: 3 }, status: { readyReplicas: 1 } }, 'x | 1/3 | 5m'],
  ['apps/v1', 'DaemonSet', { status: { desiredNumberScheduled: 1 } }, 'x | 1 | 0 | 0 | 0 | 0 | <none> | 5m'],
  [
    'batch/v1',
    'Job',
    { spec: { completions: 2 }, status: { succeeded: 1, startTime: CREATED } },
    'x | Running | 1/2 | 5m | 5m',
  ],
  [
    'batch/v1',
    'Job',
    {
      spec: { parallelism: 3 },
      status: {
        succeeded: 1,
        startTime: CREATED,
        completionTime: '2026-01-01T00:55:07Z',
        conditions: [{ type: 'Complete', status: 'True' }],
      },
    },
    'x | Complete | 1/1 of 3 | 7s | 5m',
  ],
  [
    'batch/v1',
    'CronJob',
    { spec: { schedule: '* * * * *', suspend: false } },
    'x | * * * * * | <none> | false | 0 | <none> | 5m',
  ],
  [
    'v1',
    'Service',
    { spec: { type: 'NodePort', clusterIP: '10.0.0.1', ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] } },
    'x | NodePort | 10.0.0.1 | <none> | 80:30080/TCP | 5m',
  ],
  [
    'v1',
    'Endpoints',
    { subsets: [{ addresses: [1, 2, 3, 4].map((n) => ({ ip: `10.0.0.${n}` })), ports: [{ port: 80 }] }] },
    'x | 10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more... | 5m',
  ],
  [
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] },
    'x | IPv4 | 80 | 10.0.0.1 | 5m',
  ],
  ['v1', 'ConfigMap', { data: { a: '1', b: '2' } }, 'x | 2 | 5m'],
  ['v1', 'Secret', { type: 'Opaque', data: { a: 'MQ==' } }, 'x | Opaque | 1 | 5m'],
  ['v1', 'ServiceAccount', {}, 'x | 5m'],
  ['v1', 'Namespace', { status: { phase: 'Active' } }, 'x | Active | 5m'],
  [
    'v1',
    'Event',
    {
      type: 'Warning',
      reason: 'Failed',
      message: ' why\n',
      lastTimestamp: CREATED,
      involvedObject: { kind: 'Pod', name: 'p' },
    },
    '5m | Warning | Failed | pod/p | why',
  ],
  [
    'v1',
    'Node',
    {
      metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } },
      status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.36.3' } },
    },
    'x | Ready | control-plane | 5m | v1.36.3',
  ],
  ['coordination.k8s.io/v1', 'Lease', { spec: { holderIdentity: 'me' } }, 'x | me | 5m'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', {}, `x | ${CREATED}`],
  [
    'apiregistration.k8s.io/v1',
    'APIService',
    {
      spec: { service: { namespace: 'keda', name: 'metrics' } },
      status: { conditions: [{ type: 'Available', status: 'False', reason: 'MissingEndpoints' }] },
    },
    'x | keda/metrics | False (MissingEndpoints) | 5m',
  ],
  ['apiregistration.k8s.io/v1', 'APIService', { spec: {} }, 'x | Local | Unknown | 5m'],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', { webhooks: [{}, {}] }, 'x | 2 | 5m'],
  ['v1', 'LimitRange', {}, `x | ${CREATED}`],
])('%s %s %#', (apiVersion, kind, object, expected) => {
  expect(row(apiVersion, kind, object)).toBe(expected);
});

test('custom resources have the columns that their definition asks for', () => {
  const columns = [
    { name: 'Max', type: 'integer', jsonPath: '.spec.maxReplicaCount' },
    { name: 'Triggers', type: 'string', jsonPath: '.status.triggersTypes' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Paused', type: 'string', jsonPath: '.status.conditions[?(@.type=="Paused")].status' },
    { name: 'Since', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Hidden', type: 'string', jsonPath: '.spec.hidden', priority: 1 },
  ];
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'scaledobjects.keda.sh' },
    spec: { versions: [{ name: 'v1alpha1', additionalPrinterColumns: columns }] },
  } as AnyObject;
  const object = {
    spec: { maxReplicaCount: 5 },
    status: { triggersTypes: 'cron', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  expect(row('keda.sh/v1alpha1', 'ScaledObject', object, crd)).toBe('x | 5 | cron | True |  | 5m');
  expect(table('keda.sh/v1alpha1', 'ScaledObject', object, crd).columnDefinitions.at(-1)).toMatchObject({
    name: 'Hidden',
    priority: 1,
  });
});

test('custom resources without columns show their age', () => {
  const crd = { metadata: { name: 'things.x' }, spec: { versions: [{ name: 'v1' }] } } as unknown as AnyObject;
  expect(row('x/v1', 'Thing', {}, crd)).toBe('x | 5m');
});

test('rows carry what the client asked for', () => {
  const type = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
  const object: AnyObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: {} };
  const carried = (includeObject: 'None' | 'Metadata' | 'Object') =>
    (toTable(type, [object], { now: NOW, includeObject, list: { resourceVersion: '7' } }) as Table).rows[0]!.object;
  expect(carried('None')).toBeUndefined();
  expect(carried('Metadata')).toEqual({
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { name: 'x' },
  });
  expect(carried('Object')).toBe(object);
});
