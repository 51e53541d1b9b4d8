import { describe, expect } from 'vitest';
import { CUSTOM_RESOURCE_DEFINITIONS, DEPLOYMENTS, SCALED_OBJECTS } from '../../src/api/resources.ts';
import type { ResourceType } from '../../src/base/object.ts';
import { eventually } from '../support/eventually.ts';
import { aDeployment, aScaler } from '../support/operator.ts';
import { worldTest } from '../support/operator-test.ts';

const it = worldTest();

/** A kind of one's own with a /scale subresource. */
function aKind(kind: string): { definition: object; type: ResourceType; make(name: string): object } {
  const plural = `${kind.toLowerCase()}s`;
  const schema = {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { replicas: { type: 'integer' } } },
      status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } },
    },
  };
  return {
    definition: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.shop.example.com` },
      spec: {
        group: 'shop.example.com',
        scope: 'Namespaced',
        names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: schema },
            subresources: {
              status: {},
              scale: {
                specReplicasPath: '.spec.replicas',
                statusReplicasPath: '.status.replicas',
                labelSelectorPath: '.status.selector',
              },
            },
          },
        ],
      },
    },
    type: { group: 'shop.example.com', version: 'v1', kind, plural, namespaced: true },
    make: (name) => ({
      apiVersion: 'shop.example.com/v1',
      kind,
      metadata: { name },
      spec: { replicas: 0 },
      status: { replicas: 0, selector: `app=${name}` },
    }),
  };
}

describe.concurrent('a target of a kind of its own', () => {
  it('is scaled through its /scale from 0 to 1 and back', async ({ world, ns, source }) => {
    const { definition, type, make } = aKind('Worker');
    await ns.apply(definition);
    await eventually(() => ns.apply(make('web')));
    await ns.apply(
      aScaler('web', [source.trigger()], {
        scaleTargetRef: { apiVersion: 'shop.example.com/v1', kind: 'Worker', name: 'web' },
      }),
    );
    const replicas = ns.replicasOf(type, 'web');
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
    source.answer = 5;
    await eventually(() => replicas.at(-1) === 1);
    source.answer = 0;
    await eventually(() => replicas.at(-1) === 0, 10_000);
    expect((await ns.get(SCALED_OBJECTS, 'web')).status.scaleTargetKind).toBe('shop.example.com/v1.Worker');
    await world.client.delete(CUSTOM_RESOURCE_DEFINITIONS, 'workers.shop.example.com');
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/ErrorGettingCurrentReplicas', 20_000);
  });

  it('is found also when its kind is installed after the ScaledObject', async ({ world, ns, source }) => {
    source.answer = 5;
    const { definition, type, make } = aKind('Late');
    await ns.apply(
      aScaler('web', [source.trigger()], {
        scaleTargetRef: { apiVersion: 'shop.example.com/v1', kind: 'Late', name: 'web' },
      }),
    );
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'False/ScaledObjectCheckFailed');
    await ns.apply(definition);
    await eventually(() => ns.apply(make('web')));
    const replicas = ns.replicasOf(type, 'web');
    await eventually(() => replicas.at(-1) === 1, 40_000);
    await world.client.delete(CUSTOM_RESOURCE_DEFINITIONS, 'lates.shop.example.com');
  });
});

describe.concurrent('a target that somebody scales by hand', () => {
  it('to zero while there is work is woken up again, without a poll', async ({ ns, source }) => {
    source.answer = 5;
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()], { pollingInterval: 60 }));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await eventually(() => replicas.at(-1) === 1);
    await ns.patch(DEPLOYMENTS, 'web', { spec: { replicas: 0 } });
    await eventually(() => replicas.length === 4);
    expect(replicas).toEqual([0, 1, 0, 1]);
  });

  it('up from zero without work rests again after the cooldown', async ({ ns, source }) => {
    await ns.apply(aDeployment('web', 0), aScaler('web', [source.trigger()]));
    const replicas = ns.replicasOf(DEPLOYMENTS, 'web');
    await ns.becomes(SCALED_OBJECTS, 'web', 'Active', 'False/ScalerNotActive');
    await ns.patch(DEPLOYMENTS, 'web', { spec: { replicas: 3 } });
    await eventually(() => replicas.length === 3);
    expect(replicas).toEqual([0, 3, 0]);
  });
});
