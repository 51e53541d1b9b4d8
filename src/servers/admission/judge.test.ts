import { describe, expect, test } from 'vitest';
import { anAutoscaler, type ClusterContents, clusterFacts } from '../../../test/support/admission-facts.ts';
import { aScaledObject } from '../../../test/support/manifests.ts';
import type { ScaledObject, ScaledObjectSpec, Trigger } from '../../api/index.ts';
import type { KindName } from '../../api/kinds.ts';
import { isExempt, judge } from './judge.ts';
import type { AdmissionRequest } from './review.ts';

const cron: Trigger = {
  type: 'cron',
  metadata: { timezone: 'UTC', start: '0 8 * * *', end: '0 18 * * *', desiredReplicas: '3' },
};
const cpu: Trigger = { type: 'cpu', metricType: 'Utilization', metadata: { value: '50' } };
const requesting = { containers: [{ name: 'main', resources: { requests: { cpu: '100m' } } }] };
const idle = { containers: [{ name: 'main' }, { name: 'sidecar' }] };

const scaledObject = (spec: Partial<ScaledObjectSpec> = {}, metadata: Partial<ScaledObject['metadata']> = {}) =>
  aScaledObject({ triggers: [cron], ...spec }, metadata);

function review(object: object, over: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    uid: 'u',
    operation: over.oldObject ? 'UPDATE' : 'CREATE',
    name: '',
    namespace: 'shop',
    subresource: '',
    dryRun: false,
    object: object as Record<string, unknown>,
    oldObject: undefined,
    ...over,
  };
}

async function verdictOf(
  kind: KindName,
  object: object,
  cluster: ClusterContents = {},
  over: Partial<AdmissionRequest> = {},
) {
  const { problems, notes } = await judge(
    kind,
    review(object, over),
    clusterFacts(cluster),
    new AbortController().signal,
  );
  return {
    refusals: problems.map(({ reason, path }) => `${reason} ${path}`),
    notes: notes.map(({ path }) => path),
    texts: [...problems, ...notes].map(({ path, message }) => `${path}: ${message}`),
  };
}

const so = (spec: Partial<ScaledObjectSpec>, metadata?: Partial<ScaledObject['metadata']>) =>
  scaledObject(spec, metadata);
const modifiers = (formula: string, target = '2') => ({ advanced: { scalingModifiers: { formula, target } } });
const named: Trigger = { ...cron, name: 'office' };
const other = scaledObject({}, { name: 'other' });
const hpaNamed = (name: string) => ({ advanced: { horizontalPodAutoscalerConfig: { name } } });
const TRANSFER = { 'scaledobject.keda.sh/transfer-hpa-ownership': 'true' };

