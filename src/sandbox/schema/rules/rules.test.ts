import { describe, expect, test } from 'vitest';
import { type AnyObject, ApiError } from '../../types.ts';
import { createSchemas } from '../index.ts';

const schemas = createSchemas();

type Change = (object: Record<string, never> & { [field: string]: never }) => void;

const template = (restartPolicy?: string) => ({
  metadata: { labels: { app: 'x' } },
  spec: { ...(restartPolicy ? { restartPolicy } : {}), containers: [{ name: 'c', image: 'i:1' }] },
});
const selector = { matchLabels: { app: 'x' } };

const VALID: Record<string, object> = {
  'v1 Pod': { spec: template().spec },
  'v1 Service': { spec: { ports: [{ port: 80 }] } },
  'v1 ConfigMap': { data: { a: 'b' } },
  'v1 Secret': { data: { a: 'Yg==' }, type: 'Opaque' },
  'apps/v1 Deployment': { spec: { selector, template: template() } },
  'apps/v1 StatefulSet': { spec: { selector, template: template(), serviceName: 's' } },
  'apps/v1 DaemonSet': { spec: { selector, template: template() } },
  'batch/v1 Job': { spec: { template: template('Never') } },
  'batch/v1 CronJob': { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: template('Never') } } } },
  'autoscaling/v2 HorizontalPodAutoscaler': {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' },
      maxReplicas: 3,
      metrics: [
        {
          type: 'External',
          external: { metric: { name: 's0-x' }, target: { type: 'AverageValue', averageValue: '5' } },
        },
      ],
      behavior: { scaleDown: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
    },
  },
  'coordination.k8s.io/v1 Lease': { spec: { leaseDurationSeconds: 15 } },
  'policy/v1 PodDisruptionBudget': { spec: { minAvailable: 1, selector } },
  'apiregistration.k8s.io/v1 APIService': {
    metadata: { name: 'v1.metrics.example.com' },
    spec: { group: 'metrics.example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 100 },
  },
  'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration': {
    webhooks: [
      { name: 'a.b.c', admissionReviewVersions: ['v1'], sideEffects: 'None', clientConfig: { url: 'https://a/b' } },
    ],
  },
  'rbac.authorization.k8s.io/v1 Role': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'rbac.authorization.k8s.io/v1 RoleBinding': {
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [{ kind: 'User', name: 'u' }],
  },
};

const CLUSTER_WIDE = ['APIService', 'ValidatingWebhookConfiguration'];

function write(what: string, change?: Change, old?: AnyObject): AnyObject {
  const [apiVersion = '', kind = ''] = what.split(' ');
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const type = { group: group!, version: version!, kind, plural: '', namespaced: !CLUSTER_WIDE.includes(kind) };
  const object = structuredClone({ apiVersion, kind, metadata: { name: 'x' }, ...(old ?? VALID[what]) });
  change?.(object as never);
  return schemas.prepare(type, object as AnyObject, {
    operation: old ? 'update' : 'create',
    fieldValidation: 'Strict',
    old,
  }).object;
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'Invalid') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

test.each(Object.keys(VALID))('a plain %s is accepted, and again as it was stored', (what) => {
  const stored = write(what);
  expect(write(what, undefined, stored)).toEqual(stored);
});

type Row = [string, (object: ReturnType<typeof JSON.parse>) => void, string];

