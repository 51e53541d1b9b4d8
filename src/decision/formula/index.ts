import { checkFormula } from './check.ts';
import { evaluateFormula } from './evaluate.ts';
import { parseFormula } from './parser.ts';
import { FormulaError, type FormulaProblem, showProblem } from './problem.ts';
import type { Node } from './syntax.ts';
import { nameOfType, nameOfValue } from './types.ts';

export { type FormulaProblem, showProblem } from './problem.ts';

export type FormulaResult =
  /** null is nil: some trigger has no value and the formula passes that on. */
  { ok: true; value: number | null } | { ok: false; problem: string };

export interface CompiledFormula {
  text: string;
  /** Names of the triggers that the formula uses. */
  variables: readonly string[];
  /** Runs the formula. null stands for a trigger that the fallback took out; never throws. */
  run(values: Readonly<Record<string, number | null>>): FormulaResult;
}

export type Compilation = { ok: true; formula: CompiledFormula } | { ok: false; problems: FormulaProblem[] };

/**
 * Compiles a formula of scalingModifiers over triggers of the given names, each a float. The language is that of
 * expr-lang 1.17, as far as it deals with numbers; the result has to be a number, or nil where the formula has a `??`
 * (KEDA 2.21 wraps it in `float(…)` for that). All unknown names and misfits are found at once.
 */
export function compileFormula(text: string, names: readonly string[]): Compilation {
  const tree = parsed(text);
  if ('problem' in tree) return { ok: false, problems: [tree.problem] };
  const { type, problems, variables } = checkFormula(tree.node, new Set(names));
  if (type === undefined) return { ok: false, problems };
  if (type.kind === 'boolean' || type.kind === 'string' || type.kind === 'list' || type.kind === 'nil')
    return { ok: false, problems: [{ at: 0, message: `the formula has to give a number, not ${nameOfType(type)}` }] };
  const dry = dryRun(tree.node, variables);
  if (dry) return { ok: false, problems: [dry] };
  return {
    ok: true,
    formula: { text, variables, run: (values) => runFormula(text, tree.node, values) },
  };
}

/** What is wrong with a formula, for admission and lint: every problem with its place shown; undefined when nothing is. */
export function formulaFault(text: string, names: readonly string[]): string | undefined {
  const compiled = compileFormula(text, names);
  return compiled.ok ? undefined : compiled.problems.map((problem) => showProblem(text, problem)).join('\n');
}

function parsed(text: string): { node: Node } | { problem: FormulaProblem } {
  try {
    return { node: parseFormula(text) };
  } catch (error) {
    if (error instanceof FormulaError) return { problem: { message: error.message, at: error.at } };
    throw error;
  }
}

/** KEDA 2.21 tries a formula with -1 for every trigger. What only those values do wrong (-1 + 1 = 0 below a line) is no fault. */
function dryRun(node: Node, variables: readonly string[]): FormulaProblem | undefined {
  try {
    const { value } = evaluateFormula(node, Object.fromEntries(variables.map((name) => [name, -1])));
    if (value === null || typeof value === 'number') return undefined;
    return { at: 0, message: `the formula has to give a number, not ${nameOfValue(value)}` };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    return error.reason === 'value' ? undefined : { message: error.message, at: error.at };
  }
}

function runFormula(text: string, node: Node, values: Readonly<Record<string, number | null>>): FormulaResult {
  try {
    const { value, dividedByZeroAt } = evaluateFormula(node, values);
    if (value === null) {
      // KEDA 2.21: only a formula that writes ?? may pass nil on.
      if (text.includes('??')) return { ok: true, value: null };
      return { ok: false, problem: 'the formula gives nil in place of a number' };
    }
    if (typeof value !== 'number')
      return { ok: false, problem: `the formula gives ${nameOfValue(value)} in place of a number` };
    if (Number.isFinite(value)) return { ok: true, value };
    if (dividedByZeroAt === undefined)
      return { ok: false, problem: `the formula gives ${value}, which is no number to scale on` };
    return { ok: false, problem: showProblem(text, { at: dividedByZeroAt, message: 'the formula divides by zero' }) };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    return { ok: false, problem: showProblem(text, { at: error.at, message: error.message }) };
  }
}
