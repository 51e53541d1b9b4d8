import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  NAMESPACES,
  SCALED_OBJECTS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { describeError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { type LocalCluster, PROJECT, startLocalCluster } from '../../src/cli/local-cluster.ts';
import { parseManifests } from '../../src/cli/manifests.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { createDiscovery } from '../../src/kube/discovery.ts';
import { ensureWebhookConfiguration, trustWebhookConfiguration } from '../../src/servers/admission/index.ts';
import { serveAdmission } from '../support/admission-server.ts';
import { eventually } from '../support/eventually.ts';

const clock = systemClock;
const log = silentLogger;

let cluster: LocalCluster;
let client: KubeClient;
let stop: () => Promise<void>;

async function serve(): Promise<void> {
  stop = (await serveAdmission(cluster.connection)).stop;
}

beforeAll(async () => {
  cluster = await startLocalCluster({ clock, log, port: 0 });
  client = cluster.client;
  await serve();
});
afterAll(async () => {
  await stop?.();
  await cluster?.stop();
});

let namespaces = 0;
let namespace = '';
beforeEach(async () => {
  namespace = `admission-${++namespaces}`;
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
});

interface Sent {
  /** The refusal; undefined when it was accepted. */
  refused: string | undefined;
  warnings: string[];
}

/** Sends an object as kubectl does and tells what its user sees. */
async function send(object: object, { dryRun = false, method = 'POST' as 'POST' | 'PUT' } = {}): Promise<Sent> {
  const { apiVersion, kind, metadata } = object as KubeObject;
  const type = await createDiscovery(client, clock).resolve(apiVersion, kind);
  if (!type) throw new Error(`${kind} is not served`);
  const scope = type.namespaced ? `/namespaces/${metadata.namespace ?? namespace}` : '';
  const item = method === 'PUT' ? `/${metadata.name}` : '';
  try {
    const { headers } = await client.request({
      method,
      path: `/apis/${apiVersion}${scope}/${type.plural}${item}`,
      query: dryRun ? { dryRun: 'All' } : {},
      body: object,
    });
    const warnings = [headers.warning ?? []].flat();
    return { refused: undefined, warnings };
  } catch (error) {
    return { refused: describeError(error), warnings: [] };
  }
}

const cron = {
  type: 'cron',
  metadata: { timezone: 'UTC', start: '0 8 * * *', end: '0 18 * * *', desiredReplicas: '3' },
};
const cpu = { type: 'cpu', metricType: 'Utilization', metadata: { value: '50' } };

const scaledObject = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name, ...metadata },
  spec: { scaleTargetRef: { name: 'worker' }, triggers: [cron], ...spec },
});
const deployment = (resources: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'worker' },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: 'worker' } },
    template: {
      metadata: { labels: { app: 'worker' } },
      spec: { containers: [{ name: 'main', image: 'worker:1', resources }] },
    },
  },
});
const hpa = (name: string) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'worker' },
    maxReplicas: 2,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
  },
});

