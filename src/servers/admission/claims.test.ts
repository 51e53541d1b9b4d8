import { expect, test } from 'vitest';
import { aScaledObject } from '../../../test/support/manifests.ts';
import type { ScaledObject } from '../../api/index.ts';
import type { Store, StoreChange } from '../../kube/store.ts';
import { claimOf, followClaims } from './claims.ts';

/** A store that the test fills by hand. */
function handFilled() {
  const objects = new Map<string, ScaledObject>();
  let tell: (change: StoreChange<ScaledObject>) => void = () => {};
  const store: Pick<Store<ScaledObject>, 'get' | 'onChange'> = {
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    onChange(handler) {
      tell = handler;
      return () => {};
    },
  };
  const claims = followClaims(store as Store<ScaledObject>);
  const keyOf = ({ metadata }: ScaledObject) => `${metadata.namespace}/${metadata.name}`;
  return {
    claims,
    put(object: ScaledObject) {
      const previous = objects.get(keyOf(object));
      objects.set(keyOf(object), object);
      tell(previous ? { type: 'changed', object, previous } : { type: 'added', object });
    },
    remove(object: ScaledObject) {
      objects.delete(keyOf(object));
      tell({ type: 'deleted', object, previous: object });
    },
  };
}

const on = (name: string, target: string, hpa?: string, namespace = 'shop') =>
  aScaledObject(
    {
      scaleTargetRef: { name: target },
      ...(hpa ? { advanced: { horizontalPodAutoscalerConfig: { name: hpa } } } : {}),
    },
    { name, namespace },
  );

test.each<[string, ScaledObject[], ScaledObject, string[]]>([
  ['nobody', [on('a', 'x')], on('b', 'y'), []],
  ['who has the target', [on('a', 'x')], on('b', 'x'), ['a']],
  ['several who have the target', [on('a', 'x'), on('b', 'x')], on('c', 'x'), ['a', 'b']],
  ['who has the HPA', [on('a', 'x', 'web')], on('b', 'y', 'web'), ['a']],
  ['who has the HPA by default', [on('a', 'x')], on('b', 'y', 'keda-hpa-a'), ['a']],
  ['nobody, where that one has given it another name', [on('a', 'x', 'web')], on('b', 'y', 'keda-hpa-a'), []],
  ['who took the default HPA', [on('a', 'x', 'keda-hpa-b')], on('b', 'y'), ['a']],
  ['who has both, once', [on('a', 'x', 'web')], on('b', 'x', 'web'), ['a']],
  ['nobody in another namespace', [on('a', 'x', undefined, 'other')], on('b', 'x'), []],
])('a claim finds %s', (_, objects, wanted, expected) => {
  const { claims, put } = handFilled();
  for (const object of objects) put(object);
  expect(claims.holders('shop', claimOf(wanted))).toEqual(expected);
});

test('a claim ends with a change or the end of the object', () => {
  const { claims, put, remove } = handFilled();
  put(on('a', 'x', 'web'));
  put(on('b', 'x'));
  expect(claims.count('shop')).toBe(2);
  put(on('a', 'y', 'other'));
  expect(claims.holders('shop', { target: 'apps/v1/Deployment/x', hpaName: 'web' })).toEqual(['b']);
  expect(claims.holders('shop', { target: 'apps/v1/Deployment/y', hpaName: '' })).toEqual(['a']);
  remove(on('b', 'x'));
  remove(on('a', 'y', 'other'));
  expect(claims.holders('shop', { target: 'apps/v1/Deployment/x', hpaName: 'other' })).toEqual([]);
  expect(claims.count('shop')).toBe(0);
});
