import { describe, expect, test } from 'vitest';
import type { ResourceType } from '../../base/object.ts';
import type { AnyObject } from '../types.ts';
import { createSchemas } from './index.ts';

const schemas = createSchemas();

const type = (apiVersion: string, kind: string, namespaced = true): ResourceType => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return { group: group!, version: version!, kind, plural: `${kind.toLowerCase()}s`, namespaced };
};

const create = (apiVersion: string, kind: string, rest: object) =>
  schemas.prepare(
    type(apiVersion, kind),
    { apiVersion, kind, metadata: { name: 'x', namespace: 'default', uid: 'u-1' }, ...rest } as AnyObject,
    { operation: 'create', fieldValidation: 'Warn' },
  );

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
const selector = { matchLabels: { app: 'x' } };

describe('defaults', () => {
  test.each<[string, string, object, object]>([
    [
      'apps/v1',
      'Deployment',
      { spec: { selector, template } },
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        template: {
          spec: {
            restartPolicy: 'Always',
            dnsPolicy: 'ClusterFirst',
            terminationGracePeriodSeconds: 30,
            schedulerName: 'default-scheduler',
            securityContext: {},
            containers: [{ imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log', resources: {} }],
          },
        },
      },
    ],
    [
      'apps/v1',
      'StatefulSet',
      { spec: { selector, template, serviceName: 's' } },
      { replicas: 1, podManagementPolicy: 'OrderedReady', updateStrategy: { rollingUpdate: { partition: 0 } } },
    ],
    [
      'batch/v1',
      'Job',
      { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'job:1' }] } } } },
      {
        parallelism: 1,
        completions: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: 'TerminatingOrFailed',
        template: { spec: { containers: [{ imagePullPolicy: 'IfNotPresent' }] } },
      },
    ],
    [
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' },
          maxReplicas: 3,
          behavior: { scaleDown: { stabilizationWindowSeconds: 10 } },
        },
      },
      {
        minReplicas: 1,
        metrics: [{ resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
        behavior: {
          scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max' },
          scaleDown: { stabilizationWindowSeconds: 10, policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
        },
      },
    ],
    [
      'v1',
      'Service',
      { spec: { ports: [{ port: 80 }] } },
      { type: 'ClusterIP', sessionAffinity: 'None', ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] },
    ],
    [
      'batch/v1',
      'CronJob',
      {
        spec: {
          schedule: '* * * * *',
          jobTemplate: {
            spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
          },
        },
      },
      { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
    ],
  ])('%s %s', (apiVersion, kind, given, expected) => {
    expect(create(apiVersion, kind, given).object.spec).toMatchObject(expected);
  });

  test('a job with a parallelism alone stays a work queue', () => {
    const spec = {
      parallelism: 2,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } },
    };
    expect(create('batch/v1', 'Job', { spec }).object.spec).not.toHaveProperty('completions');
  });

  test('an HPA without behavior gets none', () => {
    const spec = { scaleTargetRef: { kind: 'Deployment', name: 'x' }, maxReplicas: 3 };
    expect(create('autoscaling/v2', 'HorizontalPodAutoscaler', { spec }).object.spec).not.toHaveProperty('behavior');
  });

  test('the given object stays as it was, even frozen', () => {
    const given = Object.freeze({ spec: Object.freeze({ selector, template }) });
    create('apps/v1', 'Deployment', given);
    expect(given).toEqual({ spec: { selector, template } });
  });
});

describe('shape', () => {
  test('warns about unknown fields and drops them', () => {
    const { object, warnings } = create('v1', 'ConfigMap', {
      data: { a: 'b' },
      dat: {},
      metadata: { name: 'x', foo: 1 },
    });
    expect(warnings).toEqual(
      ['unknown field "dat"', 'unknown field "metadata.foo"'].sort((a) => (a.includes('metadata') ? -1 : 1)),
    );
    expect(object).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: 'b' } });
  });

  test('refuses unknown fields when strict', () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, spec: {} };
    expect(() =>
      schemas.prepare(type('v1', 'ConfigMap'), object, { operation: 'create', fieldValidation: 'Strict' }),
    ).toThrow(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "spec"',
    );
  });

  test('refuses values that Go could not decode', () => {
    expect(() => create('apps/v1', 'Deployment', { spec: { replicas: 'two', selector, template } })).toThrow(
      expect.objectContaining({
        reason: 'BadRequest',
        message: expect.stringContaining('cannot unmarshal string into Go struct field spec.replicas of type int32'),
      }),
    );
  });

  test('stores quantities in canonical form and drops nulls', () => {
    const container = {
      name: 'c',
      image: 'i:1',
      command: null,
      resources: { requests: { cpu: '1000m', memory: 1024 } },
    };
    const { object } = create('v1', 'Pod', { spec: { containers: [container] } });
    expect(object.spec).toMatchObject({ containers: [{ resources: { requests: { cpu: '1', memory: '1024' } } }] });
    expect(JSON.stringify(object)).not.toContain('command');
  });
});

test.each<[string, string, object, string]>([
  [
    'v1',
    'Pod',
    { name: 'A_b' },
    `Pod "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain`,
  ],
  ['v1', 'Service', { name: '1a' }, 'metadata.name: Invalid value: "1a": a DNS-1035 label'],
  ['v1', 'ConfigMap', { name: 'a', labels: { 'a b': 'c' } }, 'metadata.labels: Invalid value: "a b": name part must'],
  ['v1', 'ConfigMap', { name: 'a', labels: { a: '-' } }, 'metadata.labels: Invalid value: "-": a valid label must'],
  ['v1', 'ConfigMap', {}, 'metadata.name: Required value: name or generateName is required'],
])('%s %s with metadata %j is refused', (apiVersion, kind, metadata, message) => {
  expect(() => create(apiVersion, kind, { metadata, spec: { containers: [{ name: 'c', image: 'i' }] } })).toThrow(
    message,
  );
});