describe('at admission', () => {
  it('a ScaledObject is accepted, and its user warned of what has no effect', async () => {
    const { refused, warnings } = await send(scaledObject('web', { minReplicaCount: 1, cooldownPeriod: 10 }));
    expect(refused).toBeUndefined();
    expect(warnings.join()).toContain('spec.cooldownPeriod');
  });

  it('all problems are told at once and nothing is stored', async () => {
    await send(hpa('legacy'));
    const { refused } = await send(
      scaledObject('web', {
        idleReplicaCount: 0,
        triggers: [
          { type: 'kron', metadata: {} },
          { ...cron, metadata: {} },
        ],
      }),
    );
    expect(refused).toContain('admission webhook "vscaledobject.kb.io" denied the request: 7 problems');
    for (const field of [
      'spec.idleReplicaCount (0)',
      'spec.triggers[0].type',
      'spec.triggers[1].metadata.timezone',
      'spec.scaleTargetRef.name',
    ])
      expect(refused).toContain(field);
    expect(await client.find(SCALED_OBJECTS, 'web', { namespace })).toBeUndefined();
  });

  it('of two that scale the same, made right after each other, the second is refused', async () => {
    expect((await send(scaledObject('one'))).refused).toBeUndefined();
    expect((await send(scaledObject('two'))).refused).toContain(
      "the workload 'worker' of type 'apps/v1.Deployment' is already managed by the ScaledObject 'one'",
    );
  });

  it('a workload is free as soon as its ScaledObject is gone', async () => {
    await send(scaledObject('one'));
    await client.delete(SCALED_OBJECTS, 'one', { namespace });
    expect((await send(scaledObject('two'))).refused).toBeUndefined();
  });

  it('an HPA on the workload is taken over only when it is named', async () => {
    await send(hpa('legacy'));
    const annotations = { 'scaledobject.keda.sh/transfer-hpa-ownership': 'true' };
    expect((await send(scaledObject('web'))).refused).toContain("is already managed by the hpa 'legacy'");
    expect((await send(scaledObject('web', {}, { annotations }))).refused).toContain(
      'spec.advanced.horizontalPodAutoscalerConfig.name',
    );
    const advanced = { horizontalPodAutoscalerConfig: { name: 'legacy' } };
    expect((await send(scaledObject('web', { advanced }, { annotations }))).refused).toBeUndefined();
  });

  it('a ScaledObject may come before its Deployment, and is judged by it when that is there', async () => {
    const object = scaledObject('web', { minReplicaCount: 1, triggers: [cpu] });
    const { refused, warnings } = await send(object);
    expect(refused).toBeUndefined();
    expect(warnings.join()).toContain(`there is no Deployment worker in namespace ${namespace} yet`);

    await send(deployment());
    const changed = { ...object, spec: { ...object.spec, maxReplicaCount: 5 } };
    const live = await client.get(SCALED_OBJECTS, 'web', { namespace });
    const update = { ...live, spec: changed.spec };
    await eventually(async () => {
      const { metadata } = await client.get(SCALED_OBJECTS, 'web', { namespace });
      const sent = await send({ ...update, metadata }, { method: 'PUT' });
      expect(sent.refused).toContain("the container main doesn't have the cpu request defined");
    });
  });

  it('cpu of a Deployment that requests it is accepted', async () => {
    await send(deployment({ requests: { cpu: '10m' } }));
    const { refused } = await send(scaledObject('web', { minReplicaCount: 1, triggers: [cpu] }));
    expect(refused).toBeUndefined();
  });

  it('a dry run is judged without a look at the target, and leaves nothing behind', async () => {
    await send(deployment());
    const measured = scaledObject('web', { triggers: [cpu] });
    expect((await send(measured, { dryRun: true })).refused).toBeUndefined();
    expect((await send(scaledObject('web', { idleReplicaCount: 0 }), { dryRun: true })).refused).toContain(
      'spec.idleReplicaCount',
    );
    expect((await send(measured)).refused).toContain('spec.minReplicaCount');
    expect(await client.find(SCALED_OBJECTS, 'web', { namespace })).toBeUndefined();
  });

  it('a kind is refused until its CRD is there, and accepted right after', async () => {
    const kind = { apiVersion: 'example.org/v1', kind: 'Fleet', name: 'ships' };
    const object = scaledObject('web', { scaleTargetRef: kind });
    expect((await send(object)).refused).toContain('the cluster has no Fleet in example.org/v1');
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, scalable('example.org', 'v1', 'Fleet', 'fleets'));
    await eventually(() => createDiscovery(client, clock).resolve('example.org/v1', 'Fleet').then(Boolean));
    expect((await send(object)).refused).toBeUndefined();
  });

  it('what became invalid while the webhook was away can still lose its finalizer', async () => {
    await stop();
    // Nobody judges now: failurePolicy Ignore.
    const finalizers = ['example.org/keep'];
    expect((await send(scaledObject('web', { idleReplicaCount: 0 }, { finalizers }))).refused).toBeUndefined();
    await serve();
    const live = await client.get<KubeObject & { spec: object }>(SCALED_OBJECTS, 'web', { namespace });
    const { finalizers: _, ...metadata } = live.metadata;
    const labelled = { ...live, metadata: { ...live.metadata, labels: { a: 'b' } } };
    expect((await send(labelled, { method: 'PUT' })).refused).toContain('spec.idleReplicaCount');
    expect((await send({ ...live, metadata }, { method: 'PUT' })).refused).toBeUndefined();
  });
});

describe('every manifest of the shapes in the documentation of KEDA is accepted:', () => {
  const folder = path.join(PROJECT, 'test/fixtures/keda-manifests');
  const manifests = readdirSync(folder).flatMap((file) =>
    parseManifests(readFileSync(path.join(folder, file), 'utf8')).map((object): [string, string, KubeObject] => [
      object.kind,
      object.metadata.name,
      object,
    ]),
  );
  beforeAll(async () => {
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, scalable('argoproj.io', 'v1alpha1', 'Rollout', 'rollouts'));
    await eventually(() => createDiscovery(client, clock).resolve('argoproj.io/v1alpha1', 'Rollout').then(Boolean));
  });
  it.each(manifests)('%s %s', async (_kind, _name, object) => {
    expect((await send(object)).refused).toBeUndefined();
  });
});

