import { isDeepStrictEqual } from 'node:util';
import { TRANSFER_HPA_OWNERSHIP } from '../../api/annotations.ts';
import { hpaNameOf, scaleTargetOf } from '../../api/defaults.ts';
import type { ScaledJob, ScaledObject } from '../../api/index.ts';
import type { KindName, KindTypes } from '../../api/kinds.ts';
import { checkRules, type RuleProblem } from '../../api/rules/index.ts';
import { salvage } from '../../api/salvage.ts';
import { validateObject } from '../../api/validate.ts';
import { formulaFault } from '../../decision/formula/index.ts';
import { parsePath, valueAt } from '../../spec/object-path.ts';
import type { ObjectProblem } from '../../spec/object-problem.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { checkAuthentications, checkScaledObjectInCluster } from './cluster-rules.ts';
import type { AdmissionRequest } from './review.ts';
import { checkTriggers } from './trigger-rules.ts';
import type { AdmissionNote, AdmissionProblem, Verdict } from './types.ts';

/** Whether there is nothing to judge: a status, a removal, an object on its way out, or one that loses a finalizer. */
export function isExempt({ operation, subresource, object, oldObject }: AdmissionRequest): boolean {
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || subresource !== '' || object === undefined) return true;
  if (operation === 'CREATE') return false;
  if (valueAt(object, ['metadata', 'deletionTimestamp'])) return true;
  // KEDA 2.21: else an object that became invalid in the meantime could never be deleted.
  return finalizersOf(object) < finalizersOf(oldObject) && isDeepStrictEqual(object.spec, oldObject?.spec);
}

function finalizersOf(object: unknown): number {
  const finalizers = valueAt(object, ['metadata', 'finalizers']);
  return Array.isArray(finalizers) ? finalizers.length : 0;
}

/** Judges an object by itself and by what is in the cluster, and says everything at once. */
export async function judge<K extends KindName>(
  kind: K,
  request: AdmissionRequest,
  facts: ClusterFacts,
  signal: AbortSignal,
): Promise<Verdict> {
  const manifest = manifestOf(request);
  const { oldObject, dryRun } = request;
  const { raw, problems: fieldProblems, warnings } = validateObject(kind, manifest);
  const object = salvage(raw, fieldProblems) as unknown as KindTypes[K];
  const verdict = collect();

  for (const problem of rulesOf(kind, object, fieldProblems)) {
    // KEDA 2.21: a dry run does not look at the target at all.
    if (dryRun && problem.rule === 'scale-to-zero-requirements-not-met') continue;
    if (problem.effect === 'refuse') verdict.refuse({ ...problem, reason: problem.rule });
    else verdict.note(problem);
  }
  for (const { path, message, value } of fieldProblems) {
    // As the API server does with values that do not fit a schema which became stricter (ratcheting).
    const at = parsePath(path);
    const isOld = oldObject !== undefined && isDeepStrictEqual(valueAt(manifest, at), valueAt(oldObject, at));
    if (isOld) verdict.note({ path, message });
    else verdict.refuseOnce({ reason: 'invalid-field', path, message, ...(value === undefined ? {} : { value }) });
  }
  if (kind === 'ScaledObject' || kind === 'ScaledJob') {
    const scaled = object as ScaledObject | ScaledJob;
    const triggers = checkTriggers(kind, scaled, oldObject);
    for (const problem of triggers.problems) verdict.refuseOnce(problem);
    const fresh = claimsAnew(kind, scaled, oldObject);
    const found = await Promise.all([
      kind === 'ScaledObject' && scaleTargetOf(scaled as ScaledObject).name !== ''
        ? checkScaledObjectInCluster(scaled as ScaledObject, facts, { fresh, dryRun, signal })
        : undefined,
      isDeepStrictEqual(scaled.spec, oldObject?.spec)
        ? undefined
        : checkAuthentications(scaled, facts, { fresh, signal }),
    ]);
    for (const { problems = [], notes = [] } of found.filter((each) => each !== undefined)) {
      for (const problem of problems) verdict.refuse(problem);
      for (const each of notes) verdict.note(each);
    }
    for (const each of triggers.notes) verdict.note(each);
  }
  for (const warning of warnings) verdict.note(warning);
  return verdict.done();
}

/** The object without its status, which is not ours to judge, and named even where only the request says how. */
function manifestOf({ object, name, namespace }: AdmissionRequest): Record<string, unknown> {
  const { status: _, ...rest } = object ?? {};
  const metadata = (rest.metadata ?? {}) as Record<string, unknown>;
  return {
    ...rest,
    metadata: {
      ...metadata,
      name: metadata.name || name,
      ...(metadata.namespace || namespace ? { namespace: metadata.namespace || namespace } : {}),
    },
  };
}

/** Rules expect a whole object; on the remains of a broken one a rule may fail, and the rest is said next time. */
function rulesOf<K extends KindName>(kind: K, object: KindTypes[K], problems: readonly ObjectProblem[]): RuleProblem[] {
  try {
    return checkRules(kind, object, { checkFormula: formulaFault });
  } catch (error) {
    if (problems.length > 0) return [];
    throw error;
  }
}

/** Whether the object is new or wants a target, an HPA's name or a right that it did not want before. */
function claimsAnew(
  kind: KindName,
  object: ScaledObject | ScaledJob,
  oldObject: Readonly<Record<string, unknown>> | undefined,
): boolean {
  const before = oldObject as unknown as ScaledObject;
  if (kind !== 'ScaledObject' || !valueAt(before, ['spec', 'scaleTargetRef']) || !valueAt(before, ['metadata', 'name']))
    return true;
  const claims = (each: ScaledObject) => [
    scaleTargetOf(each),
    hpaNameOf(each),
    each.metadata.annotations?.[TRANSFER_HPA_OWNERSHIP],
  ];
  return !isDeepStrictEqual(claims(object as ScaledObject), claims(before));
}

/** Puts problems before notes, and says one thing about a field where a second would only follow from the first. */
function collect() {
  const problems: AdmissionProblem[] = [];
  const notes: AdmissionNote[] = [];
  const blamed = (path: string) => problems.some((problem) => problem.path === path);
  return {
    refuse({ reason, path, message, value }: AdmissionProblem): void {
      problems.push({ reason, path, message, ...(value === undefined ? {} : { value }) });
    },
    refuseOnce(problem: AdmissionProblem): void {
      if (!blamed(problem.path)) problems.push(problem);
    },
    note({ path, message }: AdmissionNote): void {
      notes.push({ path, message });
    },
    done(): Verdict {
      const seen = new Set<string>();
      const kept = notes.filter(({ path, message }) => {
        const isNew = !blamed(path) && !seen.has(`${path}\n${message}`);
        seen.add(`${path}\n${message}`);
        return isNew;
      });
      return { problems, notes: kept };
    },
  };
}