describe('refused on creation', () => {
  test.each<Row>([
    ['v1 Pod', (pod) => (pod.spec.containers = []), 'spec.containers: Required value'],
    ['v1 Pod', (pod) => delete pod.spec.containers[0].name, 'spec.containers[0].name: Required value'],
    ['v1 Pod', (pod) => delete pod.spec.containers[0].image, 'spec.containers[0].image: Required value'],
    [
      'v1 Pod',
      (pod) => (pod.spec.containers[0].name = 'A'),
      'spec.containers[0].name: Invalid value: "A": a lowercase RFC 1123 label',
    ],
    [
      'v1 Pod',
      (pod) => pod.spec.containers.push({ name: 'c', image: 'j' }),
      'spec.containers[1].name: Duplicate value: "c"',
    ],
    [
      'v1 Pod',
      (pod) => (pod.spec.restartPolicy = 'Sometimes'),
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
    ],
    [
      'v1 Pod',
      (pod) => (pod.spec.containers[0].ports = [{ containerPort: 70_000 }]),
      'must be between 1 and 65535, inclusive',
    ],
    [
      'v1 Pod',
      (pod) => (pod.spec.containers[0].volumeMounts = [{ name: 'v', mountPath: '/v' }]),
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
    [
      'v1 Pod',
      (pod) => (pod.spec.containers[0].resources = { requests: { cpu: '2' }, limits: { cpu: '1' } }),
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      'v1 Pod',
      (pod) => (pod.spec.containers[0].livenessProbe = { periodSeconds: 1 }),
      'livenessProbe: Required value: must specify a handler type',
    ],
    [
      'v1 Pod',
      (pod) => (pod.spec.volumes = [{ name: 'v', emptyDir: {}, secret: { secretName: 's' } }]),
      'may not specify more than 1 volume type',
    ],
    ['apps/v1 Deployment', (one) => delete one.spec.selector, 'spec.selector: Required value'],
    [
      'apps/v1 Deployment',
      (one) => (one.spec.selector = {}),
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ],
    [
      'apps/v1 Deployment',
      (one) => (one.spec.selector.matchLabels.app = 'y'),
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ],
    [
      'apps/v1 Deployment',
      (one) => (one.spec.replicas = -1),
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'apps/v1 Deployment',
      (one) => (one.spec.template.spec.restartPolicy = 'Never'),
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      'apps/v1 Deployment',
      (one) => (one.spec.strategy = { type: 'Recreate', rollingUpdate: { maxSurge: 1 } }),
      "may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      'apps/v1 Deployment',
      (one) => (one.spec.strategy = { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } }),
      'may not be 0 when `maxSurge` is 0',
    ],
    [
      'batch/v1 Job',
      (job) => delete job.spec.template.spec.restartPolicy,
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      'batch/v1 Job',
      (job) => Object.assign(job.spec, { completionMode: 'Indexed', parallelism: 1 }),
      'spec.completions: Required value: when completion mode is Indexed',
    ],
    ['batch/v1 Job', (job) => (job.spec.backoffLimit = -1), 'spec.backoffLimit: Invalid value: -1'],
    [
      'batch/v1 CronJob',
      (cron) => (cron.spec.schedule = '* *'),
      'spec.schedule: Invalid value: "* *": expected exactly 5 fields, found 2: [* *]',
    ],
    ['batch/v1 CronJob', (cron) => (cron.spec.timeZone = 'Mars/Base'), 'unknown time zone Mars/Base'],
    ['batch/v1 CronJob', (cron) => (cron.metadata.name = 'x'.repeat(53)), 'must be no more than 52 characters'],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => (hpa.spec.maxReplicas = 0),
      'spec.maxReplicas: Required value: must be set and greater than 0',
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => (hpa.spec.minReplicas = 0),
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => (hpa.spec.minReplicas = 4),
      'spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`',
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => delete hpa.spec.scaleTargetRef.name,
      'spec.scaleTargetRef.name: Required value',
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => (hpa.spec.metrics[0].type = 'Pods'),
      'spec.metrics[0].pods: Required value: must populate information for the given metric source',
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => (hpa.spec.metrics[0].external.target.averageValue = '0'),
      'spec.metrics[0].external.target.averageValue: Invalid value: "0": must be positive',
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => (hpa.spec.metrics[0].external.target.value = '1'),
      'may not set both a target value for metric and a per-pod target',
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => (hpa.spec.behavior.scaleDown.policies[0].periodSeconds = 2000),
      'must be less than or equal to 1800',
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler',
      (hpa) => (hpa.spec.behavior.scaleDown.stabilizationWindowSeconds = 3601),
      'must be less than or equal to 3600',
    ],
    ['v1 Service', (one) => (one.spec.ports = []), 'spec.ports: Required value'],
    ['v1 Service', (one) => one.spec.ports.push({ port: 81 }), 'spec.ports[0].name: Required value'],
    ['v1 Service', (one) => (one.spec.type = 'Internal'), 'spec.type: Unsupported value: "Internal"'],
    [
      'v1 ConfigMap',
      (one) => (one.data = { 'a b': 'c' }),
      'data[a b]: Invalid value: "a b": a valid config key must consist of',
    ],
    ['v1 Secret', (one) => (one.type = 'kubernetes.io/tls'), 'data[tls.crt]: Required value'],
    ['coordination.k8s.io/v1 Lease', (one) => (one.spec.leaseDurationSeconds = 0), 'must be greater than 0'],
    [
      'policy/v1 PodDisruptionBudget',
      (one) => (one.spec.maxUnavailable = 1),
      'minAvailable and maxUnavailable cannot be both set',
    ],
    [
      'apiregistration.k8s.io/v1 APIService',
      (one) => (one.metadata.name = 'x'),
      'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`',
    ],
    [
      'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration',
      (one) => delete one.webhooks[0].sideEffects,
      'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun',
    ],
    [
      'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration',
      (one) => (one.webhooks[0].clientConfig = {}),
      'exactly one of url or service is required',
    ],
    [
      'rbac.authorization.k8s.io/v1 Role',
      (one) => (one.rules[0].verbs = []),
      'rules[0].verbs: Required value: verbs must contain at least one value',
    ],
  ])('%s %#', (what, change, message) => {
    expect(refusal(() => write(what, change))).toContain(message);
  });
});

