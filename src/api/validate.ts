import type { ObjectProblem } from '../spec/object-problem.ts';
import { validateKind } from '../spec/object-validate.ts';
import { KINDS, type KindName, type KindTypes } from './kinds.ts';

export interface ValidatedObject<K extends KindName> {
  /** The object as an API server would keep it; only there when nothing is wrong with it. */
  object: KindTypes[K] | undefined;
  /** The same even when something is wrong: only fields without a problem have the declared type. */
  raw: Record<string, unknown>;
  problems: ObjectProblem[];
  warnings: ObjectProblem[];
}

/** Checks a manifest of a known kind against the fields of the kind; rules over several fields are in rules/. */
export function validateObject<K extends KindName>(kind: K, manifest: unknown): ValidatedObject<K> {
  const { object, problems, warnings } = validateKind(KINDS[kind], manifest);
  return {
    object: problems.length === 0 ? (object as unknown as KindTypes[K]) : undefined,
    raw: object,
    problems,
    warnings,
  };
}
