import { parseQuantity } from '../../base/quantity.ts';
import { scaleTargetOf } from '../defaults.ts';
import type { Container, PodSpec, ScaledObject } from '../index.ts';
import { type RuleProblem, ruleProblem } from './problem.ts';
import { isResourceTrigger } from './triggers.ts';

type Amounts = Record<string, string | number>;

/** The parts of a v1 LimitRange that give containers a request they do not ask for. */
export interface LimitRange {
  spec?: { limits?: { type?: string; default?: Amounts; defaultRequest?: Amounts }[] };
}

/**
 * KEDA 2.21: cpu and memory triggers need containers that request the resource, or have a limit of it, or get one from
 * a LimitRange of their namespace. Judges Deployments and StatefulSets only.
 */
export function checkResourceRequests(
  object: ScaledObject,
  pod: PodSpec,
  limitRanges: readonly LimitRange[],
): RuleProblem[] {
  const { apiVersion, kind } = scaleTargetOf(object);
  if (apiVersion !== 'apps/v1' || (kind !== 'Deployment' && kind !== 'StatefulSet')) return [];
  return object.spec.triggers.flatMap((trigger, index) => {
    if (!isResourceTrigger(trigger) || limitRanges.some((range) => givesDefault(range, trigger.type))) return [];
    const only = trigger.metadata.containerName;
    const lacking = (pod.containers ?? []).filter(
      (container) => (!only || container.name === only) && !asksFor(container, trigger.type),
    );
    return lacking.length === 0
      ? []
      : [
          ruleProblem(
            'missing-requests',
            'refuse',
            ['spec', 'triggers', index, 'type'],
            `needs a request of ${trigger.type} in each container, and ${lacking.map(({ name }) => name).join(', ')} of ${kind} ${object.spec.scaleTargetRef.name} has none: set resources.requests.${trigger.type}`,
            trigger.type,
          ),
        ];
  });
}

function asksFor({ resources }: Container, resource: string): boolean {
  return isPositive(resources?.requests?.[resource]) || isPositive(resources?.limits?.[resource]);
}

function givesDefault({ spec }: LimitRange, resource: string): boolean {
  return (spec?.limits ?? []).some(
    (limit) =>
      limit.type === 'Container' &&
      (isPositive(limit.default?.[resource]) || isPositive(limit.defaultRequest?.[resource])),
  );
}

function isPositive(amount: string | number | undefined): boolean {
  if (amount === undefined) return false;
  try {
    return parseQuantity(String(amount)).nano > 0n;
  } catch {
    return false;
  }
}
