import { usesScalingModifiers } from '../api/defaults.ts';
import type { ScaledObject } from '../api/index.ts';
import { formulaVariables } from '../api/rules/scaled-object.ts';
import { parseFloatText } from '../base/float.ts';
import { type CompiledFormula, compileFormula, showProblem } from './formula/index.ts';

/** spec.advanced.scalingModifiers, read. */
export interface Modifiers {
  /** The compiled formula, or why it cannot be used. */
  formula: CompiledFormula | { problem: string };
  /** Greater than 0; NaN when the formula cannot be used for that reason. */
  target: number;
  activationTarget: number;
  metricType: 'AverageValue' | 'Value';
}

/** Reads and compiles the formula of an object; undefined when it has none. Worth keeping while the spec is the same. */
export function readModifiers(object: ScaledObject): Modifiers | undefined {
  const modifiers = object.spec.advanced?.scalingModifiers;
  if (modifiers === undefined || !usesScalingModifiers(object)) return undefined;
  const target = parseFloatText(modifiers.target ?? '') ?? Number.NaN;
  const activationTarget = modifiers.activationTarget ? parseFloatText(modifiers.activationTarget) : 0;
  const rest = { target, activationTarget: activationTarget ?? 0, metricType: modifiers.metricType ?? 'AverageValue' };
  const unusable = (problem: string): Modifiers => ({ ...rest, formula: { problem } });
  if (!modifiers.formula) return unusable('scalingModifiers.formula is missing');
  if (!(target > 0)) return unusable('scalingModifiers.target must be a number greater than 0');
  if (activationTarget === undefined) return unusable('scalingModifiers.activationTarget must be a number');
  const compiled = compileFormula(modifiers.formula, formulaVariables(object));
  if (compiled.ok) return { ...rest, formula: compiled.formula };
  const text = modifiers.formula;
  return unusable(compiled.problems.map((problem) => showProblem(text, problem)).join('\n'));
}