describe('a ScaledObject', () => {
  test.each<[string, ScaledObject, ClusterContents, string[]]>([
    ['that has all it needs', so({}), {}, []],
    // R
    ['min above max', so({ minReplicaCount: 5, maxReplicaCount: 3 }), {}, ['incorrect-replicas spec.minReplicaCount']],
    ['min above the default max', so({ minReplicaCount: 101 }), {}, ['incorrect-replicas spec.minReplicaCount']],
    ['idle without min', so({ idleReplicaCount: 0 }), {}, ['incorrect-replicas spec.idleReplicaCount']],
    ['idle 0 beside min 0', so({ idleReplicaCount: 0, minReplicaCount: 0 }), {}, []],
    // T
    ['no triggers', so({ triggers: [] }), {}, ['incorrect-triggers spec.triggers']],
    ['two triggers of one name', so({ triggers: [named, named] }), {}, ['incorrect-triggers spec.triggers[1].name']],
    [
      'cached metrics of cron',
      so({ triggers: [{ ...cron, useCachedMetrics: true }] }),
      {},
      ['incorrect-triggers spec.triggers[0].useCachedMetrics'],
    ],
    // F
    [
      'a fallback for cpu alone',
      so({ minReplicaCount: 1, triggers: [cpu], fallback: { failureThreshold: 3, replicas: 2 } }),
      { pods: { 'Deployment/worker': requesting } },
      ['incorrect-fallback spec.fallback'],
    ],
    // N
    ['a name of 54 characters', so({}, { name: 'a'.repeat(54) }), {}, []],
    ['a name of 55, whose HPA is too long', so({}, { name: 'a'.repeat(55) }), {}, ['hpa-name-too-long metadata.name']],
    ['a name of 64', so(hpaNamed('short'), { name: 'a'.repeat(64) }), {}, ['name-too-long metadata.name']],
    // K
    [
      'a kind that the cluster lacks',
      so({ scaleTargetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'w' } }),
      {},
      ['scale-target-kind spec.scaleTargetRef.kind'],
    ],
    [
      'a kind that the cluster has',
      so({ scaleTargetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'w' } }),
      { kinds: ['argoproj.io/v1alpha1/Rollout'] },
      [],
    ],
    // O
    ['a target of another', so({}), { scaledObjects: [other] }, ['other-scaled-object spec.scaleTargetRef.name']],
    ['a target of itself', so({}), { scaledObjects: [so({})] }, []],
    [
      'a target of another in another namespace',
      so({}),
      { scaledObjects: [so({}, { name: 'other', namespace: 'b' })] },
      [],
    ],
    [
      'the name of a Deployment that another has, but a StatefulSet',
      so({ scaleTargetRef: { kind: 'StatefulSet', name: 'worker' } }),
      { scaledObjects: [other] },
      [],
    ],
    [
      'a target of another, spelled out',
      so({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'worker' } }),
      { scaledObjects: [other] },
      ['other-scaled-object spec.scaleTargetRef.name'],
    ],
    // A
    [
      'an HPA of another',
      so(hpaNamed('web')),
      { scaledObjects: [so({ ...hpaNamed('web'), scaleTargetRef: { name: 'x' } }, { name: 'other' })] },
      ['other-scaled-object-hpa spec.advanced.horizontalPodAutoscalerConfig.name'],
    ],
    [
      'the default HPA of another',
      so(hpaNamed('keda-hpa-other')),
      { scaledObjects: [so({ scaleTargetRef: { name: 'x' } }, { name: 'other' })] },
      ['other-scaled-object-hpa spec.advanced.horizontalPodAutoscalerConfig.name'],
    ],
    // M
    ['a formula over its triggers', so({ triggers: [named], ...modifiers('office + 1') }), {}, []],
    [
      'a formula over others',
      so({ triggers: [named], ...modifiers('offices') }),
      {},
      ['scaling-modifiers spec.advanced.scalingModifiers.formula'],
    ],
    [
      'a formula without a target',
      so({ triggers: [named], ...modifiers('office', '') }),
      {},
      ['scaling-modifiers spec.advanced.scalingModifiers.target'],
    ],
    // B
    [
      'a fallback by a formula that is not there',
      so({ fallback: { failureThreshold: 3, replicas: 2, behavior: 'scalingModifiers' } }),
      {},
      ['scaling-modifiers-fallback spec.fallback.behavior'],
    ],
    // H
    [
      'a target of an HPA',
      so({}),
      { autoscalers: [anAutoscaler('web', so({}))] },
      ['other-hpa spec.scaleTargetRef.name'],
    ],
    ['a target of its own HPA', so({}), { autoscalers: [anAutoscaler('web', so({}), { owner: 'worker' })] }, []],
    [
      'a target of the HPA of another',
      so({}),
      { autoscalers: [anAutoscaler('web', so({}), { owner: 'gone' })] },
      ['other-hpa spec.scaleTargetRef.name'],
    ],
    [
      'a target of an HPA that is exempt',
      so({}),
      { autoscalers: [anAutoscaler('web', so({}), { exempt: 'false' })] },
      [],
    ],
    [
      'a target of an HPA whose exemption says true',
      so({}),
      { autoscalers: [anAutoscaler('web', so({}), { exempt: 'true' })] },
      ['other-hpa spec.scaleTargetRef.name'],
    ],
    [
      'a target of an HPA that names a kind alone',
      so({}),
      { autoscalers: [anAutoscaler('web', so({}), { apiVersion: '' })] },
      ['other-hpa spec.scaleTargetRef.name'],
    ],
    // H2
    [
      'an HPA that is to be taken over and named',
      so(hpaNamed('web'), { annotations: TRANSFER }),
      { autoscalers: [anAutoscaler('web', so({}))] },
      [],
    ],
    [
      'an HPA that is to be taken over and not named',
      so({}, { annotations: TRANSFER }),
      { autoscalers: [anAutoscaler('web', so({}))] },
      ['transfer-ownership-missing-hpa-name spec.advanced.horizontalPodAutoscalerConfig.name'],
    ],
    // C
    [
      'cpu of containers that request it',
      so({ minReplicaCount: 1, triggers: [cpu] }),
      { pods: { 'Deployment/worker': requesting } },
      [],
    ],
    [
      'cpu of containers that do not',
      so({ minReplicaCount: 1, triggers: [cpu] }),
      { pods: { 'Deployment/worker': idle } },
      ['missing-requests spec.triggers[0].type'],
    ],
    [
      'cpu of containers whose namespace gives a default',
      so({ minReplicaCount: 1, triggers: [cpu] }),
      {
        pods: { 'Deployment/worker': idle },
        limitRanges: [{ spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '1' } }] } }],
      },
      [],
    ],
    ['cpu of a target that is not there yet', so({ minReplicaCount: 1, triggers: [cpu] }), {}, []],
    // Z
    [
      'cpu alone down to zero',
      so({ triggers: [cpu] }),
      { pods: { 'Deployment/worker': requesting } },
      ['scale-to-zero-requirements-not-met spec.minReplicaCount'],
    ],
    ['cpu and cron down to zero', so({ triggers: [cpu, cron] }), { pods: { 'Deployment/worker': requesting } }, []],
    // Triggers
    [
      'a trigger type that does not exist',
      so({ triggers: [{ ...cron, type: 'kron' }] }),
      {},
      ['incorrect-triggers spec.triggers[0].type'],
    ],
    [
      'a schedule that cannot be read',
      so({ triggers: [{ ...cron, metadata: { ...cron.metadata, end: 'x' } }] }),
      {},
      ['incorrect-triggers spec.triggers[0].metadata.end'],
    ],
    [
      'a trigger type of KEDA that cannot be read here',
      so({ triggers: [{ type: 'external-mock', metadata: {} }] }),
      {},
      [],
    ],
  ])('%s', async (_, object, cluster, expected) => {
    expect((await verdictOf('ScaledObject', object, cluster)).refusals).toEqual(expected);
  });

  test('hears of all its problems at once', async () => {
    const object = so({
      minReplicaCount: 5,
      maxReplicaCount: 3,
      triggers: [
        { ...cron, metadata: { ...cron.metadata, end: 'x', desiredReplicas: 'x' } },
        { type: 'kron', metadata: {} },
      ],
    });
    const cluster = { scaledObjects: [other], autoscalers: [anAutoscaler('web', object)] };
    const { refusals } = await verdictOf('ScaledObject', object, cluster);
    expect(refusals.sort()).toEqual([
      'incorrect-replicas spec.minReplicaCount',
      'incorrect-triggers spec.triggers[0].metadata.desiredReplicas',
      'incorrect-triggers spec.triggers[0].metadata.end',
      'incorrect-triggers spec.triggers[1].type',
      'other-hpa spec.scaleTargetRef.name',
      'other-scaled-object spec.scaleTargetRef.name',
    ]);
  });

  test('reads the name of a wrong parameter once', async () => {
    const object = so({ triggers: [{ ...cron, metadata: { ...cron.metadata, end: 'x' } }] });
    const { texts } = await verdictOf('ScaledObject', object);
    expect(texts).toEqual([expect.stringMatching(/^spec\.triggers\[0\]\.metadata\.end: cannot read/)]);
  });

  test.each<[string, ScaledObject, ClusterContents, string]>([
    [
      'another ScaledObject',
      so({}),
      { scaledObjects: [other] },
      "the workload 'worker' of type 'apps/v1.Deployment' is already managed by the ScaledObject 'other'",
    ],
    [
      'the HPA of another ScaledObject',
      so(hpaNamed('web')),
      { scaledObjects: [so({ ...hpaNamed('web'), scaleTargetRef: { name: 'x' } }, { name: 'other' })] },
      "the HPA 'web' is already managed by the ScaledObject 'other'",
    ],
    [
      'an HPA',
      so({}),
      { autoscalers: [anAutoscaler('web', so({}))] },
      "the workload 'worker' of type 'apps/v1.Deployment' is already managed by the hpa 'web'",
    ],
    [
      'a container without requests',
      so({ minReplicaCount: 1, triggers: [cpu] }),
      { pods: { 'Deployment/worker': idle } },
      "the scaledobject has a cpu trigger but the container main doesn't have the cpu request defined",
    ],
  ])('is told of %s in the words that end-to-end tests of KEDA look for', async (_, object, cluster, text) => {
    expect((await verdictOf('ScaledObject', object, cluster)).texts.join('\n')).toContain(text);
  });

  test.each<[string, ScaledObject, ClusterContents, string[]]>([
    [
      'a polling interval and a cooldown that do nothing',
      so({ minReplicaCount: 1, pollingInterval: 10, cooldownPeriod: 10 }),
      {},
      ['spec.pollingInterval', 'spec.cooldownPeriod'],
    ],
    [
      'a trigger type that cannot be read here',
      so({ triggers: [{ type: 'external-mock', metadata: {} }] }),
      {},
      ['spec.triggers[0].type'],
    ],
    ['a target that is not there yet', so({ minReplicaCount: 1, triggers: [cpu] }), {}, ['spec.scaleTargetRef.name']],
    [
      'an authentication that is not there yet',
      so({ triggers: [{ ...cron, authenticationRef: { name: 'later' } }] }),
      {},
      ['spec.triggers[0].authenticationRef.name'],
    ],
    [
      'an authentication that is there',
      so({ triggers: [{ ...cron, authenticationRef: { name: 'here' } }] }),
      { authentications: ['TriggerAuthentication/here'] },
      [],
    ],
    [
      'a cluster-wide authentication of the same name',
      so({ triggers: [{ ...cron, authenticationRef: { name: 'here', kind: 'ClusterTriggerAuthentication' } }] }),
      { authentications: ['TriggerAuthentication/here'] },
      ['spec.triggers[0].authenticationRef.name'],
    ],
  ])('is accepted and warned of %s', async (_, object, cluster, expected) => {
    const { refusals, notes } = await verdictOf('ScaledObject', object, cluster);
    expect(refusals).toEqual([]);
    expect(notes).toEqual(expected);
  });

  test('is accepted with a warning when the cluster cannot be read', async () => {
    const object = so({ minReplicaCount: 1, triggers: [cpu] });
    const { refusals, notes, texts } = await verdictOf('ScaledObject', object, { broken: new Error('no answer') });
    expect(refusals).toEqual([]);
    expect(new Set(notes)).toEqual(new Set(['spec.scaleTargetRef.kind', 'spec.scaleTargetRef.name']));
    expect(texts.join('\n')).toContain('no answer');
  });

  test('in a dry run is not held against its target', async () => {
    const cluster = { pods: { 'Deployment/worker': idle }, scaledObjects: [other] };
    const { refusals } = await verdictOf('ScaledObject', so({ triggers: [cpu] }), cluster, { dryRun: true });
    expect(refusals).toEqual(['other-scaled-object spec.scaleTargetRef.name']);
  });
});

