import { expect, test } from 'vitest';
import { SCALED_OBJECTS } from '../../src/api/resources.ts';
import { eventually } from '../support/eventually.ts';
import { startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, startWorld } from '../support/operator.ts';

const finalizers = (object: { metadata: { finalizers?: string[] } }) => object.metadata.finalizers ?? [];

test('an operator of two namespaces and a label leaves everything else alone', async () => {
  const source = await startMetricSource(5);
  const world = await startWorld({
    operator: false,
    env: {
      WATCH_NAMESPACE: 'test-1,test-3',
      WATCH_LABEL_SELECTOR: 'team=shop',
      WATCH_LABEL_SELECTOR_FOR_TRIGGERAUTH: 'team=shop',
    },
  });
  try {
    const spaces = [await world.namespace(), await world.namespace(), await world.namespace()];
    expect(spaces.map(({ name }) => name)).toEqual(['test-1', 'test-2', 'test-3']);
    const shop = { labels: { team: 'shop' } };
    for (const ns of spaces) {
      await ns.apply(
        aDeployment('web', 0),
        aScaler('web', [source.trigger()], {}, shop),
        aDeployment('other', 0),
        aScaler('other', [source.trigger()], {}, { labels: { team: 'games' } }),
      );
    }
    // An authentication that is not ours to see is as good as none: the token of mode bearer is missing.
    const [first] = spaces;
    for (const [name, labels] of [
      ['seen', { team: 'shop' }],
      ['unseen', {}],
    ] as const) {
      await first?.apply(
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name },
          stringData: { token: 'secret' },
        },
        {
          apiVersion: 'keda.sh/v1alpha1',
          kind: 'TriggerAuthentication',
          metadata: { name, labels },
          spec: { secretTargetRef: [{ parameter: 'token', name, key: 'token' }] },
        },
        aDeployment(name, 0),
        aScaler(name, [source.trigger({ metadata: { authMode: 'bearer' }, authenticationRef: { name } })], {}, shop),
      );
    }
    await world.startOperator();
    for (const ns of [spaces[0], spaces[2]]) {
      await ns?.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
      expect(finalizers(await ns!.get(SCALED_OBJECTS, 'other'))).toEqual([]);
    }
    await first?.becomes(SCALED_OBJECTS, 'seen', 'Ready', 'True/ScaledObjectReady');
    await first?.becomes(SCALED_OBJECTS, 'unseen', 'Ready', 'False/ScaledObjectCheckFailed');
    expect(finalizers(await spaces[1]!.get(SCALED_OBJECTS, 'web'))).toEqual([]);
    await eventually(async () => expect(await spaces[2]!.externalMetric('web', 's0-metric-api-depth')).toContain('=5'));
  } finally {
    await world.stop();
    await source.stop();
  }
});
