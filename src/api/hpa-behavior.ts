import { int32, listOf, object, oneOf, quantity, type ValueOf } from '../spec/object-fields.ts';

const policy = object('A limit on how much may change in a period.', {
  type: oneOf('Unit of the value.', ['Pods', 'Percent'], { required: true, enforced: false }),
  value: int32('Largest change in the period, greater than 0.', { required: true }),
  periodSeconds: int32('Length of the period, 1 to 1800 seconds.', { required: true }),
});

const rules = (description: string, absent: string) =>
  object(description, {
    policies: listOf('Limits; selectPolicy says which of them counts.', policy),
    selectPolicy: oneOf(
      'Limit that counts: the largest change, the smallest, or no change at all.',
      ['Max', 'Min', 'Disabled'],
      {
        enforced: false,
        absent: 'Max',
      },
    ),
    stabilizationWindowSeconds: int32('Seconds of past recommendations to take into account.', {
      min: 0,
      max: 3600,
      absent,
    }),
    tolerance: quantity('Share by which the metric may miss its target without a change, for example 0.05.', {
      absent: "the cluster's (0.1)",
    }),
  });

/** `behavior` of an autoscaling/v2 HPA, passed on as it is. Its values are judged by Kubernetes when the HPA is made. */
export const hpaBehavior = object('How fast the HPA may scale.', {
  scaleUp: rules('Rules for scaling out.', '0'),
  scaleDown: rules('Rules for scaling in.', "the cluster's (300)"),
});

export type HpaBehavior = ValueOf<typeof hpaBehavior>;
export type HpaScalingRules = NonNullable<HpaBehavior['scaleUp']>;
