import type { ScaledObject } from '../scaled-object.ts';
import type { Trigger } from '../trigger.ts';
import { type RuleProblem, ruleProblem } from './problem.ts';

/** cpu and memory: Kubernetes reads them itself. */
export function isResourceTrigger(trigger: Pick<Trigger, 'type'>): boolean {
  return trigger.type === 'cpu' || trigger.type === 'memory';
}

const UNCACHED = new Set(['cpu', 'memory', 'cron']);

/** KEDA 2.21: there is a trigger, names are unique, and useCachedMetrics stands where there is something to cache. */
export function checkTriggerList(triggers: readonly Trigger[]): RuleProblem[] {
  const problems: RuleProblem[] = [];
  if (triggers.length === 0)
    problems.push(ruleProblem('incorrect-triggers', 'refuse', ['spec', 'triggers'], 'must have at least one trigger'));
  const firstByName = new Map<string, number>();
  triggers.forEach(({ type, name, useCachedMetrics }, index) => {
    const at = ['spec', 'triggers', index] as const;
    if (useCachedMetrics && UNCACHED.has(type))
      problems.push(
        ruleProblem(
          'incorrect-triggers',
          'refuse',
          [...at, 'useCachedMetrics'],
          `is not for ${type} triggers: remove it`,
          useCachedMetrics,
        ),
      );
    if (!name) return;
    const first = firstByName.get(name);
    if (first === undefined) firstByName.set(name, index);
    else
      problems.push(
        ruleProblem(
          'incorrect-triggers',
          'refuse',
          [...at, 'name'],
          `is the name of spec.triggers[${first}] already: give each trigger its own`,
          name,
        ),
      );
  });
  return problems;
}

/** What an addition of ours says of errors: only of triggers that we read, and only with a fallback to fall back to. */
export function checkOnError({ spec }: ScaledObject): RuleProblem[] {
  return spec.triggers.flatMap((trigger, index) => {
    const { onError } = trigger;
    const refuse = (message: string) => [
      ruleProblem('incorrect-triggers', 'refuse', ['spec', 'triggers', index, 'onError'], message, onError),
    ];
    if (onError === undefined) return [];
    if (isResourceTrigger(trigger))
      return refuse(`is not for ${trigger.type} triggers, which Kubernetes reads itself: remove it`);
    if (onError === 'fallback' && spec.fallback === undefined)
      return refuse('needs spec.fallback, which says what to fall back to');
    return [];
  });
}

const METRIC_TYPES = ['AverageValue', 'Value', 'Utilization'];

/** KEDA 2.21 passes an unknown metricType on to the HPA, which is then refused. */
export function checkMetricTypes(triggers: readonly Trigger[]): RuleProblem[] {
  return triggers.flatMap(({ metricType }, index) =>
    !metricType || METRIC_TYPES.includes(metricType)
      ? []
      : [
          ruleProblem(
            'incorrect-triggers',
            'fail',
            ['spec', 'triggers', index, 'metricType'],
            `must be one of ${METRIC_TYPES.join(', ')}`,
            metricType,
          ),
        ],
  );
}