describe('an update', () => {
  const broken = so({ triggers: [{ ...cron, metadata: { ...cron.metadata, end: 'x' } }], pollingInterval: 0 });
  const update = (object: object, oldObject: object) =>
    verdictOf('ScaledObject', object, {}, { oldObject: oldObject as Record<string, unknown> });

  test('leaves a trigger and a field alone that were wrong before, and warns', async () => {
    const labelled = { ...broken, metadata: { ...broken.metadata, labels: { team: 'a' } } };
    const { refusals, notes } = await update(labelled, broken);
    expect(refusals).toEqual([]);
    expect(notes).toEqual(['spec.pollingInterval', 'spec.triggers[0].metadata.end']);
  });

  test('may not make them wrong in another way', async () => {
    const worse = so({ triggers: [{ ...cron, metadata: { ...cron.metadata, end: 'y' } }], pollingInterval: -1 });
    expect((await update(worse, broken)).refusals).toEqual([
      'invalid-field spec.pollingInterval',
      'incorrect-triggers spec.triggers[0].metadata.end',
    ]);
  });

  test("is held against KEDA's own rules even where nothing of them changed", async () => {
    const bad = so({ idleReplicaCount: 0 });
    const labelled = { ...bad, metadata: { ...bad.metadata, labels: { team: 'a' } } };
    expect((await update(labelled, bad)).refusals).toEqual(['incorrect-replicas spec.idleReplicaCount']);
  });
});

