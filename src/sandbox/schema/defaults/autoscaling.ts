import { ensure, type Fields, fill, isFields } from '../fields.ts';

/** autoscaling/v2 (pkg/apis/autoscaling/v2/defaults.go): the behavior is filled in only where one is given. */
export function defaultAutoscaler(object: Fields): void {
  const spec = ensure(object, 'spec');
  fill(spec, { minReplicas: 1 });
  if (!Array.isArray(spec.metrics) || spec.metrics.length === 0)
    spec.metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ];
  const behavior = spec.behavior;
  if (!isFields(behavior)) return;
  defaultRules(ensure(behavior, 'scaleUp'), 0, [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ]);
  // Without a window of its own, scaling down uses the controller manager's (5 minutes), so none is written.
  defaultRules(ensure(behavior, 'scaleDown'), undefined, [{ type: 'Percent', value: 100, periodSeconds: 15 }]);
}

function defaultRules(rules: Fields, window: number | undefined, policies: Fields[]): void {
  fill(rules, {
    selectPolicy: 'Max',
    policies,
    ...(window === undefined ? {} : { stabilizationWindowSeconds: window }),
  });
}

export function defaultAutoscalerV1(object: Fields): void {
  fill(ensure(object, 'spec'), { minReplicas: 1 });
}
