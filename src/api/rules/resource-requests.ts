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
    // Requests of the pod as a whole (Kubernetes 1.34) are what the HPA divides by, unless it looks at one container.
    if (!only && asksFor(pod, trigger.type)) return [];
    const lacking = (pod.containers ?? []).filter(
      (container) => (!only || container.name === only) && !asksFor(container, trigger.type),
    );
    const [first, ...others] = lacking.map(({ name }) => name);
    if (first === undefined) return [];
    const rest = others.length === 0 ? '' : ` (nor does ${others.join(', ')})`;
    return [
      ruleProblem(
        'missing-requests',
        'refuse',
        ['spec', 'triggers', index, 'type'],
        // Worded as KEDA 2.21 words it up to the colon: its end-to-end tests look for it.
        `the scaledobject has a ${trigger.type} trigger but the container ${first} doesn't have the ${trigger.type} request defined${rest}: set resources.requests.${trigger.type} in ${kind} ${object.spec.scaleTargetRef.name}`,
        trigger.type,
      ),
    ];
  });
}

function asksFor({ resources }: Pick<Container, 'resources'>, resource: string): boolean {
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