describe('nothing is judged when', () => {
  const FINALIZER = 'finalizer.keda.sh';
  const bad = (finalizers: string[], over: object = {}) => ({
    ...so({ idleReplicaCount: 0 }, { finalizers, ...over }),
  });
  const other = { ...bad([]), spec: { ...bad([]).spec, pollingInterval: 3 } };
  test.each<[string, Partial<AdmissionRequest>, boolean]>([
    ['it is created', { object: bad([FINALIZER]) }, false],
    ['a finalizer goes', { object: bad([]), oldObject: bad([FINALIZER]) }, true],
    ['one of two finalizers goes', { object: bad(['a']), oldObject: bad(['a', FINALIZER]) }, true],
    ['a finalizer goes and the spec changes', { object: other, oldObject: bad([FINALIZER]) }, false],
    ['a finalizer comes', { object: bad([FINALIZER]), oldObject: bad([]) }, false],
    [
      'it is being deleted',
      { object: bad([], { deletionTimestamp: '2026-01-01T00:00:00Z' }), oldObject: bad([]) },
      true,
    ],
    ['its status is written', { object: bad([]), oldObject: bad([]), subresource: 'status' }, true],
    ['it is deleted', { operation: 'DELETE', object: undefined, oldObject: bad([]) }, true],
  ])('%s: %s', (_, over, expected) => {
    const { object = {}, ...rest } = over;
    expect(isExempt({ ...review(object, rest as Partial<AdmissionRequest>), object: over.object })).toBe(expected);
  });
});

