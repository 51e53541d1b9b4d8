import { describe, expect } from 'vitest';
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  NAMESPACES,
  SCALED_OBJECTS,
  SECRETS,
  TRIGGER_AUTHENTICATIONS,
} from '../../src/api/resources.ts';
import type { KubeObject, ResourceType } from '../../src/base/object.ts';
import { eventually } from '../support/eventually.ts';
import { METRIC } from '../support/metric-source.ts';
import { aDeployment, aScaler, type Loose, type TestNamespace } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();
const ready = (ns: TestNamespace, name = 'web') =>
  ns.becomes(SCALED_OBJECTS, name, 'Ready', 'True/ScaledObjectReady', 20_000);

const ROLLOUTS: ResourceType = {
  group: 'example.com',
  version: 'v1',
  kind: 'Rollout',
  plural: 'rollouts',
  namespaced: true,
};
const ROLLOUT_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'rollouts.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Rollout', plural: 'rollouts', singular: 'rollout' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { replicas: { type: 'integer' } } },
              status: { type: 'object', properties: { replicas: { type: 'integer' } } },
            },
          },
        },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
      },
    ],
  },
};

describe.concurrent('behaviour that no other story has', () => {
  it('a custom resource with a scale subresource is scaled like a Deployment', async ({ world, ns, source }) => {
    await world.client.create(CUSTOM_RESOURCE_DEFINITIONS, ROLLOUT_CRD);
    await eventually(() => ns.list(ROLLOUTS));
    await ns.apply(
      { apiVersion: 'example.com/v1', kind: 'Rollout', metadata: { name: 'web' }, spec: { replicas: 0 } },
      aScaler('web', [source.trigger()], {
        scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Rollout', name: 'web' },
        minReplicaCount: 0,
      }),
    );
    await ready(ns);
    expect((await ns.get(SCALED_OBJECTS, 'web')).status.scaleTargetKind).toBe('example.com/v1.Rollout');
    const replicas = async () => (await ns.get(ROLLOUTS, 'web')).spec.replicas;
    expect(await replicas()).toBe(0);
    source.answer = 5;
    await eventually(async () => expect(await replicas()).toBe(1), 20_000);
    source.answer = 0;
    await eventually(async () => expect(await replicas()).toBe(0), 20_000);
  });

  it('a TriggerAuthentication that comes, changes and goes is told by one event each', async ({ ns }) => {
    const authentication = (key: string) => ({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'TriggerAuthentication',
      metadata: { name: 'access' },
      spec: { secretTargetRef: [{ parameter: 'token', name: 'access', key }] },
    });
    const told = async () => (await ns.events('access')).map(({ reason, count }) => `${reason} ×${count}`);
    await ns.apply(authentication('a'));
    await eventually(async () => expect(await told()).toEqual(['TriggerAuthenticationAdded ×1']));
    await ns.apply(authentication('b'));
    await eventually(async () => expect(await told()).toContain('TriggerAuthenticationUpdated ×1'));
    await ns.delete(TRIGGER_AUTHENTICATIONS, 'access');
    await eventually(async () =>
      expect(await told()).toEqual([
        'TriggerAuthenticationAdded ×1',
        'TriggerAuthenticationUpdated ×1',
        'TriggerAuthenticationDeleted ×1',
      ]),
    );
  });

  it('with useCachedMetrics reads of the HPA ask no source', async ({ ns, source }) => {
    source.answer = 25;
    await ns.apply(
      aDeployment('web', 1),
      aScaler('web', [source.trigger({ useCachedMetrics: true })], { pollingInterval: 60 }),
    );
    await ready(ns);
    await eventually(async () => expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=25`));
    const asked = source.asked;
    source.answer = 99;
    const until = performance.now() + 3_000;
    while (performance.now() < until) expect(await ns.externalMetric('web', METRIC)).toBe(`${METRIC}=25`);
    expect(source.asked).toBe(asked);
  });

  it('a credential that is missing is told by an event and does not keep the object from being set up', async ({
    ns,
    source,
  }) => {
    await ns.apply(
      {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'TriggerAuthentication',
        metadata: { name: 'access' },
        spec: { secretTargetRef: [{ parameter: 'unused', name: 'not-there', key: 'token' }] },
      },
      aDeployment('web', 1),
      aScaler('web', [source.trigger({ authenticationRef: { name: 'access' } })]),
    );
    await ready(ns);
    await eventually(async () =>
      expect(await ns.events('web')).toContainEqual(
        expect.objectContaining({
          type: 'Warning',
          reason: 'KEDAScalerInfo',
          note: expect.stringContaining('not-there'),
        }),
      ),
    );
    expect(await ns.find(SECRETS, 'not-there')).toBeUndefined();
  });
});

const ofOneNamespace = worldTest({ env: { WATCH_NAMESPACE: 'watched' } });

describe('an operator of one namespace', () => {
  ofOneNamespace('leaves all others alone', async ({ world, ns, source }) => {
    const at = { namespace: 'watched' };
    await world.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'watched' } });
    await ns.apply(aDeployment('web', 1), aScaler('web', [source.trigger()]));
    await world.client.create(DEPLOYMENTS, aDeployment('web', 1) as KubeObject, at);
    await world.client.create(SCALED_OBJECTS, aScaler('web', [source.trigger()]) as KubeObject, at);
    await eventually(async () => {
      const { spec } = await world.client.get<Loose>(DEPLOYMENTS, 'web', at);
      expect(spec.replicas).toBe(0);
    }, 20_000);
    const { status, metadata } = await ns.get(SCALED_OBJECTS, 'web');
    expect(status).toBeUndefined();
    expect(metadata.finalizers).toBeUndefined();
    expect((await ns.get(DEPLOYMENTS, 'web')).spec.replicas).toBe(1);
  });
});