describe('refused on update', () => {
  test.each<Row>([
    [
      'apps/v1 Deployment',
      (one) => (one.spec.selector = { matchExpressions: [{ key: 'app', operator: 'Exists' }] }),
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable',
    ],
    [
      'apps/v1 StatefulSet',
      (one) => (one.spec.serviceName = 'other'),
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas'",
    ],
    ['batch/v1 Job', (job) => (job.spec.template.spec.containers[0].image = 'i:2'), 'field is immutable'],
    ['batch/v1 Job', (job) => (job.spec.completions = 5), 'spec.completions: Invalid value: 5: field is immutable'],
    [
      'v1 Pod',
      (pod) => (pod.spec.containers[0].command = ['x']),
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`',
    ],
    [
      'v1 Pod',
      (pod) => pod.spec.containers.push({ name: 'd', image: 'j' }),
      'pod updates may not add or remove containers',
    ],
    ['v1 Secret', (one) => (one.type = 'other'), 'type: Invalid value: "other": field is immutable'],
    ['rbac.authorization.k8s.io/v1 RoleBinding', (one) => (one.roleRef.name = 'other'), 'cannot change roleRef'],
  ])('%s %#', (what, change, message) => {
    const stored = write(what);
    expect(refusal(() => write(what, change, stored))).toContain(message);
  });

  test('a frozen ConfigMap', () => {
    const stored = write('v1 ConfigMap', ((one: Record<string, unknown>) => {
      one.immutable = true;
    }) as never);
    const change = ((one: Record<string, unknown>) => {
      one.data = {};
    }) as never;
    expect(refusal(() => write('v1 ConfigMap', change, stored))).toContain(
      'field is immutable when `immutable` is set',
    );
  });
});

describe('allowed on update', () => {
  test.each<[string, (object: ReturnType<typeof JSON.parse>) => void]>([
    ['v1 Pod', (pod) => (pod.spec.nodeName = 'node')],
    ['v1 Pod', (pod) => (pod.spec.containers[0].image = 'i:2')],
    ['batch/v1 Job', (job) => (job.spec.parallelism = 3)],
    ['batch/v1 Job', (job) => (job.spec.suspend = true)],
    ['apps/v1 StatefulSet', (one) => (one.spec.replicas = 3)],
    ['apps/v1 Deployment', (one) => (one.spec.template.spec.containers[0].image = 'i:2')],
  ])('%s %#', (what, change) => {
    const stored = write(what);
    const expected = structuredClone(stored);
    change(expected);
    expect(write(what, change as never, stored)).toEqual(expected);
  });
});