it('the manifests of the guide do what it says', async () => {
  const guide = readFileSync(path.join(PROJECT, 'docs/guides/admission.md'), 'utf8');
  const [refused, accepted] = [...guide.matchAll(/```yaml(?: refused)?\n([\s\S]*?)```/g)].map(([, text]) =>
    parseManifests(text ?? ''),
  );
  const [, answer = ''] = /```text\n([\s\S]*?)```/.exec(guide) ?? [];
  for (const object of refused ?? []) {
    const sent = await send({ ...object, metadata: { ...object.metadata, namespace } });
    for (const line of answer.trim().split('\n').slice(1)) expect(sent.refused).toContain(line.trim());
  }
  expect(accepted).toHaveLength(1);
  for (const object of accepted ?? [])
    expect((await send({ ...object, metadata: { ...object.metadata, namespace } })).refused).toBeUndefined();
});

describe('the webhook configuration', () => {
  const name = 'test-admission';
  const at = { service: { namespace: 'keda', name: 'keda-admission-webhooks' } };
  const versionNow = async () => (await client.get(VALIDATING_WEBHOOK_CONFIGURATIONS, name)).metadata.resourceVersion;
  // The Service is not there, so that this one never answers.
  const end = () => client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, name);

  it('has the six webhooks of KEDA and is written on change only', async () => {
    expect(await ensureWebhookConfiguration(client, { name, at, caBundle: 'one' })).toBe(true);
    const before = await versionNow();
    expect(await ensureWebhookConfiguration(client, { name, at, caBundle: 'one' })).toBe(false);
    expect(await versionNow()).toBe(before);
    expect(await ensureWebhookConfiguration(client, { name, at, caBundle: 'two' })).toBe(true);
    const { webhooks } = await client.get<KubeObject & { webhooks: object[] }>(VALIDATING_WEBHOOK_CONFIGURATIONS, name);
    expect(webhooks).toHaveLength(6);
    expect(webhooks[0]).toMatchObject({
      name: 'vscaledobject.kb.io',
      clientConfig: {
        caBundle: Buffer.from('two').toString('base64'),
        service: {
          namespace: 'keda',
          name: 'keda-admission-webhooks',
          path: '/validate-keda-sh-v1alpha1-scaledobject',
          port: 443,
        },
      },
      rules: [
        {
          apiGroups: ['keda.sh'],
          apiVersions: ['v1alpha1'],
          operations: ['CREATE', 'UPDATE'],
          resources: ['scaledobjects'],
        },
      ],
      failurePolicy: 'Ignore',
      matchPolicy: 'Equivalent',
      sideEffects: 'None',
      timeoutSeconds: 10,
      admissionReviewVersions: ['v1'],
    });
    await end();
  });

  it('of somebody else gets our authority and keeps what is theirs', async () => {
    const hook = (path: string) => ({
      name: `${path}.kb.io`,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Fail',
      clientConfig: { url: `https://localhost:1/${path}` },
      rules: [],
    });
    const type = VALIDATING_WEBHOOK_CONFIGURATIONS;
    expect(await trustWebhookConfiguration(client, { name, caBundle: 'one' })).toBe('missing');
    await client.create(type, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name },
      webhooks: [hook('a'), hook('b')],
    });
    expect(await trustWebhookConfiguration(client, { name, caBundle: 'one' })).toBe('written');
    expect(await trustWebhookConfiguration(client, { name, caBundle: 'one' })).toBe('unchanged');
    const { webhooks } = await client.get<KubeObject & { webhooks: object[] }>(type, name);
    const caBundle = Buffer.from('one').toString('base64');
    expect(webhooks).toMatchObject([
      { failurePolicy: 'Fail', clientConfig: { url: 'https://localhost:1/a', caBundle } },
      { failurePolicy: 'Fail', clientConfig: { url: 'https://localhost:1/b', caBundle } },
    ]);
    await end();
  });
});

/** A CRD whose objects can be scaled. */
function scalable(group: string, version: string, kind: string, plural: string) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          subresources: { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
        },
      ],
    },
  };
}
