import { parseFloatText } from '../../base/float.ts';
import { DEFAULTS, hpaNameOf, scaleTargetOf, usesScalingModifiers } from '../defaults.ts';
import type { ScaledObject } from '../scaled-object.ts';
import { type RuleProblem, ruleProblem } from './problem.ts';
import { isResourceTrigger } from './triggers.ts';

/** KEDA 2.21: idleReplicaCount, minReplicaCount and maxReplicaCount against each other. */
export function checkBounds({ spec }: ScaledObject): RuleProblem[] {
  const { minReplicaCount: min, maxReplicaCount: max = DEFAULTS.maxReplicaCount, idleReplicaCount: idle } = spec;
  // An explicit 0 counts as 1 here: idle 0 beside min 0 passes, idle 0 without min does not.
  const low = min === undefined ? 0 : Math.max(min, 1);
  const problems: RuleProblem[] = [];
  if (low > max)
    problems.push(
      ruleProblem(
        'incorrect-replicas',
        'refuse',
        ['spec', 'minReplicaCount'],
        `must not be greater than maxReplicaCount, which is ${max}${spec.maxReplicaCount === undefined ? ' when absent' : ''}`,
        min,
      ),
    );
  if (idle !== undefined && idle >= low)
    problems.push(
      ruleProblem(
        'incorrect-replicas',
        'refuse',
        ['spec', 'idleReplicaCount'],
        min === undefined
          ? 'needs a minReplicaCount that is greater: set minReplicaCount, or remove idleReplicaCount'
          : `must be less than minReplicaCount, which counts as ${low}`,
        idle,
      ),
    );
  return problems;
}

/** KEDA 2.21: the numbers of the fallback, and that there is a trigger it can stand in for. */
export function checkFallback(object: ScaledObject): RuleProblem[] {
  const { fallback, triggers } = object.spec;
  if (fallback === undefined) return [];
  const problems: RuleProblem[] = [];
  for (const field of ['failureThreshold', 'replicas'] as const)
    if (fallback[field] < 0)
      problems.push(
        ruleProblem(
          'incorrect-fallback',
          'refuse',
          ['spec', 'fallback', field],
          'must not be negative',
          fallback[field],
        ),
      );
  if (!usesScalingModifiers(object) && triggers.length > 0 && triggers.every(isResourceTrigger))
    problems.push(
      ruleProblem(
        'incorrect-fallback',
        'refuse',
        ['spec', 'fallback'],
        'is not for cpu and memory triggers, which Kubernetes reads itself: remove it, or add a trigger of another type',
      ),
    );
  return problems;
}

/** KEDA 2.21: a fallback by formula needs a formula. */
export function checkFallbackBehavior({ spec }: ScaledObject): RuleProblem[] {
  if (spec.fallback?.behavior !== 'scalingModifiers' || spec.advanced?.scalingModifiers?.formula) return [];
  return [
    ruleProblem(
      'scaling-modifiers-fallback',
      'refuse',
      ['spec', 'fallback', 'behavior'],
      'needs a formula in spec.advanced.scalingModifiers.formula that handles missing values (a ?? b)',
      spec.fallback.behavior,
    ),
  ];
}

/** The longest label value: both names become labels. */
const LONGEST_NAME = 63;

/** KEDA 2.21: names that do not fit into a label. */
export function checkNames(object: ScaledObject): RuleProblem[] {
  const { name } = object.metadata;
  const hpaName = hpaNameOf(object);
  if (name.length > LONGEST_NAME)
    return [
      ruleProblem('name-too-long', 'refuse', ['metadata', 'name'], `must be at most ${LONGEST_NAME} characters`, name),
    ];
  if (hpaName.length <= LONGEST_NAME) return [];
  const given = object.spec.advanced?.horizontalPodAutoscalerConfig?.name;
  return [
    given
      ? ruleProblem(
          'hpa-name-too-long',
          'refuse',
          ['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'name'],
          `must be at most ${LONGEST_NAME} characters`,
          given,
        )
      : ruleProblem(
          'hpa-name-too-long',
          'refuse',
          ['metadata', 'name'],
          `gives the HPA the name ${hpaName}, longer than ${LONGEST_NAME} characters: shorten it, or set spec.advanced.horizontalPodAutoscalerConfig.name`,
          name,
        ),
  ];
}

/** Says what is wrong with a formula over variables of these names, or undefined when nothing is. */
export type FormulaCheck = (formula: string, variables: readonly string[]) => string | undefined;

/** KEDA 2.21: formula and target of scalingModifiers. The formula itself is judged by `checkFormula`, if given. */
export function checkModifiers(object: ScaledObject, checkFormula?: FormulaCheck): RuleProblem[] {
  const modifiers = object.spec.advanced?.scalingModifiers;
  if (modifiers === undefined || !usesScalingModifiers(object)) return [];
  const at = ['spec', 'advanced', 'scalingModifiers'];
  const { formula, target, activationTarget } = modifiers;
  const problems: RuleProblem[] = [];
  const refuse = (field: string, message: string, value?: string) =>
    problems.push(ruleProblem('scaling-modifiers', 'refuse', [...at, field], message, value));
  if (!formula) refuse('formula', 'is missing: the other fields of scalingModifiers need it');
  else {
    const fault = checkFormula?.(formula, formulaVariables(object));
    if (fault !== undefined) refuse('formula', fault, formula);
  }
  if (!target) refuse('target', 'is missing: say which value of the formula one replica takes');
  else if (!((parseFloatText(target) ?? 0) > 0)) refuse('target', 'must be a number greater than 0', target);
  // KEDA 2.21 lets it pass and then fails at every poll.
  if (activationTarget && parseFloatText(activationTarget) === undefined)
    problems.push(
      ruleProblem('scaling-modifiers', 'fail', [...at, 'activationTarget'], 'must be a number', activationTarget),
    );
  return problems;
}

/** Names that a formula may use: those of triggers that are read by us. */
export function formulaVariables({ spec }: ScaledObject): string[] {
  return spec.triggers.flatMap((trigger) => (trigger.name && !isResourceTrigger(trigger) ? [trigger.name] : []));
}

/** KEDA 2.21: the resources of no replicas cannot be measured, so cpu and memory alone never scale from zero. */
export function checkScaleToZero(object: ScaledObject): RuleProblem[] {
  const { apiVersion, kind } = scaleTargetOf(object);
  if (apiVersion !== 'apps/v1' || (kind !== 'Deployment' && kind !== 'StatefulSet')) return [];
  const { triggers, minReplicaCount } = object.spec;
  if (minReplicaCount || triggers.length === 0 || !triggers.every(isResourceTrigger)) return [];
  return [
    ruleProblem(
      'scale-to-zero-requirements-not-met',
      'refuse',
      ['spec', 'minReplicaCount'],
      'must be at least 1 when every trigger is cpu or memory, or add a trigger of another type',
      minReplicaCount,
    ),
  ];
}
