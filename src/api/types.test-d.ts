import { expectTypeOf, test } from 'vitest';
import type { Condition, PodTemplate, ScaledJob, ScaledObject, Trigger, TriggerAuthentication } from './index.ts';

test('types of the kinds follow from their fields', () => {
  expectTypeOf<ScaledObject['spec']['minReplicaCount']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<ScaledObject['spec']['scaleTargetRef']['name']>().toEqualTypeOf<string>();
  expectTypeOf<ScaledObject['spec']['triggers']>().toEqualTypeOf<Trigger[]>();
  expectTypeOf<Trigger['metadata']>().toEqualTypeOf<Record<string, string>>();
  expectTypeOf<NonNullable<Trigger['authenticationRef']>['kind']>().toEqualTypeOf<
    'TriggerAuthentication' | 'ClusterTriggerAuthentication' | undefined
  >();
  expectTypeOf<NonNullable<ScaledObject['status']>['conditions']>().toEqualTypeOf<Condition[] | undefined>();
  expectTypeOf<Condition['status']>().toEqualTypeOf<'True' | 'False' | 'Unknown'>();
  expectTypeOf<NonNullable<ScaledObject['status']>['health']>().toEqualTypeOf<
    Record<string, { numberOfFailures?: number; status?: 'Happy' | 'Failing' }> | undefined
  >();
  expectTypeOf<ScaledJob['spec']['jobTargetRef']['template']>().toEqualTypeOf<PodTemplate>();
  expectTypeOf<ScaledJob['spec']['triggers'][number]>().toExtend<Trigger>();
  expectTypeOf<NonNullable<TriggerAuthentication['spec']['secretTargetRef']>[number]>().toEqualTypeOf<{
    parameter: string;
    name: string;
    key: string;
  }>();
});
