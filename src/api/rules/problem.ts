import { formatPath, type Path } from '../../spec/object-path.ts';

/** Rules of KEDA's admission webhook by the `reason` of its error counter, and our own. */
export type RuleName =
  | 'incorrect-replicas'
  | 'incorrect-triggers'
  | 'incorrect-fallback'
  | 'name-too-long'
  | 'hpa-name-too-long'
  | 'scaling-modifiers'
  | 'scaling-modifiers-fallback'
  | 'scale-to-zero-requirements-not-met'
  | 'missing-requests'
  | 'hpa-behavior'
  | 'scale-target'
  | 'annotations'
  | 'job'
  | 'pod-identity'
  | 'oauth2'
  | 'credentials'
  | 'destination'
  | 'event-types'
  | 'no-effect';

/**
 * What follows from a problem:
 * - `refuse`: admission refuses the object, as KEDA 2.21's does;
 * - `fail`: admission lets it pass, as KEDA's does, but it cannot work;
 * - `warn`: it works, though perhaps not as meant.
 */
export type RuleEffect = 'refuse' | 'fail' | 'warn';

export interface RuleProblem {
  rule: RuleName;
  effect: RuleEffect;
  /** As formatPath writes it. */
  path: string;
  /** What is wrong and what to do, without the path. */
  message: string;
  value?: unknown;
}

/** A problem at a path. */
export function ruleProblem(
  rule: RuleName,
  effect: RuleEffect,
  path: Path,
  message: string,
  value?: unknown,
): RuleProblem {
  return { rule, effect, path: formatPath(path), message, ...(value === undefined ? {} : { value }) };
}