const api = 'keda.sh/v1alpha1';
const job = (trigger: object) => ({
  apiVersion: api,
  kind: 'ScaledJob',
  metadata: { name: 'batch', namespace: 'shop' },
  spec: {
    jobTargetRef: { template: { spec: { containers: [{ name: 'work', image: 'work:1' }] } } },
    triggers: [trigger],
  },
});
const authentication = (spec: object, kind = 'TriggerAuthentication') => ({
  apiVersion: api,
  kind,
  metadata: { name: 'auth', ...(kind.startsWith('Cluster') ? {} : { namespace: 'shop' }) },
  spec,
});
const events = (eventSubscription: object, kind = 'CloudEventSource') => ({
  apiVersion: 'eventing.keda.sh/v1alpha1',
  kind,
  metadata: { name: 'events', ...(kind.startsWith('Cluster') ? {} : { namespace: 'shop' }) },
  spec: { destination: { http: { uri: 'http://events' } }, eventSubscription },
});
const workload = (rest: object) => ({ podIdentity: { provider: 'azure-workload', ...rest } });
const oauth2 = { type: 'clientCredentials', clientId: '', tokenUrl: 'ftp://x' };
const READY = 'keda.scaledobject.ready.v1';

test.each<[string, KindName, object, string[]]>([
  ['a ScaledJob', 'ScaledJob', job(cron), []],
  [
    'a ScaledJob with cached metrics of cron',
    'ScaledJob',
    job({ ...cron, useCachedMetrics: true }),
    ['incorrect-triggers spec.triggers[0].useCachedMetrics'],
  ],
  ['a ScaledJob with a metricType, which fails later', 'ScaledJob', job({ ...cron, metricType: 'Value' }), []],
  ['a ScaledJob with cpu, which does nothing', 'ScaledJob', job({ type: 'cpu', metadata: { value: '50' } }), []],
  [
    'a ScaledJob with a trigger that cannot be read',
    'ScaledJob',
    job({ ...cron, metadata: {} }),
    ['timezone', 'start', 'end', 'desiredReplicas'].map((f) => `incorrect-triggers spec.triggers[0].metadata.${f}`),
  ],
  [
    'an empty identity',
    'TriggerAuthentication',
    authentication(workload({ identityId: '' })),
    ['pod-identity spec.podIdentity.identityId'],
  ],
  [
    'an authority without a tenant',
    'ClusterTriggerAuthentication',
    authentication(workload({ identityAuthorityHost: 'https://a' }), 'ClusterTriggerAuthentication'),
    ['pod-identity spec.podIdentity.identityTenantId'],
  ],
  [
    'a role of nobody',
    'TriggerAuthentication',
    authentication({ podIdentity: { provider: 'aws', roleArn: 'r', identityOwner: 'workload' } }),
    ['pod-identity spec.podIdentity.roleArn'],
  ],
  [
    'an OAuth client without a name or an address',
    'TriggerAuthentication',
    authentication({ oauth2 }),
    ['oauth2 spec.oauth2.clientId', 'oauth2 spec.oauth2.tokenUrl'],
  ],
  [
    'the same beside another identity, which KEDA does not look at',
    'TriggerAuthentication',
    authentication({ podIdentity: { provider: 'gcp' }, oauth2 }),
    [],
  ],
  ['one list of events', 'CloudEventSource', events({ includedEventTypes: [READY] }), []],
  [
    'both lists of events',
    'ClusterCloudEventSource',
    events({ includedEventTypes: [READY], excludedEventTypes: [READY] }, 'ClusterCloudEventSource'),
    ['event-types spec.eventSubscription.excludedEventTypes'],
  ],
  [
    'events of authentications, which the CRD has',
    'CloudEventSource',
    events({ includedEventTypes: ['keda.authentication.triggerauthentication.created.v1'] }),
    ['event-types spec.eventSubscription.includedEventTypes[0]'],
  ],
])('%s', async (_, kind, object, expected) => {
  expect((await verdictOf(kind, object)).refusals).toEqual(expected);
});
